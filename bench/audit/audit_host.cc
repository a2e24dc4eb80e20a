// SPDX-License-Identifier: Apache-2.0
// The audit's rows about whose machine it is: a hypervisor below, a container round this process, others beside it.
#include "audit/audit.h"
#include "audit/cgroup.h"
#include "audit/machine.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

Grade unless_present(Presence present, Grade otherwise) {
  if (present == Presence::kUnknown) return Grade::kUnknown;
  return present == Presence::kNo ? Grade::kPass : otherwise;
}

AuditRow virtualised(const Box& box, int) {
  const Virtualisation below = virtualisation(box);
  return {"virtualised",
          unless_present(below.present, Grade::kFail),
          below.seen,
          "a hypervisor can stop the machine at any instant, unseen from inside",
          "measure on the bare machine that will run the model",
          true};
}

AuditRow steal(const Box& box, int core) {
  const auto ticks = steal_ticks(box, core);
  return {"steal",
          !ticks        ? Grade::kUnknown
          : *ticks == 0 ? Grade::kPass
                        : Grade::kFail,
          ticks ? fixed_point(static_cast<double>(*ticks) / 100, 2) + " s since boot" : "no steal column in /proc/stat",
          "time in which the hypervisor ran somebody else on this core",
          "measure on a bare machine",
          true};
}

AuditRow in_container(const Box& box, int) {
  const Container around = container(box);
  return {"container",
          unless_present(around.present, Grade::kWarn),
          around.seen,
          "its host decides on cores, quota and limits, and can change them at any time",
          "give it cores of its own (an isolated cpuset partition, kubelet's static CPU policy) and no CPU quota",
          false};
}

AuditRow quota(const Box& box, int) {
  const auto text = cpu_quota(box);
  return {"CPU quota",
          !text           ? Grade::kUnknown
          : text->empty() ? Grade::kPass
                          : Grade::kWarn,
          !text           ? "no control group readable"
          : text->empty() ? "none, as far as can be seen from here"
                          : *text,
          "a group that has used up its quota is stopped until the next period begins, for up to 100 ms",
          "no CPU limit for this service: cpu.max = max; in Kubernetes a whole number of cores under the static policy",
          false};
}

AuditRow load_average(const Box& box, int) {
  const auto words = split_words(box.read("/proc/loadavg").value_or(""));
  const std::size_t dot = words.empty() ? 0 : words[0].find('.');
  const auto whole = words.empty() ? std::nullopt : to_number(words[0].substr(0, dot));
  return {"load average",
          !whole       ? Grade::kUnknown
          : *whole < 1 ? Grade::kPass
                       : Grade::kWarn,
          whole ? words[0] + " over one minute" : "/proc/loadavg unreadable",
          "other work shares the last-level cache, the memory and perhaps the core",
          "stop what need not run",
          false};
}

}  // namespace

void audit_host(const Box& box, int core, std::vector<AuditRow>* rows) {
  for (const auto row : {virtualised, steal, in_container, quota, load_average}) rows->push_back(row(box, core));
}

}  // namespace tickmlp::bench
