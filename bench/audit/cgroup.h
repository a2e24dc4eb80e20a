// SPDX-License-Identifier: Apache-2.0
// The control groups of this process: where a container's quota of CPU time and its cores are written.
#ifndef TICKMLP_BENCH_CGROUP_H_
#define TICKMLP_BENCH_CGROUP_H_
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audit/box.h"

namespace tickmlp::bench {

// The folders of this process's group and its ancestors, nearest first, as far up as the mount shows them: inside a
// container with a cgroup namespace that is the container's own group alone. Empty when /proc/self/cgroup is unreadable
// or names no hierarchy with this controller.
struct CgroupFolders {
  bool version_1 = false;
  std::vector<std::string> folders;
};
CgroupFolders cgroup_folders(const Box& box, const std::string& controller);  // "cpu", "cpuset"

// "200000 of 100000 us": the tightest quota that is set. "" where the groups are readable and set none, nothing where
// no group can be read.
std::optional<std::string> cpu_quota(const Box& box);

// How often, or for how many microseconds, this process's groups were stopped for their quota: only a difference means
// anything, and any difference is bad. Since Linux 6.9 it counts groups that are hidden above a container too.
std::optional<std::uint64_t> cpu_throttled(const Box& box);

// Whether the nearest partition root above this process (cgroup version 2, cpuset.cpus.partition) is isolated and holds
// `core`, or, seen from the root of all groups, any isolated partition holds it. `seen` gets what was read, "" when
// there was nothing to read. Version 1 has no such promise: another group may share its cores and balance load over
// them.
bool in_isolated_partition(const Box& box, int core, std::string* seen);

}  // namespace tickmlp::bench
#endif
