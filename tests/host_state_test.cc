// SPDX-License-Identifier: Apache-2.0
// What belongs to the host stays the host's: signal handlers and mask, the floating-point environment, affinity and
// scheduling, limits, locale, descriptors, threads, locked memory; and nothing is printed. Only what is asked for
// changes: pinning, and a team's threads while it lives.
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <map>

#include "loaded.h"
#include "team_model.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

using namespace tickmlp::testing;

namespace {

using State = std::map<std::string, std::string>;

std::string hex(const void* bytes, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", static_cast<const uint8_t*>(bytes)[i]);
    text += two;
  }
  return text;
}

std::string entries(const char* folder) {
  std::vector<std::string> names;
  DIR* open = opendir(folder);
  while (const dirent* entry = readdir(open)) names.push_back(entry->d_name);
  closedir(open);
  std::sort(names.begin(), names.end());
  std::string text;
  for (const std::string& name : names) text += name + " ";
  return text;
}

std::string line_of(const char* file, const std::string& begin) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);)
    if (line.rfind(begin, 0) == 0) return line;
  return "none";
}

uint64_t float_control() {
#if defined(__x86_64__)
  uint16_t x87;
  __asm__ volatile("fnstcw %0" : "=m"(x87));
  return (_mm_getcsr() & ~0x3Fu) | uint64_t{x87} << 32;  // without the six sticky flags, which any arithmetic sets
#else
  uint64_t value;
  __asm__ volatile("mrs %0, fpcr" : "=r"(value));
  return value;
#endif
}

State host_state() {
  State state;
  struct sigaction action;
  for (int s = 1; s < NSIG; ++s)
    if (sigaction(s, nullptr, &action) == 0)
      state["signal " + std::to_string(s)] =
          hex(&action.sa_handler, sizeof action.sa_handler) + " flags " + std::to_string(action.sa_flags);
  sigset_t mask;
  sigprocmask(SIG_SETMASK, nullptr, &mask);
  for (int s = 1; s < NSIG; ++s) state["signal mask"] += sigismember(&mask, s) == 1 ? '1' : '0';
  state["float control"] = std::to_string(float_control());
  cpu_set_t cores;
  sched_getaffinity(0, sizeof cores, &cores);
  state["affinity"] = hex(&cores, sizeof cores);
  state["scheduling"] = std::to_string(sched_getscheduler(0)) + " " + std::to_string(getpriority(PRIO_PROCESS, 0));
  for (int r = 0; r < RLIM_NLIMITS; ++r) {
    rlimit limit;
    getrlimit(static_cast<__rlimit_resource>(r), &limit);
    state["limit " + std::to_string(r)] = std::to_string(limit.rlim_cur) + " " + std::to_string(limit.rlim_max);
  }
  const mode_t mode = umask(0);
  umask(mode);
  state["umask"] = std::to_string(mode);
  state["locale"] = setlocale(LC_ALL, nullptr);
  char folder[4096];
  state["folder"] = getcwd(folder, sizeof folder) != nullptr ? folder : "";
  state["descriptors"] = entries("/proc/self/fd");
  state["threads"] = entries("/proc/self/task");
  state["locked memory"] = line_of("/proc/self/status", "VmLck");
  state["thread name"] = line_of("/proc/self/status", "Name");
  state["flags"] = std::to_string(prctl(PR_GET_DUMPABLE)) + " " +
                   std::to_string(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)) + " " +
                   std::to_string(prctl(PR_GET_TIMERSLACK));
  return state;
}

// The entries that differ, but for those named.
std::string difference(const State& before, const State& after, const std::string& expected = "") {
  std::string text;
  for (const auto& [name, value] : before)
    if (after.at(name) != value && expected.find(name) == std::string::npos)
      text += name + ": " + value + " -> " + after.at(name) + "; ";
  return text;
}

// Everything that a host can ask for without a change of its own state, failures included.
void exercise(const char* name, tickmlp_load_mode mode, const State& before) {
  Loaded loaded(weights_path(name), {nullptr, mode, 0, nullptr});
  REQUIRE(loaded.status == TICKMLP_OK);
  const tickmlp_model_info& info = *tickmlp_model_describe(loaded.model);
  std::vector<float> state(info.inputs, 0.25f), output(info.outputs);
  tickmlp_session* session = nullptr;
  tickmlp_window* window = nullptr;
  tickmlp_sparse* sparse = nullptr;
  REQUIRE(tickmlp_session_create(loaded.model, nullptr, &session, nullptr) == TICKMLP_OK);
  CHECK(tickmlp_infer(session, state.data(), info.inputs, output.data(), info.outputs) == TICKMLP_OK);
  CHECK(tickmlp_infer_batch(session, state.data(), 1, output.data(), nullptr) == TICKMLP_OK);
  CHECK(tickmlp_session_touch(session) == TICKMLP_OK);
  if (info.window_rows != 0) {
    REQUIRE(tickmlp_window_create(loaded.model, nullptr, &window, nullptr) == TICKMLP_OK);
    CHECK(tickmlp_window_reset(window, state.data(), info.inputs) == TICKMLP_OK);
    CHECK(tickmlp_window_advance(window) == TICKMLP_OK);
    CHECK(tickmlp_window_tick(window, state.data(), info.window_columns, output.data(), info.outputs) == TICKMLP_OK);
  }
  if (tickmlp_sparse_create(loaded.model, nullptr, &sparse, nullptr) == TICKMLP_OK)
    CHECK(tickmlp_sparse_reset(sparse, state.data(), info.inputs) == TICKMLP_OK);
  state[0] = NAN;
  CHECK(tickmlp_infer(session, state.data(), info.inputs, output.data(), info.outputs) == TICKMLP_NON_FINITE_INPUT);
  CHECK(Loaded("/proc/self/nothing").status == TICKMLP_FILE_OPEN);
  CHECK(Loaded("/proc/self/cmdline").status == TICKMLP_FILE_SIZE);
  CHECK(Loaded(weights_path("../meson") + "x").status == TICKMLP_FILE_OPEN);
  tickmlp_clock clock;
  CHECK(tickmlp_clock_calibrate(&clock, nullptr) == TICKMLP_OK);
  CHECK(difference(before, host_state(), "locked memory") == "");  // while everything is held
  tickmlp_sparse_free(sparse);
  tickmlp_window_free(window);
  tickmlp_session_free(session);
}

}  // namespace

TEST_CASE("a host's state is the same while models are used and after they are freed") {
#if defined(__x86_64__)
  const unsigned saved = _mm_getcsr();
  _mm_setcsr(saved | 0x8000 | 0x4000 | 0x0040);  // flush to zero, round up, denormals are zero: the host's own choice
#endif
  const State before = host_state();
  for (const char* name : kBundled)
    for (tickmlp_load_mode mode : {TICKMLP_COPY, TICKMLP_MAPPED}) {
      exercise(name, mode, before);
      CHECK(difference(before, host_state()) == "");
    }
#if defined(__x86_64__)
  _mm_setcsr(saved);
#endif
}

TEST_CASE("nothing is printed, refusals included") {
  char path[] = "/tmp/tickmlp-printed-XXXXXX";
  const int file = mkstemp(path), out = dup(1), err = dup(2);
  REQUIRE(file >= 0);
  unlink(path);
  std::fflush(nullptr);
  dup2(file, 1);
  dup2(file, 2);
  {
    const State before = host_state();
    exercise("tactical-int8", TICKMLP_COPY, before);
  }
  std::fflush(nullptr);
  struct stat status;
  fstat(file, &status);
  dup2(out, 1);
  dup2(err, 2);
  for (int descriptor : {file, out, err}) close(descriptor);
  CHECK(status.st_size == 0);
}

TEST_CASE("a team's threads live as long as it does; the caller's own affinity and mask stay") {
  Loaded loaded(weights_path("tactical-int8"));
  REQUIRE(loaded.status == TICKMLP_OK);
  const State before = host_state();
  {
    Side side(*loaded.model, 2);
    const std::string changed = difference(before, host_state(), "locked memory");
    CHECK(changed.rfind("threads: ", 0) == 0);
    CHECK(changed.find("; ") == changed.size() - 2);
  }
  CHECK(difference(before, host_state()) == "");
}

TEST_CASE("pinning changes the calling thread's affinity, since it is asked to") {
  const State before = host_state();
  cpu_set_t cores;
  REQUIRE(sched_getaffinity(0, sizeof cores, &cores) == 0);
  REQUIRE(tickmlp_pin_thread(some_cores(1)[0], nullptr) == TICKMLP_OK);
  const std::string changed = difference(before, host_state());
  if (CPU_COUNT(&cores) > 1) CHECK(changed.rfind("affinity: ", 0) == 0);
  CHECK(changed.find("; ") + 2 == (changed.empty() ? 1 : changed.size()));
  sched_setaffinity(0, sizeof cores, &cores);
}
