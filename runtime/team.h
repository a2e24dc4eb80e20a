// SPDX-License-Identifier: Apache-2.0
// What stands behind tickmlp_team: who writes which cache line, and the split. docs/TEAM.md has the protocol.
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <atomic>

#include "model.h"

namespace tickmlp {

inline constexpr uint32_t kMaxMembers = TICKMLP_TEAM_MEMBERS;
inline constexpr uint64_t kDefaultDeadlineNs = 10'000, kLongestDeadlineNs = 1'000'000'000;
inline constexpr uint64_t kStop = UINT64_MAX;  // in place of a generation: return

// Groups begin .. end - 1 of layer 1.
struct Share {
  uint32_t begin, end;
};
// Core 0 is the caller. As even as can be; the caller has none of the groups that are over, since it finishes too.
constexpr Share team_share(uint32_t groups, uint32_t cores, uint32_t core) {
  const uint32_t each = groups / cores, over = groups % cores;
  const uint32_t first_with_more = cores - over;  // the last `over` cores take one more
  const uint32_t begin = core * each + (core > first_with_more ? core - first_with_more : 0);
  return {begin, begin + each + (core >= first_with_more ? 1 : 0)};
}

// What one generation works on. A late member may read codes and write its share of hidden for as long as it likes: its
// slot is not used again before it has come back. There is one slot more than members, so one is always free.
struct Slot {
  void* codes;    // [code_bytes], written by the caller before the hand-over, read by all
  float* hidden;  // [lanes], each share written by its owner, whole cache lines
};

// One member as the caller and the member see it. Three cache lines, so that none is written from both sides.
struct Member {
  // Written by the caller, while the member has nothing to do.
  alignas(64) std::atomic<uint64_t> given{0};  // the generation to work on; release, after slot
  Slot slot;
  // Written by the member.
  alignas(64) std::atomic<uint64_t> done{kStop};  // the last one that it has finished; release, after its lanes
  // Written before the thread is made.
  alignas(64) const Network* network;
  LanesFunction lanes;
  Share share;
  uint32_t yield_after;
  // The caller's own.
  alignas(64) uint64_t expected;  // the generation that it was given last
  uint32_t slot_index;            // where it works, or worked when it was left out
  bool out;                       // late, and not back yet
  pthread_t thread;
};

}  // namespace tickmlp

// One block from the model's allocator: this struct, then slots, the spare hidden array and the caller's scratch.
struct tickmlp_team {
  tickmlp::Network network;  // a copy, as in a session; the members read it too
  tickmlp::Member members[tickmlp::kMaxMembers];
  tickmlp::Slot slots[tickmlp::kMaxMembers + 1];
  const tickmlp::Functions* functions;
  tickmlp::Workspace workspace;  // hidden: of the slot in use; logits
  float* spare_hidden;           // [lanes], where a call with a late member is put together
  float* flushed_input;          // [inputs] in flush mode, else nullptr
  tickmlp::Share share;          // the caller's own
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
