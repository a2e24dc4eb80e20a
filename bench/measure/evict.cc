// SPDX-License-Identifier: Apache-2.0
#include "measure/evict.h"

#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include "model.h"

namespace tickmlp::bench {
namespace {

constexpr std::size_t kLine = 64, kPage = 4096;
constexpr long kUnknownCache = 32 << 20, kLargestCache = 256 << 20;

#if defined(__x86_64__)
constexpr bool kCanFlush = true;
void flush(const char* begin, const char* end) {
  for (; begin < end; begin += kLine) _mm_clflush(begin);
}
void wait_for_flushes() { _mm_mfence(); }
#else
constexpr bool kCanFlush = false;
void flush(const char*, const char*) {}
void wait_for_flushes() {}
#endif

const char* round_down(const void* address, std::size_t multiple) {
  return reinterpret_cast<const char*>(reinterpret_cast<std::uintptr_t>(address) / multiple * multiple);
}

std::size_t walk_bytes() {
  const long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);  // 0 where the C library does not know
  return 2 * static_cast<std::size_t>(std::min(cache > 0 ? cache : kUnknownCache, kLargestCache));
}

}  // namespace

Evictor::Evictor(const tickmlp_model_info& model, Eviction wanted) : way_(kCanFlush ? wanted : Eviction::kWalk) {
  if (way_ == Eviction::kWalk) {
    buffer_.assign(walk_bytes(), 1);
    return;
  }
  // The blob begins with its header, in which the name lies, on a page of its own.
  const char* blob = round_down(model.name, kPage);
  ranges_.push_back({blob, blob + model.blob_bytes});
  for (const MemoryBlock& block : library_blocks()) {
    const auto* begin = static_cast<const char*>(block.memory);
    ranges_.push_back({round_down(begin, kLine), begin + block.bytes});
  }
  if (way_ == Eviction::kFlushData) return;
  // The program itself is the first object; its segments are code, constants and variables.
  const auto add_segments = [](dl_phdr_info* object, std::size_t, void* ranges) {
    for (int i = 0; i < object->dlpi_phnum; ++i) {
      const ElfW(Phdr)& segment = object->dlpi_phdr[i];
      if (segment.p_type != PT_LOAD) continue;
      const auto* begin = reinterpret_cast<const char*>(object->dlpi_addr + segment.p_vaddr);
      static_cast<std::vector<Range>*>(ranges)->push_back({round_down(begin, kLine), begin + segment.p_memsz});
    }
    return 1;
  };
  dl_iterate_phdr(add_segments, &ranges_);
}

void Evictor::operator()() const {
  for (const Range& range : ranges_) flush(range.begin, range.end);
  if (way_ != Eviction::kWalk) wait_for_flushes();
  for (std::size_t i = 0; i < buffer_.size(); i += kLine) {
    const char read = *static_cast<const volatile char*>(buffer_.data() + i);
    static_cast<void>(read);
  }
}

}  // namespace tickmlp::bench
