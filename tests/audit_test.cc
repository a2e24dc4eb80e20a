// SPDX-License-Identifier: Apache-2.0
// The audit of a run on made-up machines that change while it goes on.
#include <doctest/doctest.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "audit/run_audit.h"
#include "audit/run_rows.h"
#include "audit/stability.h"
#include "made_up_box.h"

using namespace tickmlp::bench;

namespace {

const tickmlp_clock kClock{0.385, 0, 10, 1};
constexpr int kCore = 2;

const AuditRow* find(const std::vector<AuditRow>& rows, const std::string& name) {
  const auto at = std::find_if(rows.begin(), rows.end(), [&](const AuditRow& row) { return row.name == name; });
  return at == rows.end() ? nullptr : &*at;
}

bool has(const std::string& text, const char* words) { return text.find(words) != std::string::npos; }

// A box with what a run looks at: a governor, a sibling, a quota, interrupts.
MadeUpBox server() {
  MadeUpBox box;
  box.write("/sys/devices/system/cpu/isolated", "2-3\n");
  box.write("/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "performance\n");
  box.write("/sys/devices/system/cpu/cpu2/topology/thread_siblings_list", "2,18\n");
  box.write("/proc/stat", "cpu2 100 0 0 0 0 0 0 7 0 0\ncpu18 100 0 0 0 0 0 0 0 0 0\n");
  box.write("/proc/interrupts", "     CPU2\nLOC:   5   Local timer interrupts\n");
  box.write("/proc/self/cgroup", "0::/pod\n");
  box.write("/sys/fs/cgroup/pod/cpu.max", "max 100000\n");
  box.write("/sys/fs/cgroup/pod/cpu.stat", "usage_usec 7\nnr_throttled 4\n");
  return box;
}

// The rows after a run in which `change` happened.
template <class Change>
std::vector<AuditRow> rows_after(Change change, RunFacts facts = {}) {
  const MadeUpBox box = server();
  RunAudit audit(box.box(), kCore, kClock);
  change(box, &audit);
  return audit.after(facts);
}

const auto kNothing = [](const MadeUpBox&, RunAudit*) {};

}  // namespace

TEST_CASE("a box that stays as it was passes in one row") {
  const auto rows = rows_after(kNothing);
  const AuditRow* row = find(rows, "changed during the run");
  REQUIRE(row != nullptr);
  CHECK(row->grade == Grade::kPass);
  CHECK(has(row->seen, "nothing: 2"));  // more than twenty rows were compared
  CHECK(find(rows, "steal") == nullptr);
  CHECK(find(rows, "affinity") == nullptr);
}

TEST_CASE("a row that reads differently afterwards becomes a row of its own") {
  const auto rows = rows_after([](const MadeUpBox& box, RunAudit*) {
    box.write("/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "powersave\n");
    box.write("/sys/devices/system/cpu/isolated", "3\n");
  });
  CHECK(find(rows, "changed during the run") == nullptr);
  const AuditRow* governor = find(rows, "changed during the run: frequency governor");
  REQUIRE(governor != nullptr);
  CHECK(governor->seen == "was performance; is powersave");
  CHECK(governor->grade == Grade::kWarn);
  CHECK_FALSE(governor->forcing);
  const AuditRow* isolated = find(rows, "changed during the run: isolated core");
  REQUIRE(isolated != nullptr);
  CHECK(isolated->grade == Grade::kFail);
  CHECK(isolated->forcing);
  CHECK(find(rows, "isolated core")->grade == Grade::kPass);  // as it was before
}

TEST_CASE("each core of several sessions has to be set apart, and to stay so") {
  const MadeUpBox box = server();
  RunAudit audit(box.box(), kCore, kClock, {1, 2, 3});
  box.write("/sys/devices/system/cpu/isolated", "2\n");
  const auto rows = audit.after({});
  const AuditRow *one = find(rows, "isolated core 1, of a session"),
                 *three = find(rows, "isolated core 3, of a session");
  REQUIRE(one != nullptr);
  REQUIRE(three != nullptr);
  CHECK(one->grade == Grade::kFail);
  CHECK(three->grade == Grade::kPass);  // as it was before
  CHECK(one->forcing);
  CHECK(three->forcing);
  CHECK(find(rows, "changed during the run: isolated core 3, of a session")->grade == Grade::kFail);
  CHECK(find(rows, "isolated core")->grade == Grade::kPass);
  CHECK(find(rows, "isolated core 2, of a session") == nullptr);  // has the row of all scenarios
}

TEST_CASE("a governor that changed and came back is seen by the looks in between") {
  const auto rows = rows_after([](const MadeUpBox& box, RunAudit* audit) {
    const char* path = "/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor";
    audit->during();
    box.write(path, "powersave\n");
    audit->during();  // too soon: not looked
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    audit->during();
    box.write(path, "performance\n");
  });
  const AuditRow* row = find(rows, "changed during the run: frequency governor");
  REQUIRE(row != nullptr);
  CHECK(row->seen == "in turn performance, powersave");
  CHECK(has(find(rows, "frequency drift")->seen, "varied by"));  // two looks timed the chain twice
}

TEST_CASE("too many looks are skipped") {
  const auto rows = rows_after([](const MadeUpBox&, RunAudit* audit) {
    for (int i = 0; i < 1000; ++i) audit->during();
  });
  CHECK(has(find(rows, "changed during the run")->seen, "look"));
  CHECK_FALSE(has(find(rows, "changed during the run")->seen, "1000 looks"));
}

TEST_CASE("steal, throttling and a busy sibling during the run") {
  const auto quiet = rows_after(kNothing);
  CHECK(find(quiet, "steal during the run")->grade == Grade::kPass);
  CHECK(find(quiet, "CPU quota during the run")->grade == Grade::kPass);
  CHECK(find(quiet, "SMT sibling during the run")->grade == Grade::kPass);
  const auto rows = rows_after([](const MadeUpBox& box, RunAudit*) {
    box.write("/proc/stat", "cpu2 100 0 0 0 0 0 0 9 0 0\ncpu18 150 0 0 0 0 0 0 0 0 0\n");
    box.write("/proc/interrupts", "     CPU2\nLOC:   1205   Local timer interrupts\n");
    box.write("/sys/fs/cgroup/pod/cpu.stat", "usage_usec 7\nnr_throttled 5\n");
  });
  CHECK(find(rows, "steal during the run")->grade == Grade::kFail);
  CHECK(find(rows, "steal during the run")->seen == "0.02 s");
  const AuditRow* quota = find(rows, "CPU quota during the run");
  CHECK(quota->grade == Grade::kFail);
  CHECK(quota->forcing);
  CHECK(find(rows, "SMT sibling during the run")->grade == Grade::kWarn);
  CHECK(has(find(rows, "SMT sibling during the run")->seen, "core 18 was busy for 0.50"));
  CHECK(find(rows, "interrupts during the run")->seen == "1,200 taken on the core: 1,200 local timer interrupts");
}

TEST_CASE("throttling of a group above a container is seen where the kernel tells") {
  const auto rows = rows_after([](const MadeUpBox& box, RunAudit*) {
    box.write("/sys/fs/cgroup/pod/cpu.stat.local", "throttled_usec 12000\n");
  });
  CHECK(find(rows, "CPU quota during the run")->grade == Grade::kFail);
}

TEST_CASE("where nothing can be read the rows are unknown, and an unknown quota does not force") {
  const MadeUpBox empty;
  RunAudit audit(empty.box(), kCore, kClock);
  const auto rows = audit.after({});
  for (const char* name : {"steal during the run", "CPU quota during the run", "interrupts during the run",
                           "SMT sibling during the run", "jitter", "frequency drift"}) {
    CAPTURE(name);
    CHECK(find(rows, name)->grade == Grade::kUnknown);
  }
  CHECK_FALSE(find(rows, "CPU quota during the run")->forcing);
  CHECK(find(rows, "steal during the run")->forcing);
}

TEST_CASE("counts of the timed blocks") {
  RunFacts facts;
  facts.page_faults = 3;
  facts.involuntary_switches = 2;
  facts.backwards = 1;
  const auto bad = rows_after(kNothing, facts), good = rows_after(kNothing);
  for (const char* name : {"page faults", "involuntary switches", "clock backwards"}) {
    CAPTURE(name);
    CHECK(find(bad, name)->grade == Grade::kFail);
    CHECK(find(good, name)->grade == Grade::kPass);
    CHECK(find(bad, name)->forcing);
  }
}

TEST_CASE("affinity: this core alone, from the first look to the last") {
  cpu_set_t before;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  const int core = sched_getcpu();
  cpu_set_t alone;
  CPU_ZERO(&alone);
  CPU_SET(static_cast<std::size_t>(core), &alone);
  REQUIRE(sched_setaffinity(0, sizeof alone, &alone) == 0);
  const MadeUpBox box = server();
  {
    RunAudit audit(box.box(), core, kClock);
    audit.during();
    CHECK(find(audit.after({}), "affinity during the run")->grade == Grade::kPass);
  }
  RunAudit audit(box.box(), core + 1, kClock);
  CHECK(find(audit.after({}), "affinity during the run")->grade == Grade::kFail);
  if (CPU_COUNT(&before) > 1) {  // let loose for a moment only
    RunAudit moved(box.box(), core, kClock);
    REQUIRE(sched_setaffinity(0, sizeof before, &before) == 0);
    moved.during();
    REQUIRE(sched_setaffinity(0, sizeof alone, &alone) == 0);
    CHECK(find(moved.after({}), "affinity during the run")->grade == Grade::kFail);
  }
  REQUIRE(sched_setaffinity(0, sizeof before, &before) == 0);
}

TEST_CASE("jitter: gaps may not be longer than the tightest budget") {
  const auto gaps = std::make_unique<tickmlp_recorder>();
  tickmlp_recorder_reset(gaps.get());
  RunFacts facts;
  facts.gaps = gaps.get();
  CHECK(jitter_row(facts).grade == Grade::kUnknown);  // nothing recorded
  for (const std::uint64_t ns : {30, 40, 5000}) tickmlp_recorder_record(gaps.get(), ns);
  facts.gap_seconds = 0.1;
  CHECK(jitter_row(facts).grade == Grade::kPass);  // an interrupt's length is harmless without a budget
  CHECK_FALSE(jitter_row(facts).forcing);
  facts.tightest_budget_ns = 4000;
  CHECK(jitter_row(facts).grade == Grade::kWarn);
  CHECK(jitter_row(facts).forcing);
  CHECK(has(jitter_row(facts).seen, "1 above 1 us in 0.1 s; allowed 4000 ns"));
  facts.tightest_budget_ns = 6000;
  CHECK(jitter_row(facts).grade == Grade::kPass);
}

TEST_CASE("frequency and the weights' memory") {
  CHECK(frequency_row({100}).grade == Grade::kUnknown);
  CHECK(frequency_row({100, 101.9}).grade == Grade::kPass);
  CHECK(frequency_row({100, 102.1, 100}).grade == Grade::kWarn);
  CHECK(lock_row(TICKMLP_UNLOCKED).grade == Grade::kWarn);
  CHECK(lock_row(TICKMLP_LOCKED_PAGES).grade == Grade::kPass);
}
