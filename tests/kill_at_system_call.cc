// SPDX-License-Identifier: Apache-2.0
// kill_at_system_call N PROGRAM WORD...: runs the program and kills it (SIGKILL) as it enters its Nth system call, so
// that this call does not happen. Exit 0: killed there; 1: the program ended before its Nth; 2: it could not be run.
// Prints how many system calls were seen. The program's own output is thrown away.
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr int kSystemCallStop = SIGTRAP | 0x80;  // PTRACE_O_TRACESYSGOOD

[[noreturn]] void become(char** words) {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int descriptor = 0; descriptor <= 2; ++descriptor) dup2(null, descriptor);
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0) execv(words[0], words);
  _exit(127);
}

// Until the child enters its `wanted`th system call. False where it ended before.
bool run_to(pid_t child, long wanted, long* seen) {
  for (bool entering = true;;) {
    int status;
    if (waitpid(child, &status, 0) != child || WIFEXITED(status) || WIFSIGNALED(status)) return false;
    int signal_number = WSTOPSIG(status);
    if (signal_number == kSystemCallStop) {
      signal_number = 0;
      if (entering && ++*seen == wanted) return true;
      entering = !entering;
    } else if (signal_number == SIGTRAP) {
      signal_number = 0;  // execve is through
    }
    if (ptrace(PTRACE_SYSCALL, child, nullptr, static_cast<long>(signal_number)) != 0) return false;
  }
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) return 2;
  const long wanted = std::strtol(words[1], nullptr, 10);
  const pid_t child = fork();
  if (child == 0) become(words + 2);
  int status;
  // The first stop is the end of execve: from here on every system call is the program's own, its loader's included.
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return 2;
  if (ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) != 0) return 2;
  if (ptrace(PTRACE_SYSCALL, child, nullptr, 0) != 0) return 2;
  long seen = 0;
  const bool there = run_to(child, wanted, &seen);
  if (there) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
  }
  std::printf("%ld\n", seen);
  return there ? 0 : 1;
}
