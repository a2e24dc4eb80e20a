// SPDX-License-Identifier: Apache-2.0
// What happened to a core between two moments, in words; on made-up texts of the kernel and on this machine.
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mman.h>

#include <chrono>
#include <thread>

#include "audit/core_events.h"
#include "made_up_box.h"

using namespace tickmlp::bench;

namespace {

bool has(const std::string& text, const char* words) { return text.find(words) != std::string::npos; }

// Core 1 is offline: columns go by name. ERR has one count for the whole machine.
std::string interrupts(int timer, int network, int errors) {
  return "           CPU0       CPU2       \n"
         "  24:          1          0  IO-APIC   5-edge      ACPI:Ged\n"
         "  41:        900  " +
         std::to_string(network) +
         "  PCI-MSIX-0000:00:04.0   1-edge      eth0-rx-0\n"
         "NMI:          0          0   Non-maskable interrupts\n"
         "LOC:        123  " +
         std::to_string(timer) +
         "   Local timer interrupts\n"
         "ERR:          " +
         std::to_string(errors) + "\nMIS:          0\n";
}

std::string stat(int steal) {
  return "cpu  9 9 9 9 9 9 9 " + std::to_string(steal + 9) + " 0 0\ncpu0 1 1 1 1 1 1 1 5 0 0\ncpu2 1 2 3 4 5 6 7 " +
         std::to_string(steal) + " 0 0\nintr 12345 0 0\n";
}

struct Moments {
  MadeUpBox box;
  CoreSnapshot before, after;

  // The difference of two texts, with the test thread's own switches and faults taken out.
  template <class Write>
  CoreDifference difference(Write write) {
    write(0);
    const CoreEvents events(box.box(), 2);
    events.read(&before);
    write(1);
    events.read(&after);
    CoreDifference found = events.between(before, after);
    found.minor_faults = found.major_faults = found.voluntary_switches = found.involuntary_switches = 0;
    return found;
  }
};

}  // namespace

TEST_CASE("interrupts by name, of this core alone") {
  Moments moments;
  const CoreDifference found = moments.difference([&](int i) {
    moments.box.write("/proc/interrupts", interrupts(50 + 2 * i, 7 + i, 3 * i));
    moments.box.write("/proc/stat", stat(4 + i));
    moments.box.write("/proc/softirqs", "      CPU0 CPU2\n TIMER: 5 " + std::to_string(6 + i) + "\n");
    moments.box.write("/proc/thread-self/schedstat", "100 " + std::to_string(5000 + 3'200'000 * i) + " 9\n");
  });
  REQUIRE(found.interrupt_count);
  CHECK(*found.interrupt_count == 3);
  REQUIRE(found.interrupts.size() == 2);
  CHECK(found.interrupts[0].name == "local timer interrupts");
  CHECK(found.interrupts[0].count == 2);
  CHECK(found.interrupts[1].name == "interrupts of eth0-rx-0");
  CHECK(*found.steal_ticks == 1);
  CHECK(cause(found) ==
        "waited 3,200 us for the core, steal 10 ms, 2 local timer interrupts, 1 interrupt of eth0-rx-0, "
        "1 TIMER softirq");
}

TEST_CASE("counts of the whole machine are not the first core's") {
  MadeUpBox box;
  CoreSnapshot before, after;
  box.write("/proc/interrupts", interrupts(1, 1, 0));
  const CoreEvents events(box.box(), 0);
  events.read(&before);
  box.write("/proc/interrupts", interrupts(1, 1, 5));
  events.read(&after);
  CHECK(*events.between(before, after).interrupt_count == 0);
}

TEST_CASE("the chip's and the device's part of a 64-bit Arm line") {
  Moments moments;
  const CoreDifference found = moments.difference([&](int i) {
    moments.box.write("/proc/interrupts", "       CPU0  CPU2\n 11: 3 " + std::to_string(i) +
                                              "     GICv3  27 Level     arch_timer\nIPI0: 5 " +
                                              std::to_string(8 + 2 * i) + "       Rescheduling interrupts\n");
  });
  CHECK(describe_interrupts(found.interrupts, 4) == "2 rescheduling interrupts, 1 interrupt of arch_timer");
  CHECK(describe_interrupts(found.interrupts, 1) == "2 rescheduling interrupts, 1 more");
}

TEST_CASE("nothing happened, and nothing known, are two things") {
  Moments known;
  const auto same = [&](int) {
    known.box.write("/proc/interrupts", interrupts(1, 1, 0));
    known.box.write("/proc/stat", stat(0));
  };
  CHECK(cause(known.difference(same)) == "nothing seen on the core");
  Moments masked;
  const CoreDifference unknown = masked.difference([](int) {});
  CHECK_FALSE(unknown.interrupt_count);
  CHECK_FALSE(unknown.steal_ticks);
  CHECK_FALSE(unknown.waited_ns);
  CHECK(cause(unknown) == "");
}

TEST_CASE("a masked table of interrupts is told beside what is known") {
  for (const char* table :
       {"", "           CPU0       CPU1\nLOC: 1 2 Local timer interrupts\n", "   CPU2   \n", "garbage"}) {
    CAPTURE(table);
    Moments moments;
    CoreDifference found = moments.difference([&](int i) {
      moments.box.write("/proc/interrupts", table);
      moments.box.write("/proc/stat", stat(i));
    });
    CHECK_FALSE(found.interrupt_count);
    found.involuntary_switches = 1;
    CHECK(cause(found) == "1 involuntary switch, steal 10 ms, interrupts unknown");
  }
}

TEST_CASE("a device that comes or goes in between does not shift the others") {
  Moments moments;
  const CoreDifference found = moments.difference([&](int i) {
    const std::string added = " 23: 0 5 IO-APIC  9-edge      nvme0q1\n", rest = " 24: 0 7 IO-APIC  9-edge      eth0\n";
    moments.box.write("/proc/interrupts", "  CPU0 CPU2\n" + (i == 1 ? added : "") + rest);
  });
  CHECK(describe_interrupts(found.interrupts, 4) == "5 interrupts of nvme0q1");
}

TEST_CASE("a table longer than the first buffer is read whole") {
  Moments moments;
  const CoreDifference found = moments.difference([&](int i) {
    std::string text = "  CPU0 CPU2\n";
    for (int line = 0; line < 2000; ++line)
      text += std::to_string(line) + ": 1 " + std::to_string(i) + " PCI-MSI  1-edge      queue" + std::to_string(line) +
              "\n";
    REQUIRE(text.size() > 60000);
    moments.box.write("/proc/interrupts", text);
  });
  CHECK(*found.interrupt_count == 2000);
}

TEST_CASE("faults and switches of this thread") {
  const CoreEvents events(Box(), sched_getcpu());
  CoreSnapshot before, after;
  events.read(&before);
  events.read(&before);  // the second one has its room already
  constexpr std::size_t kPage = 4096, kPages = 8;
  auto* memory = static_cast<volatile char*>(
      mmap(nullptr, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (std::size_t i = 0; i < kPages; ++i) memory[i * kPage] = 1;
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  events.read(&after);
  const CoreDifference found = events.between(before, after);
  munmap(const_cast<char*>(memory), kPages * kPage);
  CHECK(found.minor_faults >= 1);  // a huge page may take all eight at once
  CHECK(found.voluntary_switches >= 1);
  CHECK(has(cause(found), "page fault"));
  CHECK(has(cause(found), "voluntary switch"));
  CHECK(events.cost_us() > 0);
}
