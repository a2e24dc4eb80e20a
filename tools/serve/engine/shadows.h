// SPDX-License-Identifier: Apache-2.0
// Candidates that answer beside the models in use, and are only watched: the library's shadows, one for each pair and
// serving thread, and the thread that works them off.
#ifndef TICKMLP_SERVE_ENGINE_SHADOWS_H_
#define TICKMLP_SERVE_ENGINE_SHADOWS_H_
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "serve/repository/repository.h"

namespace tickmlp::serve {

struct ShadowPair {
  std::string primary, candidate;  // models of the repository
  std::uint32_t every = 1;         // one question in so many is taken over
};
// "PRIMARY=CANDIDATE[,every=N]". Refused: bad_request.
Refusal read_shadow_pair(std::string_view text, ShadowPair* out);

struct ShadowFigures {
  ShadowPair pair;
  std::uint64_t generation;  // of the candidate
  tickmlp_shadow_figures sum;
  std::uint64_t p50_ns, p99_ns;  // of the candidate's own calls
};

// One candidate in one generation, with a shadow for each serving thread. Made by the housekeeping thread, since a
// shadow takes 20 ms to make; lives until the last thread has given its own back.
class Shadow {
 public:
  Shadow(const ShadowPair& pair, const tickmlp_model* primary, Model candidate, std::size_t threads);
  ~Shadow();
  Shadow(const Shadow&) = delete;
  Shadow& operator=(const Shadow&) = delete;

  // For one serving thread, which alone offers to it until it gives it back. Null where the two models are not of one
  // kind.
  tickmlp_shadow* take();
  void give_back(tickmlp_shadow* shadow);
  // Of one thread.
  bool work();
  ShadowFigures figures() const;

 private:
  const ShadowPair pair_;
  const Model candidate_;
  std::vector<tickmlp_shadow*> shadows_;
  std::mutex mutex_;  // held for a push or a pop
  std::vector<tickmlp_shadow*> free_;
};

// A serving thread's place at a shadow.
class ShadowSeat {
 public:
  ShadowSeat() = default;
  explicit ShadowSeat(std::shared_ptr<Shadow> owner)
      : owner_(std::move(owner)), shadow_(owner_ == nullptr ? nullptr : owner_->take()) {}
  ~ShadowSeat() {
    if (shadow_ != nullptr) owner_->give_back(shadow_);
  }
  ShadowSeat(ShadowSeat&& other) noexcept
      : owner_(std::move(other.owner_)), shadow_(std::exchange(other.shadow_, nullptr)) {}
  ShadowSeat& operator=(ShadowSeat&& other) noexcept {
    std::swap(owner_, other.owner_);
    std::swap(shadow_, other.shadow_);
    return *this;
  }

  const std::shared_ptr<Shadow>& owner() const { return owner_; }
  tickmlp_shadow* get() const { return shadow_; }  // null: none

 private:
  std::shared_ptr<Shadow> owner_;
  tickmlp_shadow* shadow_ = nullptr;
};

class Shadows {
 public:
  Shadows(const std::vector<ShadowPair>& pairs, Repository& repository, std::size_t threads);
  ~Shadows();
  // Follows the candidates' generations. For the housekeeping thread.
  void refresh();
  // Rises when what current() gives has changed.
  std::uint64_t number() const { return number_.load(std::memory_order_acquire); }
  // By the primary's name.
  std::map<std::string, std::shared_ptr<Shadow>, std::less<>> current() const;

 private:
  void run();

  const std::vector<ShadowPair> pairs_;
  Repository& repository_;
  const std::size_t threads_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Shadow>, std::less<>> shadows_;
  struct Seen {  // of a candidate
    const void* slot = nullptr;
    std::uint64_t number = 0;
    bool operator==(const Seen&) const = default;
  };
  std::map<std::string, Seen, std::less<>> seen_;
  std::atomic<std::uint64_t> number_ = 0;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace tickmlp::serve
#endif
