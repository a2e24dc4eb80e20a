// SPDX-License-Identifier: Apache-2.0
#include "soak/interval.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <initializer_list>

namespace tickmlp::bench {

ProcessMemory::ProcessMemory()
    : statm_(open("/proc/self/statm", O_RDONLY | O_CLOEXEC)),
      status_(open("/proc/self/status", O_RDONLY | O_CLOEXEC)) {}

ProcessMemory::~ProcessMemory() {
  for (const int file : {statm_, status_})
    if (file >= 0) close(file);
}

std::uint64_t ProcessMemory::resident_kb() const {
  char text[128] = "";
  if (pread(statm_, text, sizeof text - 1, 0) <= 0) return 0;
  unsigned long long size = 0, resident = 0;
  if (std::sscanf(text, "%llu %llu", &size, &resident) != 2) return 0;
  return resident * static_cast<unsigned long long>(sysconf(_SC_PAGESIZE)) / 1024;
}

std::uint64_t ProcessMemory::locked_kb() const {
  char text[4096] = "";
  if (pread(status_, text, sizeof text - 1, 0) <= 0) return 0;
  const char* line = std::strstr(text, "\nVmLck:");
  unsigned long long kb = 0;
  return line != nullptr && std::sscanf(line, "\nVmLck: %llu", &kb) == 1 ? kb : 0;
}

}  // namespace tickmlp::bench
