// SPDX-License-Identifier: Apache-2.0
#ifndef TICKMLP_BENCH_OUTPUT_FILE_H_
#define TICKMLP_BENCH_OUTPUT_FILE_H_
#include <initializer_list>
#include <string>
#include <string_view>

namespace tickmlp::bench {

// Writes the parts, one after the other, as the whole new content of `path`: a unique temporary file beside it, fsync,
// rename. Readers see the old file or the new one, never a part; on failure the old one stays and nothing else is left.
// Refuses (exit 4) a target that is there and is no regular file.
void write_atomically(const std::string& path, std::initializer_list<std::string_view> parts);

// Refuses now what would be refused after minutes of measuring: a folder that is missing or cannot be written to.
// A target that is one of the inputs (the model file, the states) is wrong usage (exit 2); empty names are passed over.
void check_target(const std::string& path, std::initializer_list<std::string> inputs);

}  // namespace tickmlp::bench
#endif
