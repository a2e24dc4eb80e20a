// SPDX-License-Identifier: Apache-2.0
// Candidates that answer beside the models in use, and are only watched: the library's shadows, one for each pair and
// serving thread, and the thread that works them off.
#ifndef TICKMLP_SERVE_ENGINE_SHADOWS_H_
#define TICKMLP_SERVE_ENGINE_SHADOWS_H_
#include <atomic>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

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

// One candidate in one generation. Keeps its model and every shadow of it until the last thread has let it go.
class Shadow {
 public:
  Shadow(const ShadowPair& pair, Model candidate) : pair_(pair), candidate_(std::move(candidate)) {}
  ~Shadow();
  // For one serving thread, which alone offers to it. Null where the two models are not of one kind.
  tickmlp_shadow* join(const tickmlp_model* primary);
  bool work();
  ShadowFigures figures();

 private:
  const ShadowPair pair_;
  const Model candidate_;
  std::mutex mutex_;  // of the list; the serving threads take it when they join
  std::list<tickmlp_shadow*> shadows_;
};

class Shadows {
 public:
  Shadows(const std::vector<ShadowPair>& pairs, Repository& repository);
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
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Shadow>, std::less<>> shadows_;
  std::map<std::string, std::uint64_t, std::less<>> generations_;
  std::atomic<std::uint64_t> number_ = 0;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace tickmlp::serve
#endif
