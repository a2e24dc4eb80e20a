// SPDX-License-Identifier: Apache-2.0
// 10 million inferences with 0 allocations, 0 system calls and 0 page faults. Our own malloc counts allocations;
// system calls by a seccomp filter that kills the process (strict mode turns RDTSC into SIGSEGV and kills only the
// thread, so a naive test passes). Each check is shown to fail when one is added.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "../runtime/tickmlp.h"

#if __has_include(<seccomp.h>)
#include <seccomp.h>
#define TICKMLP_HAVE_SECCOMP 1
#endif

static std::atomic<uint64_t> allocations{0};

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void __libc_free(void*);
void* malloc(size_t bytes) { return ++allocations, __libc_malloc(bytes); }
void* calloc(size_t count, size_t bytes) { return ++allocations, __libc_calloc(count, bytes); }
void* realloc(void* memory, size_t bytes) { return ++allocations, __libc_realloc(memory, bytes); }
void free(void* memory) {
  ++allocations;
  __libc_free(memory);
}
}

namespace {

enum class Path { kFull, kTick, kSparse, kTeam, kBatch };
enum class Extra { kNothing, kAllocation, kSystemCall };
enum Exit { kClean = 0, kAllocated = 1, kFaulted = 2, kRefused = 3, kNoFilter = 4 };

struct Job {
  tickmlp_session* session;
  tickmlp_window* window;  // tick path only
  tickmlp_sparse* sparse;  // sparse updates only
  tickmlp_team* team;      // team only, made in the child: threads do not live through fork
  tickmlp_model* model;
  std::vector<float> inputs;  // 64 states
  uint32_t inputs_each, outputs_each;
  std::vector<float> outputs;  // batches only: 64 states
};

Job prepare(const char* name, Path path_taken) {
  const std::string path = std::string(TICKMLP_SOURCE_ROOT "/weights/") + name + ".blob";
  tickmlp_model* model = nullptr;
  tickmlp_error error;
  REQUIRE_MESSAGE(tickmlp_model_load(path.c_str(), nullptr, &model, &error) == TICKMLP_OK, std::string(error.message));
  const tickmlp_model_info& info = *tickmlp_model_describe(model);
  Job job = {nullptr,     nullptr,      nullptr, nullptr, model, std::vector<float>(64 * info.inputs),
             info.inputs, info.outputs, {}};
  REQUIRE(tickmlp_session_create(model, nullptr, &job.session, nullptr) == TICKMLP_OK);
  for (size_t i = 0; i < job.inputs.size(); ++i)
    job.inputs[i] = static_cast<float>(i % 97) / 48.0f - 1.01f;  // a few clip
  if (path_taken == Path::kBatch) job.outputs.resize(64 * info.outputs);
  if (path_taken == Path::kTick) {
    REQUIRE(tickmlp_window_create(model, nullptr, &job.window, nullptr) == TICKMLP_OK);
    REQUIRE(tickmlp_window_reset(job.window, job.inputs.data(), info.inputs) == TICKMLP_OK);
    job.inputs_each = info.window_columns;
  }
  if (path_taken == Path::kSparse) {
    REQUIRE(tickmlp_sparse_create(model, nullptr, &job.sparse, nullptr) == TICKMLP_OK);
    REQUIRE(tickmlp_sparse_reset(job.sparse, job.inputs.data(), info.inputs) == TICKMLP_OK);
  }
  return job;
}

// A few scattered inputs; now and then all of them, and now and then one that is refused.
tickmlp_status sparse_step(Job& job, uint64_t i, const float* values, float* output) {
  static const float refused[1] = {NAN};
  static uint32_t every[420];
  const uint32_t indices[4] = {static_cast<uint32_t>(i * 7) % job.inputs_each, 0, job.inputs_each - 1,
                               static_cast<uint32_t>(i * 13) % job.inputs_each};
  if (i % 100 == 99 &&
      tickmlp_sparse_update(job.sparse, indices, refused, 1, output, job.outputs_each) != TICKMLP_NON_FINITE_INPUT)
    return TICKMLP_STATUS_COUNT;
  if (i % 1000 == 999) {
    for (uint32_t k = 0; k < job.inputs_each; ++k) every[k] = k;
    return tickmlp_sparse_update(job.sparse, every, values, job.inputs_each, output, job.outputs_each);
  }
  if (i % 10000 == 9990) {
    if (const tickmlp_status status = tickmlp_sparse_reset(job.sparse, values, job.inputs_each)) return status;
  }
  return tickmlp_sparse_update(job.sparse, indices, values, 4, output, job.outputs_each);
}

// One inference; on the tick path a bar closes, and another window begins, now and then. Each is touched now and then.
tickmlp_status step(Job& job, uint64_t i, float* output) {
  if (!job.outputs.empty())  // a batch of another size each time
    return tickmlp_infer_batch(job.session, job.inputs.data(), 1 + i % 64, job.outputs.data(), nullptr);
  const float* input = job.inputs.data() + i % 64 * job.inputs_each;
  if (job.sparse != nullptr) return sparse_step(job, i, input, output);
  if (job.team != nullptr) return tickmlp_team_infer(job.team, input, job.inputs_each, output, job.outputs_each);
  if (i % 50 == 7)
    if (auto s = job.window == nullptr ? tickmlp_session_touch(job.session) : tickmlp_window_touch(job.window))
      return s;
  if (job.window == nullptr) return tickmlp_infer(job.session, input, job.inputs_each, output, job.outputs_each);
  if (i % 100 == 99) {
    if (const tickmlp_status status = tickmlp_window_advance(job.window)) return status;
  }
  if (i % 10000 == 9999) {
    if (const tickmlp_status status = tickmlp_window_reset(job.window, job.inputs.data(), 420)) return status;
  }
  return tickmlp_window_tick(job.window, input, job.inputs_each, output, job.outputs_each);
}

bool install_filter() {
#ifdef TICKMLP_HAVE_SECCOMP
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (filter == nullptr) return false;
  bool good = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0;  // for every thread, members too
  good = good && seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(exit_group), 0) == 0;
  good = good && seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(getrusage), 0) == 0;
  return good && seccomp_load(filter) == 0;  // not released: free() may make a system call
#else
  return false;
#endif
}

long page_faults() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

// On core 0, with a member on core 1, where there is one; else with a caller alone.
void make_team(Job* job) {
  const int member = 1;
  tickmlp_team_options options = {&member, 1, 0, 0, {}};
  if (tickmlp_team_create(job->model, &options, &job->team, nullptr) == TICKMLP_OK) tickmlp_pin_thread(0, nullptr);
  else tickmlp_team_create(job->model, nullptr, &job->team, nullptr);
}

[[noreturn]] void loop(Job& job, uint64_t count, Extra extra, Path path) {
  float output[64] = {};
  if (path == Path::kTeam) make_team(&job);
  for (uint64_t i = 0; i < 10000; ++i) step(job, i, output);  // binds lazily linked symbols
  if (!install_filter()) _exit(kNoFilter);
  const long faults = page_faults();
  const uint64_t before = allocations;
  for (uint64_t i = 0; i < count; ++i) {
    if (step(job, i, output) != TICKMLP_OK) _exit(kRefused);
    if (extra == Extra::kAllocation && i == count / 2) {
      void* volatile memory = malloc(16);
      free(memory);
    }
    if (extra == Extra::kSystemCall && i == count / 2) getppid();
  }
  if (allocations != before) _exit(kAllocated);
  if (page_faults() != faults) _exit(kFaulted);
  _exit(kClean);
}

// The wait status of a child that runs the loop.
int run_in_child(const char* name, uint64_t count, Extra extra, Path path = Path::kFull) {
  Job job = prepare(name, path);
  const pid_t child = fork();
  if (child == 0) loop(job, count, extra, path);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return status;
}

bool exited_with(int status, int code) { return WIFEXITED(status) && WEXITSTATUS(status) == code; }

bool no_filter_here(const char* name) {
  const int status = run_in_child("strategic-int8", 1, Extra::kNothing);
  if (!exited_with(status, kNoFilter)) return false;
  std::printf("SKIP %s: no seccomp filter here (libseccomp absent when built, or an emulator)\n", name);
  return true;
}

}  // namespace

TEST_CASE("the checks see an allocation and a system call when one is added") {
  if (no_filter_here("the checks see an allocation and a system call when one is added")) return;
  for (const char* name : {"tactical-int8", "tactical-float32"}) {
    CHECK(exited_with(run_in_child(name, 1000, Extra::kNothing), kClean));
    CHECK(exited_with(run_in_child(name, 1000, Extra::kAllocation), kAllocated));
    const int killed = run_in_child(name, 1000, Extra::kSystemCall);
    CHECK(WIFSIGNALED(killed));
    CHECK(WTERMSIG(killed) == SIGSYS);
  }
}

TEST_CASE("10 million inferences: 0 allocations, 0 system calls, 0 page faults") {
  if (no_filter_here("10 million inferences")) return;
  CHECK(exited_with(run_in_child("tactical-int8", 6'000'000, Extra::kNothing), kClean));
  CHECK(exited_with(run_in_child("tactical-float32", 1'000'000, Extra::kNothing), kClean));
  CHECK(exited_with(run_in_child("strategic-int8", 1'500'000, Extra::kNothing), kClean));
  CHECK(exited_with(run_in_child("strategic-float32", 1'500'000, Extra::kNothing), kClean));
}

TEST_CASE("10 million ticks, with bars that close: 0 allocations, 0 system calls, 0 page faults") {
  if (no_filter_here("10 million ticks, with bars that close: 0 allocations, 0 system calls, 0 page faults")) return;
  for (const char* name : {"tactical-int8", "tactical-float32"})
    CHECK(exited_with(run_in_child(name, 5'000'000, Extra::kNothing, Path::kTick), kClean));
  CHECK(exited_with(run_in_child("tactical-int8", 1000, Extra::kAllocation, Path::kTick), kAllocated));
}

TEST_CASE("6 million sparse updates: 0 allocations, 0 system calls, 0 page faults") {
  if (no_filter_here("6 million sparse updates: 0 allocations, 0 system calls, 0 page faults")) return;
  for (const char* name : {"tactical-int8", "strategic-int8"})
    CHECK(exited_with(run_in_child(name, 3'000'000, Extra::kNothing, Path::kSparse), kClean));
  CHECK(exited_with(run_in_child("tactical-int8", 1000, Extra::kAllocation, Path::kSparse), kAllocated));
}

TEST_CASE("2 million inferences of a team: 0 allocations, 0 page faults, 0 system calls of the caller and of members") {
  if (no_filter_here("2 million inferences of a team")) return;
  for (const char* name : {"tactical-int8", "tactical-float32"})
    CHECK(exited_with(run_in_child(name, 1'000'000, Extra::kNothing, Path::kTeam), kClean));
  CHECK(exited_with(run_in_child("tactical-int8", 1000, Extra::kAllocation, Path::kTeam), kAllocated));
  CHECK(WIFSIGNALED(run_in_child("tactical-int8", 1000, Extra::kSystemCall, Path::kTeam)));
}

TEST_CASE("batches of 1 to 64 states, 2 million in all: 0 allocations, 0 system calls, 0 page faults") {
  if (no_filter_here("batches of 1 to 64 states")) return;
  for (const char* name : {"tactical-int8", "tactical-float32"})
    CHECK(exited_with(run_in_child(name, 32'000, Extra::kNothing, Path::kBatch), kClean));
  CHECK(exited_with(run_in_child("tactical-int8", 1000, Extra::kAllocation, Path::kBatch), kAllocated));
}

TEST_CASE("the recorder allocates nothing") {
  static tickmlp_recorder recorder, other;
  const uint64_t before = allocations;
  tickmlp_recorder_reset(&recorder);
  tickmlp_recorder_reset(&other);
  for (uint64_t i = 0; i < 100'000; ++i) tickmlp_recorder_record(&recorder, i * i);
  tickmlp_recorder_merge(&other, &recorder);
  const double sum =
      tickmlp_recorder_central(&other) + static_cast<double>(tickmlp_recorder_percentile(&other, 999, 1000));
  const uint64_t after = allocations;
  CHECK_EQ(after, before);
  CHECK(sum > 0);
}
