// SPDX-License-Identifier: Apache-2.0
#include "measure/worst.h"

#include <algorithm>

namespace tickmlp::bench {
namespace {

constexpr auto kFaster = [](const auto& a, const auto& b) { return a.ns < b.ns; };

}  // namespace

void WorstSamples::keep(std::uint64_t ns, std::uint64_t ticks) {
  Candidate& least = *std::min_element(kept_.begin(), kept_.end(), kFaster);
  least.ns = ns, least.ticks = ticks, least.open = open_ = true;
  least.cause.clear();
  threshold_ = std::min_element(kept_.begin(), kept_.end(), kFaster)->ns;
}

void WorstSamples::close_chunk(std::uint64_t run, const std::string& cause) {
  open_ = false;
  for (Candidate& candidate : kept_) {
    if (!candidate.open) continue;
    candidate.open = false;
    candidate.run = run;
    candidate.cause = cause;
  }
}

void WorstSamples::add(const WorstSamples& more, const std::string& where) {
  for (const Candidate& other : more.kept_) {
    if (other.ns <= threshold_) continue;
    Candidate& least = *std::min_element(kept_.begin(), kept_.end(), kFaster);
    least = other;
    if (!least.cause.empty()) least.cause.insert(0, where);
    threshold_ = std::min_element(kept_.begin(), kept_.end(), kFaster)->ns;
  }
}

std::vector<WorstSample> WorstSamples::sorted() const {
  std::vector<WorstSample> list;
  for (const Candidate& each : kept_)
    if (each.ns != 0) list.push_back({each.ns, each.ticks, each.run, each.cause});
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.ns > b.ns; });
  return list;
}

}  // namespace tickmlp::bench
