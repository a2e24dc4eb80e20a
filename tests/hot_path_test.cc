// SPDX-License-Identifier: Apache-2.0
// 10 million inferences with 0 allocations, 0 system calls and 0 page faults. Our own malloc counts allocations;
// system calls by a seccomp filter that kills the process (strict mode turns RDTSC into SIGSEGV and kills only the
// thread, so a naive test passes); page faults from the thread's own /proc file. Each check is shown to fail when one
// is added.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "hot_path_jobs.h"

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

using namespace tickmlp::testing;

namespace {

enum class Extra { kNothing, kAllocation, kSystemCall, kPageFault };
enum Exit { kClean = 0, kAllocated = 1, kFaulted = 2, kRefused = 3, kNoFilter = 4, kNoStat = 5 };

int thread_stat = -1;  // the one descriptor that may be read under the filter

bool install_filter() {
#ifdef TICKMLP_HAVE_SECCOMP
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (filter == nullptr) return false;
  bool good = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0;  // for every thread, members too
  good = good && seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(exit_group), 0) == 0;
  good = good && seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(getrusage), 0) == 0;
  const scmp_arg_cmp of_that_file = {0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(thread_stat), 0};
  good = good && seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(pread64), 1, &of_that_file) == 0;
  return good && seccomp_load(filter) == 0;  // not released: free() may make a system call
#else
  return false;
#endif
}

// Minor and major faults of the calling thread, from /proc/self/task/TID/stat, and those of all threads.
struct Faults {
  long thread = -1, process = -1;
  bool operator==(const Faults&) const = default;
};

Faults page_faults() {
  char text[1024];
  const ssize_t count = pread(thread_stat, text, sizeof text - 1, 0);
  text[count > 0 ? count : 0] = 0;
  const char* after_name = std::strrchr(text, ')');
  long minor = -1, major = -1;
  if (after_name != nullptr) std::sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %ld %*d %ld", &minor, &major);
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return {minor + major, usage.ru_minflt + usage.ru_majflt};
}

void open_thread_stat() {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%ld/stat", syscall(SYS_gettid));
  thread_stat = open(path, O_RDONLY | O_CLOEXEC);
}

volatile char untouched[1 << 20];  // pages that only the loop that has to be caught writes to

[[noreturn]] void loop(Job& job, uint64_t count, Extra extra, Path path) {
  float output[64] = {};
  if (path == Path::kTeam) make_team(&job);
  open_thread_stat();
  if (page_faults().thread < 0) _exit(kNoStat);
  for (uint64_t i = 0; i < 10000; ++i) step(job, i, output);  // binds lazily linked symbols
  if (!install_filter()) _exit(kNoFilter);
  const Faults faults = page_faults();
  const uint64_t before = allocations;
  for (uint64_t i = 0; i < count; ++i) {
    if (step(job, i, output) != TICKMLP_OK) _exit(kRefused);
    if (extra == Extra::kAllocation && i == count / 2) {
      void* volatile memory = malloc(16);
      free(memory);
    }
    if (extra == Extra::kSystemCall && i == count / 2) getppid();
    if (extra == Extra::kPageFault && i == count / 2) untouched[sizeof untouched / 2] = 1;
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

TEST_CASE("the checks see an allocation, a page fault and a system call when one is added") {
  if (no_filter_here("the checks see an allocation, a page fault and a system call when one is added")) return;
  for (const char* name : {"tactical-int8", "tactical-float32"}) {
    CHECK(exited_with(run_in_child(name, 1000, Extra::kNothing), kClean));
    CHECK(exited_with(run_in_child(name, 1000, Extra::kAllocation), kAllocated));
    CHECK(exited_with(run_in_child(name, 1000, Extra::kPageFault), kFaulted));
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

// scripts/test exhaustive. The times are those of a quiet Zen 4; each line says how far it got, for who waits.
TEST_CASE("100 million inferences and a billion ticks: 0 allocations, 0 system calls, 0 page faults" *
          doctest::skip(std::getenv("TICKMLP_SLOW") == nullptr)) {
  if (no_filter_here("100 million inferences and a billion ticks")) return;
  struct Part {
    const char* name;
    uint64_t count;
    Path path;
  };
  const Part parts[] = {
      {"tactical-int8", 60'000'000, Path::kFull},  {"tactical-float32", 10'000'000, Path::kFull},
      {"strategic-int8", 20'000'000, Path::kFull}, {"strategic-float32", 10'000'000, Path::kFull},
      {"tactical-int8", 700'000'000, Path::kTick}, {"tactical-float32", 300'000'000, Path::kTick},
  };
  for (const Part& part : parts) {
    const auto begin = std::chrono::steady_clock::now();
    CHECK(exited_with(run_in_child(part.name, part.count, Extra::kNothing, part.path), kClean));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    std::printf("%s, %s: %llu in %.0f s\n", part.name, part.path == Path::kTick ? "ticks" : "full inferences",
                static_cast<unsigned long long>(part.count), seconds.count());
  }
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

TEST_CASE("3 million answers of pruned models, each way: 0 allocations, 0 system calls, 0 page faults") {
  if (no_filter_here("3 million answers of pruned models")) return;
  for (const char* name : {"pruned-int8", "pruned-float32"})
    for (const auto& [path, count] :
         {std::pair{Path::kFull, 500'000}, {Path::kTick, 500'000}, {Path::kTeam, 100'000}, {Path::kBatch, 10'000}})
      CHECK(exited_with(run_in_child(name, static_cast<uint64_t>(count), Extra::kNothing, path), kClean));
  CHECK(exited_with(run_in_child("pruned-int8", 500'000, Extra::kNothing, Path::kSparse), kClean));
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
