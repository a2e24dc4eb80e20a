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

  bool has_version(std::uint64_t generation) const;
};

struct Inferred {
  Refusal refusal;
  std::uint64_t generation = 0;  // that answered
  tickmlp_status status = TICKMLP_OK;
  std::size_t done = 0;  // states before the first that failed
};

// Thread-compatible: one for each serving thread, created in it.
class Models {
 public:
  Models(Repository& repository, std::string thread_name) : repository_(repository), name_(std::move(thread_name)) {}

  // Follows the catalogue where it has changed: one atomic load where it has not. Before a request, and now and then
  // while there is none, so that models that went are given up.
  void refresh();

  // Rises with each change that refresh() has followed: what find() gave before is not valid any more.
  std::uint64_t number() const { return number_; }

  // Null where no such model serves. Valid until the next refresh().
  ThreadModel* find(std::string_view name);

  // inputs [states][inputs] -> outputs [states][outputs]; `version` empty: the current generation. Nothing is held
  // afterwards, so that a thread that sleeps holds no model.
  Inferred infer(ThreadModel& model, std::optional<std::uint64_t> version, std::span<const float> inputs,
                 std::size_t states, float* outputs);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  Repository& repository_;
  const std::string name_;
  std::uint64_t number_ = 0;
  std::unordered_map<std::string, ThreadModel, Hash, std::equal_to<>> models_;
};

}  // namespace tickmlp::serve
#endif
