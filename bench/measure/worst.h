// SPDX-License-Identifier: Apache-2.0
// The slowest samples of a scenario, with the time of each and what is known of its cause.
#ifndef TICKMLP_BENCH_MEASURE_WORST_H_
#define TICKMLP_BENCH_MEASURE_WORST_H_
#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace tickmlp::bench {

struct WorstSample {
  std::uint64_t ns;
  std::uint64_t ticks;  // of the clock, when it ended
  std::uint64_t run;    // re-run, from 1
  std::string cause;    // "" where nothing is known
};

class WorstSamples {
 public:
  static constexpr std::size_t kKept = 10;

  // In the timed loop, outside of the timed region: a comparison that hardly ever holds. No allocation.
  void offer(std::uint64_t ns, std::uint64_t ticks) {
    if (ns > threshold_) keep(ns, ticks);
  }
  bool chunk_open() const { return open_; }  // whether the chunk in progress has a sample that was kept
  // After a chunk of samples: what happened to the core meanwhile goes to those of it that were kept.
  void close_chunk(std::uint64_t run, const std::string& cause);
  // The slowest of `more`, whose chunks have ended; each cause that is known begins with `where`.
  void add(const WorstSamples& more, const std::string& where);

  std::vector<WorstSample> sorted() const;  // the slowest first

 private:
  struct Candidate {
    std::uint64_t ns = 0, ticks = 0;
    bool open = false;  // its chunk has not ended
    std::uint64_t run = 0;
    std::string cause;
  };
  void keep(std::uint64_t ns, std::uint64_t ticks);
  std::array<Candidate, kKept> kept_{};
  std::uint64_t threshold_ = 0;  // the least of those kept
  bool open_ = false;
};

}  // namespace tickmlp::bench
#endif
