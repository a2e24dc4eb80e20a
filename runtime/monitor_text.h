// SPDX-License-Identifier: Apache-2.0
// Text into a buffer of the caller: what both forms of a snapshot are written with. Numbers are made from integers,
// since printf's decimals follow the host's locale.
#pragma once

#include "tickmlp.h"

namespace tickmlp {

// Counts everything, keeps what fits.
class Text {
 public:
  Text(char* buffer, size_t capacity) : buffer_(buffer), capacity_(buffer == nullptr ? 0 : capacity) {}
  void put(const char* text);
  void put(char character);
  void put(uint64_t number);
  // Nanoseconds as seconds, without zeros at the end: 0.0000015.
  void put_seconds(uint64_t ns) { put_seconds(tickmlp_uint128{ns}); }
  void put_seconds(tickmlp_uint128 ns);
  // In double quotes. JSON and Prometheus label values agree on \\, \" and \n. Other control characters are \u00XX in
  // JSON and themselves in Prometheus; bytes that are no UTF-8 become U+FFFD. nullptr is empty.
  enum class Quoting { kPrometheus, kJson };
  void put_quoted(const char* text, Quoting quoting);
  void put_hexadecimal(const uint8_t* bytes, size_t count);
  // Bytes of the text without its NUL. What did not fit leaves an empty buffer.
  size_t finish();

 private:
  char* buffer_;
  size_t capacity_, size_ = 0;
};

// Nothing that the texts need is NULL.
bool is_complete(const tickmlp_monitor* monitor);

// A difference of outputs in billionths, which put_seconds() writes as a decimal; a billion and more is a billion.
inline uint64_t billionths(double difference) {
  return difference < 1e9 ? static_cast<uint64_t>(difference * 1e9 + 0.5) : UINT64_C(1'000'000'000'000'000'000);
}

// The figures of a recorder that enough samples stand behind: p99 needs 100, p99.9 1,000.
struct Figure {
  const char* name;  // in JSON: "p99_ns"
  uint64_t numerator, denominator;
};
inline constexpr Figure kFigures[] = {{"p50_ns", 1, 2}, {"p99_ns", 99, 100}, {"p99_9_ns", 999, 1000}};
inline bool has_figure(const tickmlp_recorder& recorder, const Figure& figure) {
  return recorder.count != 0 && recorder.count >= figure.denominator;
}

}  // namespace tickmlp
