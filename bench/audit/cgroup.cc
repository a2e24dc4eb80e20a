// SPDX-License-Identifier: Apache-2.0
#include "audit/cgroup.h"

#include <algorithm>

namespace tickmlp::bench {
namespace {

bool lists(const std::string& comma_list, const std::string& word) {
  const std::vector<std::string> words = split(comma_list, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

struct Hierarchy {
  bool version_1;
  std::string path;  // of this process's group
};

// Lines are "ID:CONTROLLERS:PATH"; version 2 is the one with ID 0 and no controllers. A controller lives in one only.
std::optional<Hierarchy> hierarchy_of(const Box& box, const std::string& controller) {
  std::optional<Hierarchy> found;
  for (const std::string& line : split(box.read("/proc/self/cgroup").value_or(""), '\n')) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (lists(controllers, controller)) return Hierarchy{true, line.substr(second + 1)};
    if (controllers.empty()) found = Hierarchy{false, line.substr(second + 1)};
  }
  return found;
}

struct Mount {
  std::string root, point;  // the group that is mounted, and where
};

Mount mount_of(const Box& box, const Hierarchy& hierarchy, const std::string& controller) {
  for (const std::string& line : split(box.read("/proc/self/mountinfo").value_or(""), '\n')) {
    const std::vector<std::string> words = split_words(line);
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 5 || words.end() - dash < 4) continue;
    const bool wanted = hierarchy.version_1 ? dash[1] == "cgroup" && lists(dash[3], controller) : dash[1] == "cgroup2";
    if (wanted) return {words[3], words[4]};
  }
  return {"/", hierarchy.version_1 ? "/sys/fs/cgroup/" + controller : "/sys/fs/cgroup"};
}

// The number behind `key` in a file of "key number" lines.
std::optional<std::uint64_t> stat_value(const Box& box, const std::string& path, const char* key) {
  const auto value = to_number(box.line(path, key).value_or(""));
  if (!value) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

// Quota and period of one group in microseconds, "max" or "-1" for none.
std::vector<std::string> quota_words(const Box& box, const CgroupFolders& groups, const std::string& folder) {
  if (!groups.version_1) return split_words(box.read(folder + "/cpu.max").value_or(""));
  const auto quota = box.read(folder + "/cpu.cfs_quota_us"), period = box.read(folder + "/cpu.cfs_period_us");
  return quota && period ? std::vector<std::string>{*quota, *period} : std::vector<std::string>();
}

}  // namespace

CgroupFolders cgroup_folders(const Box& box, const std::string& controller) {
  const auto hierarchy = hierarchy_of(box, controller);
  if (!hierarchy) return {};
  const Mount mount = mount_of(box, *hierarchy, controller);
  std::string path = hierarchy->path;
  if (mount.root != "/" && path.substr(0, mount.root.size()) == mount.root) path = path.substr(mount.root.size());
  if (path.substr(0, 3) == "/..") path.clear();  // a group outside the namespace: only the mount's top can be seen
  CgroupFolders found{hierarchy->version_1, {}};
  for (; path.size() > 1; path.resize(path.rfind('/'))) found.folders.push_back(mount.point + path);
  found.folders.push_back(mount.point);
  return found;
}

std::optional<std::string> cpu_quota(const Box& box) {
  const CgroupFolders groups = cgroup_folders(box, "cpu");
  if (groups.folders.empty() || box.list(groups.folders.back()).empty()) return std::nullopt;
  std::string text;
  double tightest = 0;
  for (const std::string& folder : groups.folders) {
    const std::vector<std::string> words = quota_words(box, groups, folder);
    const auto quota = words.size() == 2 ? to_number(words[0]) : std::nullopt;  // "max" is no number
    const auto period = words.size() == 2 ? to_number(words[1]) : std::nullopt;
    if (!quota || !period || *quota < 0 || *period <= 0) continue;
    const double share = static_cast<double>(*quota) / static_cast<double>(*period);
    if (!text.empty() && share >= tightest) continue;
    tightest = share;
    text = words[0] + " of every " + words[1] + " us";
  }
  return text;
}

std::optional<std::uint64_t> cpu_throttled(const Box& box) {
  const CgroupFolders groups = cgroup_folders(box, "cpu");
  if (groups.folders.empty() || box.list(groups.folders.back()).empty()) return std::nullopt;
  // Without the controller a group has no such count, and no quota of its own either.
  std::uint64_t sum = stat_value(box, groups.folders.front() + "/cpu.stat.local", "throttled_usec").value_or(0);
  for (const std::string& folder : groups.folders)
    sum += stat_value(box, folder + "/cpu.stat", "nr_throttled").value_or(0);
  return sum;
}

bool in_isolated_partition(const Box& box, int core, std::string* seen) {
  seen->clear();
  const CgroupFolders groups = cgroup_folders(box, "cpuset");
  if (groups.version_1 || groups.folders.empty()) return false;
  // Only the root of all groups has it (Linux 6.7), and it holds every isolated partition there is.
  const auto all = box.read(groups.folders.back() + "/cpuset.cpus.isolated");
  for (const std::string& folder : groups.folders) {
    const auto state = box.read(folder + "/cpuset.cpus.partition");
    if (!state || *state == "member") continue;  // a member lies in the partition of its parent
    const std::string cores = box.read(folder + "/cpuset.cpus.effective").value_or("");
    *seen = "cpuset partition: " + *state + ", cores " + cores;
    return *state == "isolated" && list_holds(cores, core);
  }
  if (all) *seen = "isolated by cpuset partitions: " + (all->empty() ? "none" : *all);
  return all && list_holds(*all, core);
}

}  // namespace tickmlp::bench
