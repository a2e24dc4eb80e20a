// SPDX-License-Identifier: Apache-2.0
#include "region.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "error.h"

namespace tickmlp {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

// Whether the mapping that starts at `address` really lies on huge pages: the AnonHugePages line of its entry in
// /proc/self/smaps. madvise() only asks.
bool on_huge_pages(const void* address) {
  FILE* file = std::fopen("/proc/self/smaps", "re");
  if (file == nullptr) return false;
  char line[512], wanted[32];
  std::snprintf(wanted, sizeof wanted, "%lx-", reinterpret_cast<unsigned long>(address));
  bool inside = false, huge = false;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, wanted, std::strlen(wanted)) == 0) inside = true;
    if (inside && std::strncmp(line, "AnonHugePages:", 14) == 0) {
      huge = std::strtoul(line + 14, nullptr, 10) != 0;
      break;
    }
  }
  std::fclose(file);
  return huge;
}

}  // namespace

// Twice the alignment is mapped and the edges given back, so that whole 2 MiB pages begin where the weights do.
tickmlp_status allocate_region(size_t count, Region* out, tickmlp_error* error) {
  const size_t bytes = (count + kHugePage - 1) / kHugePage * kHugePage;
  void* raw = mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED)
    return fail(error, TICKMLP_OUT_OF_MEMORY, "no memory for %zu bytes of weights: %s", bytes, strerrordesc_np(errno));
  const auto begin = reinterpret_cast<uintptr_t>(raw);
  const uintptr_t aligned = (begin + kHugePage - 1) / kHugePage * kHugePage;
  if (aligned != begin) munmap(raw, aligned - begin);
  if (begin + kHugePage != aligned) munmap(reinterpret_cast<void*>(aligned + bytes), begin + kHugePage - aligned);
  auto* memory = reinterpret_cast<uint8_t*>(aligned);
  madvise(memory, bytes, MADV_HUGEPAGE);  // best effort
  *out = Region{memory, count, memory, bytes, TICKMLP_UNLOCKED};
  return TICKMLP_OK;
}

// The whole of a huge page is locked and protected, since a part would split it into 4 KiB pages.
tickmlp_status seal_region(Region* region, bool require_locked, tickmlp_error* error) {
  const bool huge = on_huge_pages(region->mapping);
  int reason = 0;
  if (huge && mlock(region->mapping, region->mapping_bytes) == 0) region->lock = TICKMLP_LOCKED_HUGE_PAGE;
  else if (mlock(region->bytes, region->count) == 0) region->lock = TICKMLP_LOCKED_PAGES;
  else reason = errno;
  if (region->lock == TICKMLP_UNLOCKED && require_locked)
    return fail(error, TICKMLP_NOT_LOCKED,
                "locking %zu bytes failed: %s; raise RLIMIT_MEMLOCK (ulimit -l) or do not require it", region->count,
                strerrordesc_np(reason));
  if (mprotect(region->mapping, region->mapping_bytes, PROT_READ) != 0)
    return fail(error, TICKMLP_OUT_OF_MEMORY, "write-protecting the weights failed: %s", strerrordesc_np(errno));
  return TICKMLP_OK;
}

void release_region(Region* region) {
  if (region->mapping != nullptr) munmap(region->mapping, region->mapping_bytes);
  *region = Region{};
}

}  // namespace tickmlp
