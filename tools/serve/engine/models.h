// SPDX-License-Identifier: Apache-2.0
// One serving thread's models: the catalogue's, each with a reader of this thread's own.
#ifndef TICKMLP_SERVE_ENGINE_MODELS_H_
#define TICKMLP_SERVE_ENGINE_MODELS_H_
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "serve/cache/cache.h"
#include "serve/engine/shadows.h"
#include "serve/guard/breaker.h"
#include "serve/metrics/metrics.h"
#include "serve/refusal.h"
#include "serve/repository/repository.h"

namespace tickmlp::serve {

// A reader of a slot, created and used by one thread. Keeps the slot alive.
class Reader {
 public:
  Reader(std::shared_ptr<Slot> slot, const std::string& thread_name);
  ~Reader();
  Reader(Reader&& other) noexcept;
  Reader(const Reader&) = delete;

  tickmlp_reader* get() const { return reader_; }
  const std::shared_ptr<Slot>& slot() const { return slot_; }

 private:
  std::shared_ptr<Slot> slot_;
  tickmlp_reader* reader_ = nullptr;
};

// A model as one thread has it.
struct ThreadModel {
  std::shared_ptr<const Served> served;
  Reader current;
  std::vector<std::pair<std::uint64_t, Reader>> others;
  std::unique_ptr<Breaker> breaker{};  // over the current generation; goes before the slot that it reports to
  ShadowSeat shadow{};                 // of what the current generation answers
  std::uint64_t generation = 0;        // that answered when the catalogue last changed
  ModelFigures* figures = nullptr;     // where this thread is counted

  bool has_version(std::uint64_t generation) const;
};

struct Inferred {
  Refusal refusal;
  std::uint64_t generation = 0;  // that answered
  bool cached = false;           // out of the cache
  // ticks(): of the cache or the model, of the model, of the end. 0: did not get there, or was not timed.
  std::uint64_t begin = 0, computing = 0, end = 0;
  tickmlp_status status = TICKMLP_OK;
  std::size_t done = 0;  // states before the first that failed
  bool watched = false;  // by the model's shadow, if it has one: for offer_to_shadow()
};

// The reader of a loaded version; empty: the current generation's, which a version that nothing else has may be too.
// Null: there is none.
Reader* reader_of(ThreadModel& model, std::optional<std::uint64_t> version);

// That are loaded: the current one first.
std::vector<std::uint64_t> versions_of(const ThreadModel& model);

// What was asked and answered, to whoever watches the model; a copy for each state. Once the answer is out.
void offer_to_shadow(const ThreadModel& model, const float* inputs, std::size_t states, const float* outputs);

// Thread-compatible: one for each serving thread, created in it.
class Models {
 public:
  // `shadows` may be null.
  Models(Repository& repository, std::string thread_name, Shadows* shadows = nullptr,
         const BreakerOptions& breaker = {})
      : repository_(repository), shadows_(shadows), name_(std::move(thread_name)), breaker_(breaker) {}

  // Counts what it computes, from the next refresh() on. Both outlive it.
  void count(Metrics& metrics, ThreadFigures& figures) {
    metrics_ = &metrics;
    figures_ = &figures;
  }
  // Keeps answers and gives them again: this thread's share of the cache.
  void keep_answers(std::size_t entries, std::uint64_t ttl_ns) { cache_.emplace(entries, ttl_ns); }
  // Now and then: the time that the cache's answers age by, of a steady clock.
  void tick(std::uint64_t now_ns) {
    now_ns_ = now_ns;
    if (cache_ && figures_ != nullptr) figures_->cached.set(cache_->size());
  }

  // Follows the catalogue and the shadows where they have changed: an atomic load each where they have not. Before a
  // request, and now and then while there is none, so that models that went are given up.
  void refresh();

  // Rises with each change that refresh() has followed: what find() gave before is not valid any more.
  std::uint64_t number() const { return number_; }

  // Null where no such model serves. Valid until the next refresh().
  ThreadModel* find(std::string_view name);

  // inputs [states][inputs] -> outputs [states][outputs]; `version` empty: the current generation, or, while its
  // breaker is open, the newest one before it that is loaded; where there is none, Code::unavailable. Nothing is held
  // afterwards, so that a thread that sleeps holds no model. Where it is not `timed`, Inferred has no times, and the
  // outputs are there 30 ns sooner.
  Inferred infer(ThreadModel& model, std::optional<std::uint64_t> version, std::span<const float> inputs,
                 std::size_t states, float* outputs, bool timed = true);
  // Counts what infer() computed, and timed.
  void executed(const ThreadModel& model, const Inferred& inferred, std::size_t states) const {
    if (model.figures != nullptr && !inferred.cached)
      model.figures->executed(inferred.generation, states, ns(inferred.computing, inferred.end));
  }

 private:
  Inferred ask(const ThreadModel& model, tickmlp_reader* reader, const tickmlp_held* held,
               std::span<const float> inputs, std::size_t states, float* outputs, bool timed);
  std::uint64_t ns(std::uint64_t begin, std::uint64_t end) const {
    return tickmlp_clock_ns(&metrics_->clock(), end - begin);
  }

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  void follow_catalogue();
  void follow_shadows();
  Reader* fallback(ThreadModel& model, std::uint64_t generation) const;

  Repository& repository_;
  Shadows* const shadows_;
  const std::string name_;
  const BreakerOptions breaker_;
  std::uint64_t number_ = 0, shadow_number_ = 0;
  Metrics* metrics_ = nullptr;
  ThreadFigures* figures_ = nullptr;
  std::optional<Cache> cache_;
  std::uint64_t now_ns_ = 0;
  std::unordered_map<std::string, ThreadModel, Hash, std::equal_to<>> models_;
};

}  // namespace tickmlp::serve
#endif
