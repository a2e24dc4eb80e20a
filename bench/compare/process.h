// SPDX-License-Identifier: Apache-2.0
// Another program, run to its end.
#ifndef TICKMLP_BENCH_PROCESS_H_
#define TICKMLP_BENCH_PROCESS_H_
#include <string>
#include <vector>

namespace tickmlp::bench {

struct Finished {
  std::string start_error;  // "" when it ran; else why it could not be started
  bool timed_out = false;   // it was killed after the time allowed
  int exit_code = -1, signal = 0;
  std::string output, errors;  // its standard output and standard error, at most kMostOutput each
};
inline constexpr std::size_t kMostOutput = 64 * 1024;

// Runs words[0] (a path) with the others as its arguments, in a process group of its own, nothing on its standard
// input. Ends when the program has ended and closed both outputs. After `timeout_seconds`, at an interrupt of ours
// (g_interrupt_signal) and at the end the whole group is killed, so that no child stays behind.
Finished run_process(const std::vector<std::string>& words, double timeout_seconds);

}  // namespace tickmlp::bench
#endif
