// SPDX-License-Identifier: Apache-2.0
// Pins the calling thread to one core and proves it by reading the affinity and the current core back.
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cores.h"
#include "tickmlp.h"

using namespace tickmlp;

namespace {

// "0-3,8": what the kernel's own lists look like. Cut short with "..." where it does not fit.
void list_cores(const CoreSet& set, char* text, size_t size) {
  size_t used = 0;
  text[0] = '\0';
  for (int first = 0; first < kMostCores; ++first) {
    if (!set.has(first)) continue;
    int last = first;
    while (last + 1 < kMostCores && set.has(last + 1)) ++last;
    char range[32];
    const int length = first == last ? std::snprintf(range, sizeof range, "%s%d", used ? "," : "", first)
                                     : std::snprintf(range, sizeof range, "%s%d-%d", used ? "," : "", first, last);
    if (used + static_cast<size_t>(length) + 4 > size) {
      std::memcpy(text + used, "...", 4);
      return;
    }
    std::memcpy(text + used, range, static_cast<size_t>(length) + 1);
    used += static_cast<size_t>(length);
    first = last;
  }
}

// Whether `core` is in one of the kernel's lists ("0-3,8"); -1 when the file cannot be read.
int core_in_file(int core, const char* path) {
  std::FILE* file = std::fopen(path, "re");
  if (file == nullptr) return -1;
  int first = 0, found = 0;
  while (found == 0 && std::fscanf(file, "%d", &first) == 1) {
    int last = first;
    const int next = std::fgetc(file);
    if (next == '-' && std::fscanf(file, "%d", &last) == 1) std::fgetc(file);
    found = core >= first && core <= last;
  }
  std::fclose(file);
  return found;
}

}  // namespace

const char* tickmlp::why_core_refused(int core, int system_error) {
  if (core < 0 || core >= kMostCores) return "it is out of range";
  if (system_error == EPERM) return "this process may not change its affinity";
  if (core_in_file(core, "/sys/devices/system/cpu/possible") == 0) return "this machine has no such core";
  if (core_in_file(core, "/sys/devices/system/cpu/online") == 0) return "it is offline";
  return system_error == EINVAL ? "it is outside this process's cpuset" : std::strerror(system_error);
}

namespace {

tickmlp_status refuse(tickmlp_error* error, int core, const CoreSet& allowed, const char* why) {
  if (error != nullptr) {
    char list[96];
    list_cores(allowed, list, sizeof list);
    error->status = TICKMLP_PIN_FAILED;
    std::snprintf(error->message, sizeof error->message,
                  "cannot pin to core %d: %s; expected one of the allowed cores: %s", core, why, list);
  }
  return TICKMLP_PIN_FAILED;
}

}  // namespace

extern "C" tickmlp_status tickmlp_pin_thread(int core, tickmlp_error* error) {
  CoreSet allowed{}, wanted{}, got{};
  sched_getaffinity(0, sizeof allowed.words, allowed.words);
  if (core < 0 || core >= kMostCores) return refuse(error, core, allowed, why_core_refused(core, EINVAL));
  wanted.add(core);
  if (sched_setaffinity(0, sizeof wanted.words, wanted.words) != 0)
    return refuse(error, core, allowed, why_core_refused(core, errno));
  const bool read = sched_getaffinity(0, sizeof got.words, got.words) == 0;
  if (read && CPU_EQUAL_S(sizeof got.words, got.words, wanted.words) && sched_getcpu() == core) return TICKMLP_OK;
  sched_setaffinity(0, sizeof allowed.words, allowed.words);  // leave the thread as it was found
  return refuse(error, core, allowed, "the affinity read back is another one");
}
