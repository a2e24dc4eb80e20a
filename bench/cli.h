// SPDX-License-Identifier: Apache-2.0
// What every subcommand shares: exit codes, the one way to fail, printing, interrupts.
#ifndef TICKMLP_BENCH_CLI_H_
#define TICKMLP_BENCH_CLI_H_
#include <csignal>
#include <string>
#include <string_view>

namespace tickmlp::bench {

// Promised to scripts; 128 + signal when interrupted.
enum ExitCode : int { kPass = 0, kFail = 1, kWrongUsage = 2, kInconclusive = 3, kRefused = 4 };

// Thrown by the command line only (the library never throws); main prints it and exits.
struct Failure {
  int exit_code;
  std::string message;
};
[[noreturn]] void refuse(std::string message);       // refused input or I/O: exit 4
[[noreturn]] void wrong_usage(std::string message);  // exit 2

// To standard output; refuses when it cannot be written (closed pipe, full disk).
void print(std::string_view text);
void flush_output();

// The time of day, "2026-01-31T23:59:59Z".
std::string utc_now();

// Valid UTF-8 without control characters.
bool is_plain_text(std::string_view bytes);
// A path or other bytes fit to print: what is not printable ASCII or valid UTF-8 becomes \xNN.
std::string printable(std::string_view bytes);

// What reproduces this run: `program` and its words; those that a shell would split are quoted.
std::string command_line(const std::string& program, int count, char** words);

// SIGINT, SIGTERM and SIGHUP (unless it is ignored, as nohup does) set this instead of ending the process, once caught.
extern volatile std::sig_atomic_t g_interrupt_signal;
void catch_interrupts();

// Before anything else: a closed pipe and a file size limit become error codes instead of death by signal; descriptors
// 0-2 are never left free, so that a report cannot be opened as descriptor 1 and printed over.
void prepare_process();

}  // namespace tickmlp::bench
#endif
