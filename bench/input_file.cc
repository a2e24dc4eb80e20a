// SPDX-License-Identifier: Apache-2.0
#include "input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli.h"

namespace tickmlp::bench {
namespace {

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) close(number);
  }
};

[[noreturn]] void refuse_reading(const std::string& path, const char* why) {
  refuse("cannot read " + printable(path) + ": " + why);
}

}  // namespace

std::string read_file(const std::string& path, std::uint64_t most_bytes) {
  // Not blocking: a FIFO would wait for a writer.
  const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat status {};
  if (file.number < 0 || fstat(file.number, &status) != 0) refuse_reading(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) refuse_reading(path, "it is not a regular file");
  std::string text;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t count = read(file.number, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) refuse_reading(path, std::strerror(errno));
    if (count == 0) return text;
    text.append(buffer, static_cast<std::size_t>(count));
    if (text.size() > most_bytes) refuse_reading(path, "it is too large to be meant");
  }
}

bool file_exists(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0;
}

}  // namespace tickmlp::bench
