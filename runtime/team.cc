// SPDX-License-Identifier: Apache-2.0
// A team's hot path: encode once, hand over, compute the own share, wait, finish.
#include <cstring>

#include "counters.h"
#include "float_environment.h"
#include "flush.h"
#include "team.h"

using namespace tickmlp;

namespace {

// Without the fences of tickmlp_clock_begin: a deadline needs no order, and they would delay the next look.
uint64_t ticks_now() {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  uint64_t ticks;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#endif
}

// Cold: members that have come back since they were left out are given work again.
[[gnu::noinline]] void take_back(tickmlp_team& team) {
  for (Member* member = team.members; member != team.members + team.member_count; ++member) {
    if (!member->out || member->done.load(std::memory_order_acquire) != member->expected) continue;
    member->out = false;
    team.out_count -= 1;
    add(team.counters.rejoined, 1);
  }
}

// Cold: a slot in which no member that is out may still read or write.
[[gnu::noinline]] void change_slot(tickmlp_team& team) {
  bool taken[kMaxMembers + 1] = {};
  for (uint32_t m = 0; m < team.member_count; ++m)
    if (team.members[m].out) taken[team.members[m].slot_index] = true;
  for (team.slot_index = 0; taken[team.slot_index];) team.slot_index += 1;
}

void hand_over(tickmlp_team& team) {
  const uint64_t generation = ++team.generation;
  for (Member* member = team.members; member != team.members + team.member_count; ++member) {
    if (member->out) continue;
    if (member->slot_index != team.slot_index) {
      member->slot_index = team.slot_index;
      member->slot = team.slots[team.slot_index];
    }
    member->expected = generation;
    member->given.store(generation, std::memory_order_release);
  }
}

// False when it has not answered by the deadline. A look always follows the deadline, since it may be the caller that
// was off its core.
bool wait_for(const Member& member, uint64_t begin, uint64_t deadline_ticks, Spin& spin) {
  for (bool more = true;; spin.wait()) {
    if (member.done.load(std::memory_order_acquire) == member.expected) return true;
    if (!more) return false;
    more = ticks_now() - begin < deadline_ticks;
  }
}

void copy_lanes(const float* from, Share share, float* to) {
  std::memcpy(to + share.begin * kGroup, from + share.begin * kGroup,
              (share.end - share.begin) * kGroup * sizeof(float));
}

// Cold: somebody is out. The lanes are put together where nobody else writes; the slot's codes are only read.
[[gnu::noinline]] float* compute_missing(tickmlp_team& team, const Slot& slot) {
  copy_lanes(slot.hidden, team.share, team.spare_hidden);
  for (const Member* member = team.members; member != team.members + team.member_count; ++member) {
    const Share share = member->share;
    if (!member->out) copy_lanes(slot.hidden, share, team.spare_hidden);
    else team.functions->lanes(team.network, slot.codes, share.begin, share.end, false, team.spare_hidden);
  }
  add(team.counters.alone, 1);
  return team.spare_hidden;
}

// Waits for those who were given work. The next call takes another slot when one of them is late.
float* collect(tickmlp_team& team, const Slot& slot, uint64_t begin) {
  Spin spin(team.yield_after);
  for (Member* member = team.members; member != team.members + team.member_count; ++member) {
    if (member->out) continue;
    if (wait_for(*member, begin, team.deadline_ticks, spin)) {
      const Share share = member->share;
      fetch_lines(slot.hidden + share.begin * kGroup, (share.end - share.begin) * kGroup * sizeof(float));
      continue;
    }
    member->out = true;
    team.out_count += 1;
    add(team.counters.late, 1);
  }
  // The members have read the codes. To have the lines back before the next call takes 100 ns off that (755 to 640).
  own_lines(slot.codes, team.code_bytes);
  if (team.out_count == 0) [[likely]]
    return slot.hidden;
  return compute_missing(team, slot);
}

Outcome encode(tickmlp_team& team, const float* input, const Slot& slot, uint64_t* clipped) {
  const Network& network = team.network;
  if (network.input_mask != nullptr) {
    if (!team.functions->gather(input, network.all_inputs, network.input_mask, team.gathered))
      return Outcome::kNonFiniteInput;
    input = team.gathered;
  }
  return team.functions->encode(network, input, slot.codes, clipped);
}

Outcome infer_together(tickmlp_team& team, const float* input, uint64_t* clipped) {
  if (team.out_count != 0) [[unlikely]]
    take_back(team);
  if (team.out_count != 0) [[unlikely]]
    change_slot(team);
  const Slot slot = team.slots[team.slot_index];
  Outcome outcome = encode(team, input, slot, clipped);
  if (outcome == Outcome::kNonFiniteInput && team.flushed_input != nullptr) {
    add(team.counters.flushed, copy_flushed(input, team.network.all_inputs, team.flushed_input));
    outcome = encode(team, team.flushed_input, slot, clipped);
  }
  if (outcome != Outcome::kDone) return outcome;
  hand_over(team);
  const uint64_t begin = ticks_now();
  const bool backwards = (team.generation & 1) != 0;
  team.functions->lanes(team.network, slot.codes, team.share.begin, team.share.end, backwards, slot.hidden);
  team.workspace.hidden = collect(team, slot, begin);
  return Outcome::kDone;
}

}  // namespace

extern "C" {

tickmlp_status tickmlp_team_infer(tickmlp_team* team, const float* input, size_t input_count, float* output,
                                  size_t output_count) {
  if (team == nullptr || input == nullptr || output == nullptr) return TICKMLP_BAD_ARGUMENT;
  if (input_count != team->network.all_inputs) return TICKMLP_INPUT_COUNT;
  if (output_count != team->network.outputs) return TICKMLP_OUTPUT_COUNT;
  if (!is_float_aligned(input) || !is_float_aligned(output)) return TICKMLP_MISALIGNED;
  const FloatEnvironment environment(team->promised);
  uint64_t clipped = 0;
  Outcome outcome = infer_together(*team, input, &clipped);
  if (outcome == Outcome::kDone) outcome = team->functions->finish(team->network, team->workspace, output);
  if (outcome != Outcome::kDone) [[unlikely]] {
    add(team->counters.refused, 1);
    return outcome == Outcome::kNonFiniteInput ? TICKMLP_NON_FINITE_INPUT : TICKMLP_NON_FINITE_OUTPUT;
  }
  add(team->counters.inferences, 1);
  add(team->counters.clipped, clipped);
  return TICKMLP_OK;
}

void tickmlp_team_read_counters(const tickmlp_team* team, tickmlp_team_counters* out) {
  if (team != nullptr && out != nullptr) *out = load(team->counters);
}

}  // extern "C"
