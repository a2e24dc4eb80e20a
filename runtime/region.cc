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

// Lines of a /proc file through a buffer on the stack: stdio would take its own from malloc, past the allocator.
class Lines {
 public:
  explicit Lines(const char* path) : descriptor_(open(path, O_RDONLY | O_CLOEXEC)) {}
  ~Lines() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  // The next line, cut at 127 bytes; false at the end.
  bool next(char (&line)[128]) {
    size_t length = 0;
    for (;;) {
      if (at_ == filled_ && !fill()) return false;
      const char c = buffer_[at_++];
      if (c == '\n') break;
      if (length + 1 < sizeof line) line[length++] = c;
    }
    line[length] = 0;
    return true;
  }

 private:
  bool fill() {
    const ssize_t got = descriptor_ < 0 ? 0 : read(descriptor_, buffer_, sizeof buffer_);
    at_ = 0;
    filled_ = got > 0 ? static_cast<size_t>(got) : 0;
    return filled_ > 0;
  }
  int descriptor_;
  size_t at_ = 0, filled_ = 0;
  char buffer_[4096];
};

// Whether the mapping that starts at `address` really lies on huge pages: the AnonHugePages line of its entry in
// /proc/self/smaps. madvise() only asks.
bool on_huge_pages(const void* address) {
  Lines lines("/proc/self/smaps");
  char line[128], wanted[32];
  std::snprintf(wanted, sizeof wanted, "%lx-", reinterpret_cast<unsigned long>(address));
  bool inside = false;
  while (lines.next(line)) {
    if (std::strncmp(line, wanted, std::strlen(wanted)) == 0) inside = true;
    if (inside && std::strncmp(line, "AnonHugePages:", 14) == 0) return std::strtoul(line + 14, nullptr, 10) != 0;
  }
  return false;
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
