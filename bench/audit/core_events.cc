// SPDX-License-Identifier: Apache-2.0
#include "audit/core_events.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>

#include "text_table.h"

namespace tickmlp::bench {
namespace {

constexpr std::size_t kFirstSize = 16384;
constexpr std::uint64_t kWaitWorthTelling = 1000;  // ns; shorter waits are the scheduler's own bookkeeping

int open_text(const Box& box, const char* path) { return open((box.root() + path).c_str(), O_RDONLY | O_CLOEXEC); }

void read_text(int descriptor, std::string* text) {
  std::size_t length = 0;
  text->resize(std::max(text->capacity(), kFirstSize));
  for (ssize_t got = 0; descriptor >= 0; length += static_cast<std::size_t>(got)) {
    if (length == text->size()) text->resize(2 * length);
    got = pread(descriptor, text->data() + length, text->size() - length, static_cast<off_t>(length));
    if (got <= 0) break;
  }
  text->resize(length);
}

// The plural "Local timer interrupts" in the middle of a sentence, where it is no abbreviation: "local timer
// interrupts".
std::string in_a_sentence(std::string words) {
  if (words.size() > 1 && std::islower(static_cast<unsigned char>(words[1])))
    words[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(words[0])));
  return words;
}

// "LOC: 12 34 Local timer interrupts" and "43: 1 0 PCI-MSIX-0000:00:04.0 3-edge   eth0-rx-0": what stands behind the
// counts is a description for the CPU's own kinds; for a device it is the chip, then blanks, then the device's name.
std::string name_of(const std::string& label, const std::string& line, std::size_t after_counts) {
  const std::size_t begin = line.find_first_not_of(' ', after_counts);
  if (begin == std::string::npos) return label;
  if (!std::isdigit(static_cast<unsigned char>(label[0]))) return in_a_sentence(line.substr(begin));
  const std::size_t gap = line.rfind("  ");
  return "interrupts of " + line.substr(gap != std::string::npos && gap >= begin ? gap + 2 : begin);
}

// One core's column of a table whose first line names the columns, "CPU0 CPU2 ..." without the offline ones. Nothing
// where the text has no such column.
std::optional<std::vector<NamedCount>> column_of(const std::string& text, int core) {
  const std::vector<std::string> lines = split(text, '\n');
  const std::vector<std::string> columns = split_words(lines[0]);
  const auto at = std::find(columns.begin(), columns.end(), "CPU" + std::to_string(core));
  if (at == columns.end()) return std::nullopt;
  const auto wanted = static_cast<std::size_t>(at - columns.begin());
  std::vector<NamedCount> counts;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    std::size_t cursor = line.find(':');
    if (cursor == std::string::npos) continue;
    std::string label = line.substr(0, cursor++);
    label.erase(0, label.find_first_not_of(' '));
    std::uint64_t count = 0;
    std::size_t column = 0;
    for (; column < columns.size(); ++column) {
      const std::size_t begin = line.find_first_not_of(' ', cursor), end = std::min(line.find(' ', begin), line.size());
      const auto value = begin == std::string::npos ? std::nullopt : to_number(line.substr(begin, end - begin));
      if (!value) break;
      if (column == wanted) count = static_cast<std::uint64_t>(*value);
      cursor = end;
    }
    if (column < columns.size()) continue;  // ERR and MIS have one count for the whole machine
    counts.push_back({name_of(label, line, cursor), count});
  }
  return counts;
}

std::vector<NamedCount> subtract(const std::vector<NamedCount>& before, std::vector<NamedCount> after) {
  for (std::size_t i = 0; i < after.size(); ++i) {  // the same lines in the same order, unless a device came or went
    const auto same = [&](const NamedCount& each) { return each.name == after[i].name; };
    const bool in_place = i < before.size() && same(before[i]);
    const auto at =
        in_place ? before.begin() + static_cast<std::ptrdiff_t>(i) : std::find_if(before.begin(), before.end(), same);
    if (at != before.end()) after[i].count -= std::min(after[i].count, at->count);
  }
  std::erase_if(after, [](const NamedCount& each) { return each.count == 0; });
  std::stable_sort(after.begin(), after.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
  return after;
}

// Field `index` of the line "cpuN ..." or of a text of one line.
std::optional<std::uint64_t> field(const std::string& text, const std::string& key, std::size_t index) {
  for (const std::string& line : split(text, '\n')) {
    const std::vector<std::string> words = split_words(line);
    if (words.size() <= index || (!key.empty() && words[0] != key)) continue;
    const auto value = to_number(words[index]);
    if (value) return static_cast<std::uint64_t>(*value);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> grown(std::optional<std::uint64_t> before, std::optional<std::uint64_t> after) {
  if (!before || !after || *after < *before) return std::nullopt;
  return *after - *before;
}

std::string counted(std::uint64_t count, const char* one, const char* several) {
  return with_commas(count) + " " + (count == 1 ? one : several);
}

// "local timer interrupts" and "interrupts of eth0" both end or begin with the plural.
std::string counted(const NamedCount& named) {
  std::string name = named.name;
  const std::size_t plural = name.find("interrupts");
  if (named.count == 1 && plural != std::string::npos) name.erase(plural + 9, 1);
  return with_commas(named.count) + " " + name;
}

}  // namespace

CoreEvents::CoreEvents(const Box& box, int core)
    : core_(core),
      interrupts_(open_text(box, "/proc/interrupts")),
      softirqs_(open_text(box, "/proc/softirqs")),
      stat_(open_text(box, "/proc/stat")),
      schedstat_(open_text(box, "/proc/thread-self/schedstat")) {
  CoreSnapshot snapshot;
  std::array<double, 5> costs;
  read(&snapshot);  // the first one makes room
  for (double& cost : costs) {
    const auto start = std::chrono::steady_clock::now();
    read(&snapshot);
    cost = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
  }
  std::sort(costs.begin(), costs.end());
  cost_us_ = costs[costs.size() / 2];
}

CoreEvents::~CoreEvents() {
  for (const int descriptor : {interrupts_, softirqs_, stat_, schedstat_})
    if (descriptor >= 0) close(descriptor);
}

void CoreEvents::read(CoreSnapshot* snapshot) const {
  read_text(interrupts_, &snapshot->interrupts);
  read_text(softirqs_, &snapshot->softirqs);
  read_text(stat_, &snapshot->stat);
  read_text(schedstat_, &snapshot->schedstat);
  rusage usage{};
  if (getrusage(RUSAGE_THREAD, &usage) != 0) return;
  snapshot->minor_faults = static_cast<std::uint64_t>(usage.ru_minflt);
  snapshot->major_faults = static_cast<std::uint64_t>(usage.ru_majflt);
  snapshot->voluntary_switches = static_cast<std::uint64_t>(usage.ru_nvcsw);
  snapshot->involuntary_switches = static_cast<std::uint64_t>(usage.ru_nivcsw);
}

CoreDifference CoreEvents::between(const CoreSnapshot& before, const CoreSnapshot& after) const {
  CoreDifference difference;
  const auto first = column_of(before.interrupts, core_), last = column_of(after.interrupts, core_);
  if (first && last && !last->empty()) {
    difference.interrupts = subtract(*first, *last);
    difference.interrupt_count = 0;
    for (const NamedCount& each : difference.interrupts) *difference.interrupt_count += each.count;
  }
  difference.softirqs = subtract(column_of(before.softirqs, core_).value_or(std::vector<NamedCount>()),
                                 column_of(after.softirqs, core_).value_or(std::vector<NamedCount>()));
  const std::string cpu = "cpu" + std::to_string(core_);
  difference.steal_ticks = grown(field(before.stat, cpu, 8), field(after.stat, cpu, 8));
  difference.waited_ns = grown(field(before.schedstat, "", 1), field(after.schedstat, "", 1));
  difference.minor_faults = after.minor_faults - before.minor_faults;
  difference.major_faults = after.major_faults - before.major_faults;
  difference.voluntary_switches = after.voluntary_switches - before.voluntary_switches;
  difference.involuntary_switches = after.involuntary_switches - before.involuntary_switches;
  return difference;
}

std::string describe_interrupts(const std::vector<NamedCount>& interrupts, std::size_t most) {
  std::string text;
  std::uint64_t rest = 0;
  for (std::size_t i = 0; i < interrupts.size(); ++i) {
    if (i < most) text += (i == 0 ? "" : ", ") + counted(interrupts[i]);
    else rest += interrupts[i].count;
  }
  return rest == 0 ? text : text + ", " + with_commas(rest) + " more";
}

// What takes longest comes first: another thread and the hypervisor milliseconds, a fault from disk as much, an
// interrupt some microseconds.
std::string cause(const CoreDifference& difference) {
  std::vector<std::string> parts;
  const auto add = [&](std::uint64_t count, const char* one, const char* several) {
    if (count != 0) parts.push_back(counted(count, one, several));
  };
  const std::uint64_t waited = difference.waited_ns.value_or(0);
  if (waited > kWaitWorthTelling) parts.push_back("waited " + with_commas(waited / 1000) + " us for the core");
  add(difference.involuntary_switches, "involuntary switch", "involuntary switches");
  const std::uint64_t steal = difference.steal_ticks.value_or(0);
  if (steal != 0) parts.push_back("steal " + with_commas(10 * steal) + " ms");
  add(difference.major_faults, "page fault from disk", "page faults from disk");
  add(difference.minor_faults, "page fault", "page faults");
  add(difference.voluntary_switches, "voluntary switch", "voluntary switches");
  if (!difference.interrupts.empty()) parts.push_back(describe_interrupts(difference.interrupts, 4));
  for (const NamedCount& softirq : difference.softirqs)
    parts.push_back(with_commas(softirq.count) + " " + softirq.name + " softirq" + (softirq.count == 1 ? "" : "s"));
  if (parts.empty()) return difference.interrupt_count && difference.steal_ticks ? "nothing seen on the core" : "";
  if (!difference.interrupt_count) parts.push_back("interrupts unknown");
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

}  // namespace tickmlp::bench
