// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>

#include "growth/cpu_profile.h"

namespace tickmlp::bench {
namespace {

// "32K", "1024K", "32M" as /sys writes them; 0 for anything else.
std::uint64_t size_of(const std::string& text) {
  if (text.empty()) return 0;
  const std::uint64_t unit = text.back() == 'K' ? 1024 : text.back() == 'M' ? 1024 * 1024 : 0;
  const auto number = to_number(text.substr(0, text.size() - 1));
  return unit != 0 && number && *number > 0 ? static_cast<std::uint64_t>(*number) * unit : 0;
}

std::uint64_t system_size(int name) {
  const long bytes = sysconf(name);
  return bytes > 0 ? static_cast<std::uint64_t>(bytes) : 0;
}

}  // namespace

Caches read_caches(const Box& box, int core) {
  const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(core) + "/cache";
  Caches caches;
  for (const std::string& index : box.list(folder)) {
    const auto read = [&](const char* file) { return box.read(folder + "/" + index + "/" + file).value_or(""); };
    if (read("type") == "Instruction") continue;
    const std::string level = read("level");
    std::uint64_t* size = level == "1" ? &caches.l1d : level == "2" ? &caches.l2 : level == "3" ? &caches.l3 : nullptr;
    if (size != nullptr) *size = size_of(read("size"));
  }
  if (caches.l1d == 0) caches.l1d = system_size(_SC_LEVEL1_DCACHE_SIZE);
  if (caches.l2 == 0) caches.l2 = system_size(_SC_LEVEL2_CACHE_SIZE);
  if (caches.l3 == 0) caches.l3 = system_size(_SC_LEVEL3_CACHE_SIZE);
  return caches;
}

}  // namespace tickmlp::bench
