// SPDX-License-Identifier: Apache-2.0
// What stands behind tickmlp_team: who writes which cache line, and the split. docs/TEAM.md has the protocol.
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <atomic>
#include <cstddef>

#include "model.h"

namespace tickmlp {

inline constexpr uint32_t kMaxMembers = TICKMLP_TEAM_MEMBERS;
inline constexpr uint64_t kDefaultDeadlineNs = 10'000, kLongestDeadlineNs = 1'000'000'000;
inline constexpr uint64_t kStop = UINT64_MAX;  // in place of a generation: return

// Groups begin .. end - 1 of layer 1.
struct Share {
  uint32_t begin, end;
};
struct Split {
  Share share[kMaxMembers + 1];  // of the caller, then of each member
};

// A member hears of its work late and its result travels: worth about this many bytes of weights (100 ns between cores
// of one L3 on Zen 4). Tactical int8, 14 groups on two cores: 8 and 6 take 611 ns, 7 and 7 644, 9 and 5 655.
inline constexpr uint64_t kHandOverBytes = 10'000;

// Who computes which groups, `cores` of them being at most `groups`: one each, and every other group to whoever would
// be done first. group_bytes: of one group's layer 1 weights.
constexpr Split split_lanes(uint32_t groups, uint64_t group_bytes, uint32_t cores) {
  uint32_t count[kMaxMembers + 1] = {};
  for (uint32_t core = 0; core < cores; ++core) count[core] = 1;
  const auto busy = [&](uint32_t core) { return count[core] * group_bytes + (core != 0 ? kHandOverBytes : 0); };
  for (uint32_t group = cores; group < groups; ++group) {
    uint32_t first = 0;
    for (uint32_t core = 1; core < cores; ++core) first = busy(core) < busy(first) ? core : first;
    count[first] += 1;
  }
  Split split = {};
  for (uint32_t core = 0, begin = 0; core < cores; begin += count[core++])
    split.share[core] = {begin, begin + count[core]};
  return split;
}

// What one generation works on. A late member may read codes and write its share of hidden for as long as it likes: its
// slot is not used again before it has come back. There is one slot more than members, so one is always free.
struct Slot {
  void* codes;    // [code_bytes], written by the caller before the hand-over, read by all
  float* hidden;  // [lanes], each share written by its owner, whole cache lines
};

// Intel fetches lines in pairs.
inline constexpr size_t kApart = 128;

// One member. Nobody writes where somebody else looks all the time.
struct Member {
  // Written by the caller, while the member has nothing to do.
  alignas(kApart) std::atomic<uint64_t> given{0};  // the generation to work on; release, after slot
  Slot slot;
  // Written by the member.
  alignas(kApart) std::atomic<uint64_t> done{kStop};  // the last one that it has finished; release, after its lanes
  // Written before the thread is made.
  alignas(kApart) const Network* network;
  LanesFunction lanes;
  Share share;
  uint32_t yield_after;
  size_t fetch_bytes;  // of the codes, to ask for at once
  // The caller's own.
  alignas(kApart) uint64_t expected;  // the generation that it was given last
  uint32_t slot_index;                // where it works, or worked when it was left out
  bool out;                           // late, and not back yet
  pthread_t thread;
};

}  // namespace tickmlp

// One block from the model's allocator: this struct, then slots, the spare hidden array and the caller's scratch.
struct tickmlp_team {
  tickmlp::Network network;  // a copy, as in a session; the members read it too
  tickmlp::Member members[tickmlp::kMaxMembers];
  tickmlp::Slot slots[tickmlp::kMaxMembers + 1];
  const tickmlp::Functions* functions;
  tickmlp::Workspace workspace;  // hidden: of the slot in use; logits, sums
  float* spare_hidden;           // [lanes], where a call with a late member is put together
  float* flushed_input;          // [all inputs] in flush mode, else nullptr
  float* gathered;               // [inputs] of a pruned model
  size_t code_bytes;     // of one input, a hint for prefetches: one byte a code with VNNI, its first half without
  tickmlp::Share share;  // the caller's own
  uint32_t member_count, out_count, slot_index, yield_after;
  bool promised;
  uint64_t generation, deadline_ticks;
  tickmlp_team_counters counters;
  pid_t process;  // members do not live on in a child
  tickmlp_allocator allocator;
  void* allocation;
};

namespace tickmlp {

// Stops and joins the first `count` members.
void stop_members(tickmlp_team& team, uint32_t count);
// Makes the threads and waits until all run. Errors: PIN_FAILED, TEAM_THREAD; then none is left.
tickmlp_status start_members(tickmlp_team& team, const int* cores, tickmlp_error* error);

// Asks for lines that another core has written, all at once: a kernel that reads them one after the other waits for
// each few in turn. Tactical int8, codes and lanes: 626 to 602 ns. Not for the 27 lines of float32's codes: 2,093 to
// 2,121.
inline void fetch_lines(const void* memory, size_t bytes) {
  const auto* line = static_cast<const char*>(memory);
  for (const char* const end = line + bytes; line < end; line += 64) __builtin_prefetch(line);
}

// Asks for lines that another core has read and this one will write next, while there is other work to do. A hint:
// nothing is read or written. GCC makes a plain prefetch of __builtin_prefetch(line, 1) where it may not assume
// PREFETCHW, which other x86-64 CPUs ignore.
inline void own_lines(const void* memory, size_t bytes) {
  const auto* line = static_cast<const char*>(memory);
  for (const char* const end = line + bytes; line < end; line += 64) {
#if defined(__x86_64__)
    __asm__ volatile("prefetchw %0" ::"m"(*line));
#else
    __builtin_prefetch(line, 1);
#endif
  }
}

// An empty look at what another core writes; every `yield_after` of them the core is given away (0: never).
class Spin {
 public:
  explicit Spin(uint32_t yield_after) : yield_after_(yield_after), left_(yield_after) {}
  void wait() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("yield");
#endif
    if (yield_after_ != 0 && --left_ == 0) [[unlikely]]
      give_away();
  }

 private:
  void give_away();
  uint32_t yield_after_, left_;
};

}  // namespace tickmlp
