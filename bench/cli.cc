// SPDX-License-Identifier: Apache-2.0
#include "cli.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <utility>

namespace tickmlp::bench {

volatile std::sig_atomic_t g_interrupt_signal = 0;

void refuse(std::string message) { throw Failure{kRefused, std::move(message)}; }
void wrong_usage(std::string message) { throw Failure{kWrongUsage, std::move(message)}; }

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
    refuse(std::string("cannot write to standard output: ") + std::strerror(errno));
}

void flush_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    refuse(std::string("cannot write to standard output: ") + std::strerror(errno));
}

namespace {

// Bytes of the UTF-8 sequence that starts here, 0 when there is none or it is a control character.
std::size_t sequence_length(std::string_view bytes) {
  const auto first = static_cast<unsigned char>(bytes[0]);
  if (first < 0x80) return first >= 0x20 && first != 0x7F ? 1 : 0;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (length == 0 || first > 0xF4 || bytes.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(bytes[i]) & 0xC0) != 0x80) return 0;
  const auto second = static_cast<unsigned char>(bytes[1]);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool outside = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
  const bool control = first == 0xC2 && second < 0xA0;
  return overlong || outside || control ? 0 : length;
}

extern "C" void note_interrupt(int signal_number) { g_interrupt_signal = signal_number; }

}  // namespace

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

bool is_plain_text(std::string_view bytes) {
  for (std::size_t length; !bytes.empty(); bytes.remove_prefix(length))
    if ((length = sequence_length(bytes)) == 0) return false;
  return true;
}

std::string printable(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    if (const std::size_t length = sequence_length(bytes); length != 0) {
      text.append(bytes.substr(0, length));
      bytes.remove_prefix(length);
      continue;
    }
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(bytes[0]));
    text += escaped;
    bytes.remove_prefix(1);
  }
  return text;
}

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = note_interrupt;
  action.sa_flags = SA_RESTART;  // reads and writes under way are finished, not torn
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // A terminal or an ssh connection that goes away. Whoever started this under nohup wants it to go on.
  struct sigaction before {};
  if (sigaction(SIGHUP, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
}

void prepare_process() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) != -1 || errno != EBADF) continue;
    // Opens as the lowest free number, which is this one. The wrong direction on purpose: writing must fail.
    if (open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY) < 0) std::_Exit(kRefused);
  }
}

std::string command_line(const std::string& program, int count, char** words) {
  std::string line = program;
  for (int i = 0; i < count; ++i) {
    const std::string word = printable(words[i]);
    const bool plain = !word.empty() && word.find_first_of(" '\"$\\`&|;<>()*?[]#~!{}") == std::string::npos;
    line += " ";
    if (plain) {
      line += word;
      continue;
    }
    line += "'";
    for (const char letter : word) line += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    line += "'";
  }
  return line;
}

}  // namespace tickmlp::bench
