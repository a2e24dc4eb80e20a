// SPDX-License-Identifier: Apache-2.0
// What the thread of the rings counts of its requests, and its sign of life.
#ifndef TICKMLP_SERVE_SHARED_TALLY_H_
#define TICKMLP_SERVE_SHARED_TALLY_H_
#include "serve/engine/models.h"
#include "serve/steady_clock.h"

namespace tickmlp::shared {

// Lives in the thread that counts.
class Tally {
 public:
  explicit Tally(serve::Metrics& metrics)
      : metrics_(metrics), figures_(metrics.add_thread("shared", serve::Protocol::shared_memory)) {
    lives();
  }
  ~Tally() { figures_.turned_ns.set(0); }
  Tally(const Tally&) = delete;

  serve::ThreadFigures& figures() { return figures_; }

  void lives() { figures_.turned_ns.set(serve::steady_ns()); }
  // After each look at the rings that found nothing; begin() does it too.
  void came_round() {
    if (++turns_ % kTurnsPerSign == 0) lives();
  }

  // A request begins. The time, in ticks(), where it is timed; 0 where not. By chance, 1 ns: every sixteenth could
  // always be the same client's.
  std::uint64_t begin() {
    came_round();
    chance_ = chance_ * 6364136223846793005U + 1442695040888963407U;
    return chance_ >> (64 - kTimedBits) == 0 ? serve::ticks() : 0;
  }
  // After the answer has gone: who waits for it does not wait for this, 9 ns.
  void answered(const serve::ThreadModel& model, std::size_t states, const serve::Inferred& inferred,
                std::uint64_t begin) const {
    serve::ModelFigures& figures = *model.figures;
    if (begin == 0) {
      figures.executed(inferred.generation, states, 0);
      return figures.answered(inferred.generation, states, true, nullptr);
    }
    const std::uint64_t end = serve::ticks(), weight = std::uint64_t{1} << kTimedBits;
    const auto ns = [&](std::uint64_t from, std::uint64_t to) {
      return tickmlp_clock_ns(&metrics_.clock(), to - from);
    };
    const serve::StageTimes times = {0, ns(begin, inferred.begin), ns(inferred.begin, inferred.end),
                                     ns(inferred.end, end), ns(begin, end)};
    figures.executed(inferred.generation, states, weight * ns(inferred.computing, inferred.end));
    figures.answered(inferred.generation, states, true, &times, weight);
  }
  // `generation` 0: that which answers.
  static void refused(const serve::ThreadModel& model, std::uint64_t generation) {
    model.figures->failed(generation != 0 ? generation : model.generation, 0);
  }

 private:
  static constexpr std::uint64_t kTurnsPerSign = 64;  // 32 ms of the longest requests
  static constexpr unsigned kTimedBits = 4;           // one in 16: two readings of the counter take 30 ns

  serve::Metrics& metrics_;
  serve::ThreadFigures& figures_;
  std::uint64_t turns_ = 0, chance_ = 1;
};

}  // namespace tickmlp::shared
#endif
