// SPDX-License-Identifier: Apache-2.0
#include "measure/cold.h"

#include <algorithm>

#include "cli.h"

namespace tickmlp::bench {
namespace {

constexpr double kCallNs = 2000;  // of a sample besides gap and eviction, roughly

double time_eviction(const Evictor& evict, const tickmlp_clock& clock) {
  evict();  // the first one faults the buffer in
  const std::uint64_t begin = tickmlp_clock_begin();
  evict();
  return static_cast<double>(tickmlp_clock_ns(&clock, tickmlp_clock_end() - begin));
}

struct Span {
  std::uint64_t begin, end;
};

// Not inlined: an empty call through the same instructions brings this program's own code back before the real one, so
// that only the library's is missing.
[[gnu::noinline]] Span time_call(void (*call)(void*), void* work) {
  const std::uint64_t begin = tickmlp_clock_begin();
  call(work);
  return {begin, tickmlp_clock_end()};
}

void nothing(void*) {}

template <class Work>
void run_timed(void* work) {
  static_cast<Work*>(work)->timed();
}

}  // namespace

ColdCaches::ColdCaches(const Subject& subject, const std::vector<Scenario>& scenarios)
    : subject_(subject), scenarios_(scenarios) {
  for (const Scenario& scenario : scenarios_) {
    if (scenario.eviction == Eviction::kNone) continue;
    Way& way = ways_[static_cast<std::size_t>(scenario.eviction)];
    way.evict.emplace(*subject.model, scenario.eviction);
    way.ns = time_eviction(*way.evict, subject.clock);
  }
}

Eviction ColdCaches::way_of(const Scenario& scenario) const {
  const auto& evict = way(scenario).evict;
  return evict ? evict->way() : Eviction::kNone;
}

double ColdCaches::ns_each(const Scenario& scenario) const {
  return static_cast<double>(scenario.gap_ns) + way(scenario).ns + kCallNs;
}

std::uint64_t ColdCaches::samples(const Scenario& scenario, const Plan& plan) const {
  const auto fitting = [&](double seconds) { return static_cast<std::uint64_t>(seconds * 1e9 / ns_each(scenario)); };
  const std::uint64_t longest = fitting(std::max(kLongestColdSeconds, plan.cold_seconds));
  return std::min({plan.samples, std::max(fitting(plan.cold_seconds), kFewestCold), longest});
}

// Watches the clock and reads nothing else. The last touch lies at most one interval before the end, as it may where
// nobody knows when the next call comes.
template <class Work>
void ColdCaches::wait(Work* work, const Scenario& scenario) const {
  const std::uint64_t begin = tickmlp_clock_begin();
  for (std::uint64_t passed = 0, next = scenario.touch_ns; passed < scenario.gap_ns;) {
    if (scenario.touch_ns != 0 && passed >= next) work->touch(), next += scenario.touch_ns;
    passed = tickmlp_clock_ns(&subject_.clock, tickmlp_clock_begin() - begin);
  }
}

template <class Work>
bool ColdCaches::time_block(Work* work, const Scenario& scenario, std::uint64_t samples, tickmlp_recorder* recorder,
                            BlockWatch* watch, const std::function<void()>& sample_done) const {
  const auto& evict = way(scenario).evict;
  watch->begin_chunk();
  for (std::uint64_t i = 0; i < samples; ++i) {
    if (evict) (*evict)();
    else wait(work, scenario);
    work->prepare();
    if (evict) time_call(nothing, work);
    const Span span = time_call(run_timed<Work>, work);
    if (span.end >= span.begin) {
      const std::uint64_t ns = tickmlp_clock_ns(&subject_.clock, span.end - span.begin);
      tickmlp_recorder_record(recorder, ns);
      watch->worst->offer(ns, span.end);
    } else {
      watch->backwards += 1;
    }
    if (work->status != TICKMLP_OK || g_interrupt_signal != 0) return false;
    sample_done();
  }
  watch->end_chunk();
  return true;
}

template bool ColdCaches::time_block(FullWork*, const Scenario&, std::uint64_t, tickmlp_recorder*, BlockWatch*,
                                     const std::function<void()>&) const;
template bool ColdCaches::time_block(TickWork*, const Scenario&, std::uint64_t, tickmlp_recorder*, BlockWatch*,
                                     const std::function<void()>&) const;

}  // namespace tickmlp::bench
