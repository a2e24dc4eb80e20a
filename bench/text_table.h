// SPDX-License-Identifier: Apache-2.0
// Small helpers for text that people read.
#ifndef TICKMLP_BENCH_TEXT_TABLE_H_
#define TICKMLP_BENCH_TEXT_TABLE_H_
#include <cstdint>
#include <string>
#include <vector>

namespace tickmlp::bench {

std::string with_commas(std::uint64_t number);               // 94,208
std::string fixed_point(double number, int decimals);        // 1.03
std::string with_commas_fixed(double number, int decimals);  // 94,208.5; not for negative numbers
std::string describe_ns(double ns);                          // 250 ns, 1.5 us, 3 ms
std::string wrapped(const std::string& text, std::size_t indent, std::size_t width = 100);

// Columns as wide as their longest cell, two blanks between; aligned to the right from column `first_right` on.
std::string columns(const std::vector<std::vector<std::string>>& rows, std::size_t indent, std::size_t first_right);

}  // namespace tickmlp::bench
#endif
