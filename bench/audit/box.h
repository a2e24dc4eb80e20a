// SPDX-License-Identifier: Apache-2.0
// What the audit reads of a machine: text files below /proc and /sys, or below another root that holds a copy.
#ifndef TICKMLP_BENCH_BOX_H_
#define TICKMLP_BENCH_BOX_H_
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tickmlp::bench {

class Box {
 public:
  explicit Box(std::string root = "") : root_(std::move(root)) {}
  const std::string& root() const { return root_; }

  // The whole file without blanks at its ends; nothing when it cannot be read.
  std::optional<std::string> read(const std::string& path) const;
  // The first bytes of a file as they are, for the few that hold no text; shorter at its end, nothing when unreadable.
  std::optional<std::string> bytes(const std::string& path, std::size_t count) const;
  // Names in a folder, sorted; empty when it cannot be read.
  std::vector<std::string> list(const std::string& folder) const;
  // The rest of the first line that begins with `key`, behind a colon or blanks: /proc/cpuinfo, /proc/self/status.
  std::optional<std::string> line(const std::string& path, std::string_view key) const;
  // The value of NAME=value among the kernel's boot arguments; "" for a bare NAME.
  std::optional<std::string> boot_argument(std::string_view name) const;

 private:
  std::string root_;
};

// Whether a kernel list such as "0-3,8" holds `core`. "all" does; "(null)" and "" hold none.
bool list_holds(std::string_view list, int core);

std::vector<std::string> split_words(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);  // empty parts too
bool has_word(std::string_view text, std::string_view word);
// Nothing when the text is no whole number.
std::optional<std::int64_t> to_number(std::string_view text);

// Hundredths of a second since boot; nothing when unreadable.
std::optional<std::uint64_t> busy_ticks(const Box& box, int core);   // not idle: user, system, interrupts
std::optional<std::uint64_t> steal_ticks(const Box& box, int core);  // the hypervisor ran somebody else

}  // namespace tickmlp::bench
#endif
