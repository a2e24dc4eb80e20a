// SPDX-License-Identifier: Apache-2.0
#include "certify/conclusion.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>

namespace tickmlp::bench {
namespace {

enum class Cause { kVirtual, kClock, kShared, kFaults };

// What the audit's forcing rows mean, the most important first. Rows of one cause make one reason: steal is what a
// virtual machine suffers from, switches and gaps are what a shared core suffers from. The first of a cause that does
// not pass speaks for it. A row that is not here speaks with its own words.
struct Meaning {
  std::string_view row;  // the row's name begins so: "steal" is "steal during the run" too
  Cause cause;
  std::string_view words;
};
constexpr std::array kMeanings{
    Meaning{"virtualised", Cause::kVirtual,
            "this machine is virtual: a hypervisor can stop it at any instant, so a latency seen here proves nothing "
            "about a bare machine. Run certify on the box that will trade"},
    Meaning{"steal", Cause::kVirtual,
            "the hypervisor gave this core's time to another machine, so a slow call may be that machine's doing. Run "
            "certify on the box that will trade"},
    Meaning{"invariant TSC", Cause::kClock,
            "the clock may change its rate with the speed of the core, so its readings are no times. Use another CPU"},
    Meaning{"clock backwards", Cause::kClock,
            "the clock went backwards, so its readings are no times. Use another machine"},
    Meaning{"isolated core", Cause::kShared,
            "the core is not set apart, so any other program may run on it and a slow call may be that program's "
            "doing. Start Linux with isolcpus=N, and give that core with --core N"},
    Meaning{"affinity", Cause::kShared,
            "the measuring thread was not alone on one core to the end, so some calls found the caches of another "
            "core. Let nothing else change its affinity, and measure again"},
    Meaning{"involuntary switches", Cause::kShared,
            "another program ran on the core while the model was timed, so a slow call may be that program's doing. "
            "Set the core apart, and measure again"},
    Meaning{"jitter", Cause::kShared,
            "the core stood still for longer than a budget allows, with no model running. A slow call may be such a "
            "gap. Find what interrupts the core (`tickmlp doctor`), and measure again"},
    Meaning{"page faults", Cause::kFaults,
            "the system stopped timed calls to fetch memory, so their times hold its work too. Free memory, switch "
            "swap off, and measure again; if it stays, report it, for timed calls touch no new memory"},
};

bool forces(const AuditRow& row) { return row.forcing && row.grade != Grade::kPass; }

std::string seen(const AuditRow& row) {
  return row.name + ": " + (row.seen.empty() ? grade_name(row.grade) : row.seen);
}

// One reason a cause, and what each of its rows read.
std::vector<std::string> audit_reasons(const std::vector<AuditRow>& audit) {
  std::vector<std::string> reasons;
  const auto known = [](const AuditRow& row) {
    return std::find_if(kMeanings.begin(), kMeanings.end(),
                        [&](const Meaning& each) { return row.name.starts_with(each.row); });
  };
  for (const Cause cause : {Cause::kVirtual, Cause::kClock, Cause::kShared, Cause::kFaults}) {
    std::string words, evidence;
    for (const Meaning& meaning : kMeanings) {
      const auto row = std::find_if(audit.begin(), audit.end(), [&](const AuditRow& each) {
        return forces(each) && each.name.starts_with(meaning.row);
      });
      if (meaning.cause != cause || row == audit.end()) continue;
      if (words.empty()) words = meaning.words;
      evidence += (evidence.empty() ? "" : "; ") + seen(*row);
    }
    if (!words.empty()) reasons.push_back(words + " (audit: " + evidence + ")");
  }
  for (const AuditRow& row : audit)
    if (forces(row) && known(row) == kMeanings.end())
      reasons.push_back("the audit does not pass (" + seen(row) + "): " + row.why + ". To mend it: " + row.mend);
  return reasons;
}

std::vector<std::string> whys(const std::vector<Judgement>& judgements,
                              const std::function<bool(const Judgement&)>& wanted) {
  std::vector<std::string> reasons;
  for (const Judgement& judgement : judgements)
    if (wanted(judgement)) reasons.push_back(judgement.why);
  return reasons;
}

// Whoever asks without a budget first wants to know whether asking with one could help on this box.
std::vector<std::string> without_a_budget(const std::vector<AuditRow>& audit, const Outcome& outcome) {
  std::vector<std::string> reasons{
      "no budget declared: there is nothing that the times could meet or miss. Declare one, such as --budget p99=2us"};
  std::vector<std::string> others = audit_reasons(audit);
  others.insert(others.end(), outcome.doubts.begin(), outcome.doubts.end());
  for (const std::string& why : others) reasons.push_back("with a budget, no PASS could be given either: " + why);
  return reasons;
}

}  // namespace

Conclusion conclude(const std::vector<Judgement>& judgements, const std::vector<AuditRow>& audit,
                    const Outcome& outcome) {
  if (!outcome.mismatch.empty()) return {Verdict::kFail, {"wrong results: " + outcome.mismatch}};
  if (outcome.interrupt_signal != 0)
    return {Verdict::kInconclusive,
            {"interrupted by signal " + std::to_string(outcome.interrupt_signal) +
             " before everything was measured. Run it again to the end"}};
  if (!outcome.complete)
    return {Verdict::kInconclusive, {"stopped before everything was measured. Run it again to the end"}};
  if (judgements.empty()) return {Verdict::kInconclusive, without_a_budget(audit, outcome)};

  const auto is = [](Verdict verdict) { return [verdict](const Judgement& each) { return each.verdict == verdict; }; };
  if (auto hopeless = whys(judgements, [](const Judgement& each) { return each.every_above; }); !hopeless.empty())
    return {Verdict::kFail, std::move(hopeless)};
  auto open = audit_reasons(audit);
  if (open.empty())
    if (auto failing = whys(judgements, is(Verdict::kFail)); !failing.empty())
      return {Verdict::kFail, std::move(failing)};
  for (std::string& why : whys(judgements, is(Verdict::kInconclusive))) open.push_back(std::move(why));
  open.insert(open.end(), outcome.doubts.begin(), outcome.doubts.end());
  if (!open.empty()) return {Verdict::kInconclusive, std::move(open)};
  return {Verdict::kPass, whys(judgements, is(Verdict::kPass))};
}

}  // namespace tickmlp::bench
