// SPDX-License-Identifier: Apache-2.0
#ifndef TICKMLP_BENCH_INPUT_FILE_H_
#define TICKMLP_BENCH_INPUT_FILE_H_
#include <cstdint>
#include <string>

namespace tickmlp::bench {

inline constexpr std::uint64_t kLargestText = 256 << 20;  // beyond it somebody named the wrong file

// The whole of a regular file. Refuses (exit 4), by name, what cannot be read, is no regular file, or is larger than
// `most_bytes`.
std::string read_file(const std::string& path, std::uint64_t most_bytes = kLargestText);

// Whether something is there under that name.
bool file_exists(const std::string& path);

}  // namespace tickmlp::bench
#endif
