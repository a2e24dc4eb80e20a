// SPDX-License-Identifier: Apache-2.0
#include "soak/interval.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace tickmlp::bench {

void subtract(tickmlp_recorder* copy, const tickmlp_recorder& earlier) {
  const std::uint64_t total_maximum = copy->maximum;
  copy->count -= earlier.count;
  copy->beyond -= earlier.beyond;
  copy->minimum = UINT64_MAX;
  copy->maximum = 0;
  for (std::uint32_t slot = 0; slot < TICKMLP_RECORDER_SLOTS; ++slot) {
    copy->slots[slot] -= earlier.slots[slot];
    if (copy->slots[slot] == 0) continue;
    copy->maximum = std::min(tickmlp_recorder_slot_upper(slot), total_maximum);
    copy->minimum = std::min(copy->minimum, copy->maximum);
  }
  if (copy->beyond == 0) return;
  copy->maximum = total_maximum;
  copy->minimum = std::min(copy->minimum, total_maximum);
}

void fill_figures(const tickmlp_recorder& recorder, SoakInterval* interval) {
  interval->count = recorder.count;
  if (recorder.count == 0) return;
  interval->min_ns = recorder.minimum;
  interval->max_ns = recorder.maximum;
  interval->central_ns = tickmlp_recorder_central(&recorder);
  for (std::size_t i = 0; i < kPercentiles.size(); ++i)
    if (recorder.count >= kPercentiles[i].fewest)
      interval->percentile_ns[i] =
          tickmlp_recorder_percentile(&recorder, kPercentiles[i].numerator, kPercentiles[i].denominator);
}

std::optional<double> figure_of(const SoakInterval& interval, const std::string& name) {
  if (interval.count == 0 || interval.saturated) return std::nullopt;
  if (name == "central") return interval.central_ns;
  if (name == "min") return static_cast<double>(interval.min_ns);
  if (name == "max") return static_cast<double>(interval.max_ns);
  for (std::size_t i = 0; i < kPercentiles.size(); ++i)
    if (name == kPercentiles[i].name && interval.count >= kPercentiles[i].fewest)
      return static_cast<double>(interval.percentile_ns[i]);
  return std::nullopt;
}

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
