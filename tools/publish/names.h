// SPDX-License-Identifier: Apache-2.0
// The names in a published folder, and the one line of `current`, as runtime/watch reads them.
// tools/training_cycle/names.py is the mirror.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tickmlp::publish {

inline constexpr std::string_view kCurrent = "current";
inline constexpr std::string_view kSignatureSuffix = ".minisig";
inline constexpr std::string_view kWithdrawnSuffix = ".withdrawn";
inline constexpr std::string_view kTemporaryPrefix = ".tmp-";

// NAME-GENERATION-SHA8.blob: sha8 is the first 8 hexadecimal digits of the file's SHA-256.
struct PublishedName {
  std::string name;
  uint64_t generation = 0;
  std::string sha8;

  std::string file() const { return name + "-" + std::to_string(generation) + "-" + sha8 + ".blob"; }
  bool operator==(const PublishedName&) const = default;
};

// Letters, digits and ._+- , 63 at most, the first a letter or digit: what needs no quoting in a file name or in
// `current`, and fits a blob's header.
bool is_publishable(std::string_view name);

// nullopt where it is no such name. One spelling each: no leading zeros, lower-case digits.
std::optional<PublishedName> parse_name(std::string_view file);

// "FILE\n", or "FILE rollback-from GENERATION\n" with a generation above FILE's: the highest ever published.
struct Current {
  PublishedName blob;
  std::optional<uint64_t> rollback_from;

  uint64_t highest() const { return rollback_from.value_or(blob.generation); }
  std::string line() const;
};
std::optional<Current> parse_current(std::string_view text);

}  // namespace tickmlp::publish
