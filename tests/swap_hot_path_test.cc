// SPDX-License-Identifier: Apache-2.0
// The reader's side of a swap, while another thread loads, publishes and frees models: 0 allocations, 0 system calls
// and 0 page faults of the reading thread. Its own malloc counts by thread; a seccomp filter that is the reader's alone
// kills the process at any system call. Both are shown to see one that is added.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>

#include "../runtime/tickmlp.h"

#if __has_include(<seccomp.h>)
#include <seccomp.h>
#endif

static thread_local uint64_t allocations = 0;

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

enum class Extra { kNothing, kAllocation, kSystemCall };
enum Exit { kClean = 0, kAllocated = 1, kFaulted = 2, kRefused = 3, kNoFilter = 4, kNoSwaps = 5 };

constexpr const char* kBlob = TICKMLP_SOURCE_ROOT "/weights/tactical-int8.blob";

// Of this thread only: the publisher goes on as it likes.
bool install_filter() {
#if __has_include(<seccomp.h>)
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (filter == nullptr) return false;
  bool good = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(exit_group), 0) == 0;
  good = good && seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(getrusage), 0) == 0;
  return good && seccomp_load(filter) == 0;  // not released: free() may make a system call
#else
  return false;
#endif
}

long page_faults() {
  rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

tickmlp_model* load() {
  tickmlp_model* model = nullptr;
  return tickmlp_model_load(kBlob, nullptr, &model, nullptr) == TICKMLP_OK ? model : nullptr;
}

void publish_for_ever(tickmlp_swap* slot) {
  const tickmlp_publish_options again = {1};
  for (;;) {
    tickmlp_model* model = load();
    if (tickmlp_swap_publish(slot, model, &again, nullptr) != TICKMLP_OK) tickmlp_model_free(model);
  }
}

struct Reading {
  tickmlp_reader* reader;
  tickmlp_shadow* shadow;
  const float *inputs, *outputs;
  uint64_t last = 0, models = 0;
};

// Take, a reset where the model is new, an inference, a tick, the shadow's copy; a release now and then.
bool read_once(Reading& reading, uint64_t i) {
  const tickmlp_held* held = tickmlp_reader_take(reading.reader);
  float output[10];
  if (held->number != reading.last) {
    if (tickmlp_window_reset(held->window, reading.inputs, 420) != TICKMLP_OK) return false;
    reading.models += 1;
    reading.last = held->number;
  }
  if (tickmlp_infer(held->session, reading.inputs + i % 8 * 420, 420, output, 10) != TICKMLP_OK) return false;
  tickmlp_shadow_offer(reading.shadow, reading.inputs + i % 8 * 420, output);
  if (tickmlp_window_tick(held->window, reading.inputs + 413, 7, output, 10) != TICKMLP_OK) return false;
  if (i % 1000 == 999) tickmlp_reader_release(reading.reader);
  return true;
}

void allocate_once() {
  void* volatile block = malloc(16);  // volatile: clang leaves an unused allocation out
  free(block);
}

[[noreturn]] void run(uint64_t models, Extra extra) {
  tickmlp_swap* slot = nullptr;
  Reading reading = {};
  tickmlp_model *first = load(), *watching = load();
  tickmlp_model_golden(watching, &reading.inputs, &reading.outputs);
  if (tickmlp_swap_create(first, nullptr, &slot, nullptr) != TICKMLP_OK ||
      tickmlp_reader_create(slot, nullptr, "reader", &reading.reader, nullptr) != TICKMLP_OK ||
      tickmlp_shadow_create(first, watching, nullptr, &reading.shadow, nullptr) != TICKMLP_OK)
    _exit(kRefused);
  std::thread(publish_for_ever, slot).detach();
  for (uint64_t i = 0; reading.models < 3; ++i) read_once(reading, i);  // binds lazily linked symbols
  if (!install_filter()) _exit(kNoFilter);
  const uint64_t before = allocations;
  const long faults = page_faults();
  const uint64_t end = reading.models + models;
  const std::time_t start = std::time(nullptr);  // by the vDSO: no system call
  for (uint64_t i = 0; reading.models < end; ++i) {
    if (!read_once(reading, i)) _exit(kRefused);
    if (extra == Extra::kAllocation && reading.models == end - models / 2) allocate_once();
    if (extra == Extra::kSystemCall && reading.models == end - models / 2) getppid();
    if (std::time(nullptr) > start + 100) _exit(kNoSwaps);
  }
  if (allocations != before) _exit(kAllocated);
  _exit(page_faults() != faults ? kFaulted : kClean);
}

int run_in_child(uint64_t models, Extra extra) {
  const pid_t child = fork();
  if (child == 0) run(models, extra);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return status;
}

bool exited_with(int status, int code) { return WIFEXITED(status) && WEXITSTATUS(status) == code; }

}  // namespace

TEST_CASE("a reader through 300 publications: 0 allocations, 0 system calls, 0 page faults") {
  const int status = run_in_child(300, Extra::kNothing);
  if (exited_with(status, kNoFilter)) {
    std::printf("SKIP a reader through 300 publications: no seccomp filter here\n");
    return;
  }
  CHECK(exited_with(status, kClean));
  CHECK(exited_with(run_in_child(6, Extra::kAllocation), kAllocated));
  const int killed = run_in_child(6, Extra::kSystemCall);
  CHECK(WIFSIGNALED(killed));
  CHECK(WTERMSIG(killed) == SIGSYS);
}
