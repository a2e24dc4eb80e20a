// SPDX-License-Identifier: Apache-2.0
#include "compare/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

#include "cli.h"

extern char** environ;

namespace tickmlp::bench {
namespace {

constexpr int kPollMs = 20;  // how late an interrupt may be seen

struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) refuse(std::string("cannot make a pipe: ") + std::strerror(errno));
    read_end = ends[0], write_end = ends[1];
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() { close_read(), close_write(); }
  void close_read() { close_end(&read_end); }
  void close_write() { close_end(&write_end); }

 private:
  static void close_end(int* end) {
    if (*end >= 0) close(*end);
    *end = -1;
  }
};

int spawn(const std::vector<std::string>& words, const Pipe& output, const Pipe& errors, pid_t* child) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output.write_end, 1);
  posix_spawn_file_actions_adddup2(&actions, errors.write_end, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  for (const int number : {SIGPIPE, SIGXFSZ, SIGINT, SIGTERM}) sigaddset(&defaults, number);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const int error = posix_spawn(child, words[0].c_str(), &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

// One read into `text`; what goes beyond the limit is dropped. Closes the pipe at its end.
void drain(Pipe* pipe, std::string* text) {
  char buffer[4096];
  const ssize_t count = read(pipe->read_end, buffer, sizeof buffer);
  if (count > 0) text->append(buffer, std::min(static_cast<std::size_t>(count), kMostOutput - text->size()));
  else if (count == 0 || errno != EINTR) pipe->close_read();
}

}  // namespace

Finished run_process(const std::vector<std::string>& words, double timeout_seconds) {
  const auto start = std::chrono::steady_clock::now();
  Finished finished;
  Pipe output, errors;
  pid_t child = -1;
  if (const int error = spawn(words, output, errors, &child); error != 0) {
    finished.start_error = std::strerror(error);
    return finished;
  }
  output.close_write();
  errors.close_write();
  while (output.read_end >= 0 || errors.read_end >= 0) {
    const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    finished.timed_out = elapsed > timeout_seconds;
    if (finished.timed_out || g_interrupt_signal != 0) break;
    pollfd ends[] = {{output.read_end, POLLIN, 0}, {errors.read_end, POLLIN, 0}};  // poll passes over -1
    poll(ends, 2, kPollMs);
    if (ends[0].revents != 0) drain(&output, &finished.output);
    if (ends[1].revents != 0) drain(&errors, &finished.errors);
  }
  // Closed outputs do not mean that it has ended: it is waited for, as long as it was allowed.
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    finished.timed_out = finished.timed_out || elapsed > timeout_seconds;
    if (finished.timed_out || g_interrupt_signal != 0) {
      kill(-child, SIGKILL);
      waitpid(child, &status, 0);
      break;
    }
    usleep(200);
  }
  kill(-child, SIGKILL);  // what it may have started itself
  if (WIFEXITED(status)) finished.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) finished.signal = WTERMSIG(status);
  return finished;
}

}  // namespace tickmlp::bench
