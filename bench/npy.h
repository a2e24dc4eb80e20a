// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy files, only what states and outputs need: little-endian float32, C order, one row a state.
// Our own because Debian's cnpy is unkept and aborts the process on a malformed header, and xtensor's reader does not
// notice a truncated file; a certificate must refuse both by name.
#ifndef TICKMLP_BENCH_NPY_H_
#define TICKMLP_BENCH_NPY_H_
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tickmlp::bench {

struct Matrix {
  std::uint64_t rows = 0, columns = 0;
  std::vector<float> values;  // row-major
};

// Checks `file` (the bytes of a whole .npy file) and takes its values. Throws Failure (exit 4) that names the check,
// what was seen and what was expected; `name` says which file it is. Versions 1 and 2 of the format.
// `columns` 0 takes any number.
Matrix parse_npy(std::string_view file, std::uint64_t columns, const std::string& name);

// The same, from a regular file.
Matrix read_npy(const std::string& path, std::uint64_t columns);

// The header that numpy.load expects before rows * columns floats.
std::string npy_header(std::uint64_t rows, std::uint64_t columns);

}  // namespace tickmlp::bench
#endif
