// SPDX-License-Identifier: Apache-2.0
// The audit's rows about memory: which pages hold the weights, and who may move or take them.
#include "audit/audit.h"

namespace tickmlp::bench {
namespace {

constexpr std::int64_t kEnoughMemlock = 4 << 20;  // a 2 MiB page for the weights, and room for a second model

// "always [madvise] never": the bracketed word is on. "" when unreadable.
std::string chosen(const Box& box, const std::string& path) {
  const auto text = box.read(path);
  const std::size_t open = text ? text->find('[') : std::string::npos;
  return open == std::string::npos ? "" : text->substr(open + 1, text->find(']') - open - 1);
}

AuditRow transparent_huge_pages(const Box& box, int) {
  const std::string mode = chosen(box, "/sys/kernel/mm/transparent_hugepage/enabled");
  return {"transparent huge pages",
          mode.empty()      ? Grade::kUnknown
          : mode == "never" ? Grade::kWarn
                            : Grade::kPass,
          mode.empty() ? "setting unreadable" : mode,
          "weights on one 2 MiB page need one address translation instead of dozens",
          "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
          false};
}

AuditRow huge_page_upkeep(const Box& box, int) {
  const std::string folder = "/sys/kernel/mm/transparent_hugepage/";
  const std::string mode = chosen(box, folder + "enabled"), defrag = chosen(box, folder + "defrag");
  const auto daemon = box.read(folder + "khugepaged/defrag");
  const bool idle = mode == "never";
  const bool daemon_moves = mode == "always" && daemon && *daemon != "0";
  return {
      "huge page upkeep",
      mode.empty() || (!idle && defrag.empty())       ? Grade::kUnknown
      : !idle && (defrag == "always" || daemon_moves) ? Grade::kWarn
                                                      : Grade::kPass,
      mode.empty() ? "setting unreadable"
                   : "defrag " + (defrag.empty() ? "?" : defrag) + ", khugepaged/defrag " + daemon.value_or("?"),
      "with always, an allocation waits while the kernel moves pages, and its daemon moves those of running programs",
      "echo madvise to transparent_hugepage/enabled and to transparent_hugepage/defrag",
      false};
}

AuditRow explicit_huge_pages(const Box& box, int) {
  const std::string folder = "/sys/kernel/mm/hugepages/hugepages-2048kB/";
  const auto total = box.read(folder + "nr_hugepages"), free = box.read(folder + "free_hugepages");
  return {"explicit huge pages",
          total ? Grade::kPass : Grade::kUnknown,
          total ? (*total == "0" ? "none reserved" : *total + " of 2 MiB reserved, " + free.value_or("?") + " free")
                : "no hugepages-2048kB",
          "none are needed: the weights take a transparent one; reserved ones are lost to everything else",
          "nothing to mend",
          false};
}

AuditRow swap(const Box& box, int) {
  const auto total = box.line("/proc/meminfo", "SwapTotal");
  const bool none = total && split_words(*total) == std::vector<std::string>{"0", "kB"};
  return {"swap",
          !total ? Grade::kUnknown
          : none ? Grade::kPass
                 : Grade::kWarn,
          total ? *total : "/proc/meminfo unreadable",
          "a page that was swapped out costs milliseconds when touched",
          "swapoff --all, or lock the memory",
          false};
}

AuditRow locked_memory(const Box& box, int) {
  const auto limits = box.line("/proc/self/limits", "Max locked memory");
  const auto words = split_words(limits.value_or(""));
  const auto bytes = words.empty() ? std::nullopt : to_number(words[0]);
  const bool unlimited = !words.empty() && words[0] == "unlimited";
  return {"memlock limit",
          unlimited || (bytes && *bytes >= kEnoughMemlock) ? Grade::kPass
          : bytes                                          ? Grade::kWarn
                                                           : Grade::kUnknown,
          words.empty() ? "/proc/self/limits unreadable" : words[0] + (unlimited ? "" : " bytes"),
          "weights that cannot be locked can be paged out",
          "ulimit -l unlimited, or memlock in limits.conf",
          false};
}

AuditRow same_page_merging(const Box& box, int) {
  const auto run = box.read("/sys/kernel/mm/ksm/run");
  return {"same-page merging",
          !run          ? Grade::kUnknown
          : *run == "1" ? Grade::kWarn
                        : Grade::kPass,
          run ? "ksm/run = " + *run : "no /sys/kernel/mm/ksm/run",
          "a daemon reads all memory that was offered to it and write-protects pages: cold caches and page faults",
          "echo 0 > /sys/kernel/mm/ksm/run",
          false};
}

// With one node there is nothing to balance, whatever the setting says.
AuditRow numa_balancing(const Box& box, int) {
  const auto setting = box.read("/proc/sys/kernel/numa_balancing"), nodes = box.read("/sys/devices/system/node/online");
  const bool one_node = nodes && *nodes == "0";
  return {"NUMA balancing",
          one_node          ? Grade::kPass
          : !setting        ? Grade::kUnknown
          : *setting == "0" ? Grade::kPass
                            : Grade::kWarn,
          (setting ? "numa_balancing = " + *setting : "numa_balancing unreadable") + ", nodes " + nodes.value_or("?"),
          "the kernel takes pages away for a moment to see who uses them: a page fault in the middle of an inference",
          "sysctl kernel.numa_balancing=0",
          false};
}

}  // namespace

void audit_memory(const Box& box, int core, std::vector<AuditRow>* rows) {
  for (const auto row : {transparent_huge_pages, huge_page_upkeep, explicit_huge_pages, swap, locked_memory,
                         same_page_merging, numa_balancing})
    rows->push_back(row(box, core));
}

}  // namespace tickmlp::bench
