// SPDX-License-Identifier: Apache-2.0
// A team's life: memory, the members' threads, and what they do all day.
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

#include "cores.h"
#include "error.h"
#include "float_environment.h"
#include "gather.h"
#include "team.h"

namespace tickmlp {

void Spin::give_away() {
  left_ = yield_after_;
  sched_yield();
}

namespace {

constexpr size_t kStackBytes = 1 << 20;  // a kernel takes a few KB; a host that locks all its memory locks this too
constexpr int kStartSeconds = 1;
constexpr size_t kMostFetched = 512;  // eight lines, of about a dozen that a core can wait for at once

// Looks for a new generation, computes its lanes, says so; nothing else, and no system call unless yield_after asks.
void* work(void* given) {
  Member& member = *static_cast<Member*>(given);
  const FloatEnvironment environment;  // the creating thread's was inherited
  const Share share = member.share;
  Spin spin(member.yield_after);
  uint64_t last = 0;
  member.done.store(last, std::memory_order_release);
  for (;;) {
    const uint64_t generation = member.given.load(std::memory_order_acquire);
    if (generation == kStop) return nullptr;
    if (generation == last) {
      spin.wait();
      continue;
    }
    fetch_lines(member.slot.codes, member.fetch_bytes);
    const bool backwards = (generation & 1) != 0;
    member.lanes(*member.network, member.slot.codes, share.begin, share.end, backwards, member.slot.hidden);
    last = generation;
    member.done.store(last, std::memory_order_release);
  }
}

// A thread of one core, all signals blocked. 0 or an errno, of EINVAL and EPERM where the core is refused.
int make_thread(Member& member, int core) {
  CoreSet only{};
  only.add(core);
  sigset_t all;
  sigfillset(&all);
  pthread_attr_t attributes;
  int code = pthread_attr_init(&attributes);
  if (code != 0) return code;
  code = pthread_attr_setaffinity_np(&attributes, sizeof only.words, only.words);
  if (code == 0) code = pthread_attr_setsigmask_np(&attributes, &all);
  if (code == 0) code = pthread_attr_setstacksize(&attributes, kStackBytes);
  if (code == 0) code = pthread_create(&member.thread, &attributes, work, &member);
  pthread_attr_destroy(&attributes);
  if (code != 0) return code;
  char name[16];
  std::snprintf(name, sizeof name, "tickmlp-%d", core);
  pthread_setname_np(member.thread, name);
  return 0;
}

bool is_running(const Member& member) {
  constexpr timespec kPause = {0, 20'000};
  timespec begin, now;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  do {
    if (member.done.load(std::memory_order_acquire) == 0) return true;
    nanosleep(&kPause, nullptr);
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while (now.tv_sec <= begin.tv_sec + kStartSeconds);
  return false;
}

tickmlp_status refuse_thread(int core, int code, tickmlp_error* error) {
  if (code == EINVAL || code == EPERM)
    return fail(error, TICKMLP_PIN_FAILED, "cannot pin a member to core %d: %s; expected a core of this process's own",
                core, why_core_refused(core, code));
  return fail(error, TICKMLP_TEAM_THREAD, "cannot make the thread of core %d: %s", core, std::strerror(code));
}

tickmlp_status check_options(const tickmlp_model& model, const tickmlp_team_options& options, tickmlp_error* error) {
  if (options.core_count != 0 && options.cores == nullptr)
    return fail(error, TICKMLP_BAD_ARGUMENT, "%zu cores at NULL; expected a list", options.core_count);
  if (options.core_count > kMaxMembers || options.core_count + 1 > model.network.groups)
    return fail(error, TICKMLP_TEAM_TOO_LARGE,
                "%zu members and the caller for %u groups of 16 lanes; expected a group for each, and %u members at "
                "most",
                options.core_count, model.network.groups, kMaxMembers);
  if (options.deadline_ns > kLongestDeadlineNs)
    return fail(error, TICKMLP_TEAM_DEADLINE, "a deadline of %llu ns; expected 1 to %llu, or 0 for %llu",
                static_cast<unsigned long long>(options.deadline_ns),
                static_cast<unsigned long long>(kLongestDeadlineNs),
                static_cast<unsigned long long>(kDefaultDeadlineNs));
  for (size_t i = 0; i < options.core_count; ++i) {
    const int core = options.cores[i];
    if (core < 0 || core >= kMostCores) return refuse_thread(core, EINVAL, error);
    for (size_t j = 0; j < i && options.yield_after == 0; ++j)
      if (options.cores[j] == core)
        return fail(error, TICKMLP_TEAM_CORE_TWICE, "core %d stands twice in the list; expected each once", core);
  }
  return TICKMLP_OK;
}

// Sizes of the arrays behind the struct, each whole cache lines.
struct Layout {
  size_t codes, hidden, flush, slots, workspace, gathered, all;
};
Layout lay_out(const Network& network, uint32_t members, bool flush) {
  Layout layout = {};
  layout.codes = whole_lines(code_bytes(network.inputs)) + 64;
  layout.hidden = network.groups * size_t{64} + 64;  // a line apart: neighbours are fetched in pairs
  layout.flush = flush ? whole_lines(network.all_inputs * sizeof(float)) : 0;
  layout.slots = (members + 1) * (layout.codes + layout.hidden);
  layout.workspace = workspace_bytes(network);
  layout.gathered = gathered_bytes(network, 1);
  layout.all = whole_lines(sizeof(tickmlp_team)) + layout.slots + layout.workspace + layout.flush + layout.gathered;
  return layout;
}

void fill(tickmlp_team& team, const tickmlp_model& model, const tickmlp_team_options& options, const Layout& layout) {
  team.network = model.network;
  team.functions = model.kernel->functions;
  team.member_count = static_cast<uint32_t>(options.core_count);
  team.yield_after = options.yield_after;
  team.promised = options.session.promise_default_float_environment != 0;
  team.process = getpid();
  auto* next = reinterpret_cast<uint8_t*>(&team) + whole_lines(sizeof(tickmlp_team));
  for (uint32_t s = 0; s <= team.member_count; ++s, next += layout.codes + layout.hidden)
    team.slots[s] = {next, reinterpret_cast<float*>(next + layout.codes)};
  team.workspace = make_workspace(team.network, next);
  team.spare_hidden = team.workspace.hidden;
  if (layout.flush != 0) team.flushed_input = reinterpret_cast<float*>(next + layout.workspace);
  team.gathered = reinterpret_cast<float*>(next + layout.workspace + layout.flush);
  const bool is_int8 = model.info.type == TICKMLP_INT8;
  team.code_bytes = team.network.inputs * (is_int8 ? size_t{1} : sizeof(float));
  const uint64_t group_bytes = is_int8 ? round_up(team.network.inputs, 4) * kGroup : team.network.inputs * size_t{64};
  const Split split = split_lanes(team.network.groups, group_bytes, team.member_count + 1);
  team.share = split.share[0];
  for (uint32_t m = 0; m < team.member_count; ++m) {
    Member& member = team.members[m];
    member.network = &team.network;
    member.lanes = team.functions->lanes;
    member.share = split.share[m + 1];
    member.yield_after = options.yield_after;
    member.fetch_bytes = is_int8 ? (team.code_bytes < kMostFetched ? team.code_bytes : kMostFetched) : 0;
    member.slot = team.slots[0];
  }
}

}  // namespace

void stop_members(tickmlp_team& team, uint32_t count) {
  if (getpid() != team.process) return;
  for (uint32_t m = 0; m < count; ++m) team.members[m].given.store(kStop, std::memory_order_release);
  for (uint32_t m = 0; m < count; ++m) pthread_join(team.members[m].thread, nullptr);
}

tickmlp_status start_members(tickmlp_team& team, const int* cores, tickmlp_error* error) {
  for (uint32_t m = 0; m < team.member_count; ++m)
    if (const int code = make_thread(team.members[m], cores[m]); code != 0) {
      stop_members(team, m);
      return refuse_thread(cores[m], code, error);
    }
  for (uint32_t m = 0; m < team.member_count; ++m)
    if (!is_running(team.members[m])) {
      stop_members(team, team.member_count);
      return fail(error, TICKMLP_TEAM_THREAD,
                  "the thread of core %d did not run within %d s; expected a core with time", cores[m], kStartSeconds);
    }
  return TICKMLP_OK;
}

}  // namespace tickmlp

using namespace tickmlp;

extern "C" {

tickmlp_status tickmlp_team_create(const tickmlp_model* model, const tickmlp_team_options* given, tickmlp_team** out,
                                   tickmlp_error* error) {
  if (model == nullptr || out == nullptr)
    return fail(error, TICKMLP_BAD_ARGUMENT, "model or team is NULL; expected both");
  tickmlp_team_options options = {};
  if (given != nullptr) std::memcpy(&options, given, sizeof options);
  if (auto s = read_session_options(given != nullptr ? &given->session : nullptr, &options.session, error)) return s;
  if (auto s = check_options(*model, options, error)) return s;
  tickmlp_clock clock;
  if (auto s = tickmlp_clock_calibrate(&clock, error)) return s;
  const Layout layout =
      lay_out(model->network, static_cast<uint32_t>(options.core_count), options.session.non_finite == TICKMLP_FLUSH);
  void* allocation;
  auto* lines = static_cast<uint8_t*>(allocate_lines(model->allocator, layout.all + kApart - 64, &allocation));
  if (lines == nullptr) return fail(error, TICKMLP_OUT_OF_MEMORY, "no memory for a team of %zu bytes", layout.all);
  lines += -reinterpret_cast<uintptr_t>(lines) % kApart;  // a team's alignment is twice that of a line
  auto* team = new (lines) tickmlp_team{};
  fill(*team, *model, options, layout);
  team->deadline_ticks = static_cast<uint64_t>(
      static_cast<double>(options.deadline_ns != 0 ? options.deadline_ns : kDefaultDeadlineNs) / clock.ns_per_tick);
  team->allocator = model->allocator;
  team->allocation = allocation;
  if (auto s = start_members(*team, options.cores, error)) {
    model->allocator.release(model->allocator.context, allocation);
    return s;
  }
  *out = team;
  return TICKMLP_OK;
}

void tickmlp_team_free(tickmlp_team* team) {
  if (team == nullptr) return;
  stop_members(*team, team->member_count);
  const tickmlp_allocator allocator = team->allocator;
  allocator.release(allocator.context, team->allocation);
}

}  // extern "C"
