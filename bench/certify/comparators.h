// SPDX-License-Identifier: Apache-2.0
// Other systems in a certificate: outputs compared before anything is timed, then timed in turns with ours.
#ifndef TICKMLP_BENCH_CERTIFY_COMPARATORS_H_
#define TICKMLP_BENCH_CERTIFY_COMPARATORS_H_
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "measure/comparator.h"

namespace tickmlp::bench {

// A system whose outputs agree with the reference's.
struct Opponent {
  std::string id, system, version, dtype;  // id of its series: "other-onednn-int8"
  double largest_difference = 0;           // of probabilities; of values relative to their largest magnitude
  double argmax_agreement = 1;             // share of states and softmax heads
};
struct SkippedOpponent {
  std::string system, why;
};
struct Opponents {
  std::vector<Opponent> ready;
  std::vector<SkippedOpponent> skipped;
};

// What has to be compared.
struct ComparedModel {
  std::string blob, reference;  // reference: the float32 blob of the same model
  const float* states;          // [count][inputs]
  std::uint64_t count;
};

// Where the systems come from. `tickmlp` links none, so that nothing of theirs is in the program that a box is
// certified with; bench/peers/certify.cc has those of scripts/compare_peers.
class ComparatorSource {
 public:
  virtual ~ComparatorSource() = default;
  // Once, before load(). Refuses (exit 4) where the model is not the one that the systems were made of.
  virtual Opponents check(const ComparedModel& model) = 0;
  // Those that are ready, loaded anew, in that order.
  virtual std::vector<Comparator> load() = 0;
};

// [{id, system, version, dtype, largest_difference_ppb, argmax_agreement_ppm}], and [{system, why}].
nlohmann::json comparator_facts(const Opponents& opponents);
nlohmann::json skipped_facts(const Opponents& opponents);

// What became of each while it was timed: page_faults and involuntary_switches in its blocks. Who threw goes from
// `comparators` to `comparators_skipped`, and who was not timed at all too.
void add_results(const std::vector<ComparatorResult>& results, nlohmann::json* document);

}  // namespace tickmlp::bench
#endif
