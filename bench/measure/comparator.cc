// SPDX-License-Identifier: Apache-2.0
// The kinds of timed region that are other systems: the same states, the same warm-up, turns and clock as ours.
#include "measure/comparator.h"

#include <algorithm>

#include "cli.h"
#include "measure/runs.h"

namespace tickmlp::bench {
namespace {

constexpr std::uint64_t kFewestSamples = 4096;  // p99.9 needs 3688
constexpr std::uint64_t kTrial = 256;           // calls that tell how long one takes

// Runs `work`; what it throws becomes the result's failure.
template <class Work>
bool guarded(ComparatorResult* result, const Work& work) {
  try {
    return work();
  } catch (const Failure& failure) {
    result->failure = failure.message;
  } catch (const std::exception& error) {
    result->failure = error.what();
  }
  return true;
}

// Slow systems get as many seconds as a cold scenario does, and fast ones no more samples than ours.
std::uint64_t samples_of(const Plan& plan, double us_each) {
  const auto fitting = static_cast<std::uint64_t>(plan.cold_seconds * 1e6 / us_each);
  return std::min(plan.samples, std::max(fitting, kFewestSamples));
}

}  // namespace

// Before our own warm-up, so that ours is the last thing before the first block.
void Runs::prepare_others() {
  others_.clear();  // before the next ones take as much memory again
  if (!source_.load_others) return;
  for (Comparator& other : source_.load_others()) others_.emplace_back(subject_, std::move(other));
  if (result_->others.empty()) result_->others.resize(others_.size());
  for (std::size_t i = 0; i < others_.size(); ++i) result_->others[i].id = others_[i].other.id;
  for (std::size_t i = 0; i < others_.size(); ++i) {
    OtherWork* const work = &others_[i];
    ComparatorResult* const result = &result_->others[i];
    guarded(result, [&] {
      warm(work, plan_.warm_up, plan_.warm_up_seconds);
      if (result->samples != 0) return true;
      const auto start = std::chrono::steady_clock::now();
      warm(work, kTrial, 0);
      result->us_each = std::max(seconds_since(start) * 1e6 / kTrial, 1e-3);
      result->samples = samples_of(plan_, result->us_each);
      return true;
    });
  }
}

void Runs::add_other_kinds() {
  for (std::size_t i = 0; i < others_.size(); ++i) {  // both vectors stay as they are while the kinds point into them
    OtherWork* const work = &others_[i];
    ComparatorResult* const result = &result_->others[i];
    const auto block = [=, this](std::uint64_t samples, tickmlp_recorder* to, BlockWatch* watch) {
      if (!result->failure.empty()) return true;
      const auto chunk_done = [&](std::uint64_t chunk) { advance(static_cast<double>(chunk) * result->us_each); };
      const bool whole = guarded(result, [&] { return time_hot(source_.clock, work, samples, to, watch, chunk_done); });
      result->page_faults += std::exchange(watch->page_faults, 0);
      result->involuntary_switches += std::exchange(watch->involuntary_switches, 0);
      return whole;
    };
    add(work->other.id, result->samples, result->us_each, nullptr, block);
  }
}

}  // namespace tickmlp::bench
