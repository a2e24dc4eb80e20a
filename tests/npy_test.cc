// SPDX-License-Identifier: Apache-2.0
// The .npy reader: what numpy writes is read, everything else refused by name.
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "cli.h"
#include "npy.h"

namespace {

using tickmlp::bench::Failure;
using tickmlp::bench::Matrix;
using tickmlp::bench::npy_header;
using tickmlp::bench::parse_npy;

// A file with any header text, padded as numpy pads it.
std::string file_with(std::string dictionary, std::size_t value_bytes, char version = 1) {
  const std::size_t prefix = version == 1 ? 10 : 12;
  while ((prefix + dictionary.size() + 1) % 64 != 0) dictionary += ' ';
  dictionary += '\n';
  std::string file("\x93NUMPY", 6);
  file += version;
  file += '\0';
  for (std::size_t i = 0; i < prefix - 8; ++i) file += static_cast<char>(dictionary.size() >> (8 * i) & 0xFF);
  return file + dictionary + std::string(value_bytes, '\0');
}

std::string shaped(const std::string& shape, std::size_t value_bytes, const std::string& type = "<f4",
                   const std::string& fortran = "False", char version = 1) {
  return file_with("{'descr': '" + type + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }", value_bytes,
                   version);
}

std::string refusal(const std::string& file, std::uint64_t columns = 3) {
  try {
    parse_npy(file, columns, "states.npy");
  } catch (const Failure& failure) {
    CHECK_EQ(failure.exit_code, 4);
    CHECK_EQ(failure.message.find("states.npy: "), 0);
    return failure.message;
  }
  return "taken";
}

void check_refused(const std::string& file, const std::string& seen, const std::string& expected) {
  const std::string message = refusal(file);
  CAPTURE(message);
  CHECK_NE(message.find(seen), std::string::npos);
  CHECK_NE(message.find(expected), std::string::npos);
}

}  // namespace

TEST_CASE("what is written is read back, values bit for bit") {
  const std::vector<float> values{0.0f, -0.0f, 1.5f, -3.25e-40f, 1e30f, 7.0f};
  std::string file = npy_header(2, 3);
  CHECK_EQ(file.size() % 64, 0);
  file.append(reinterpret_cast<const char*>(values.data()), 24);
  const Matrix matrix = parse_npy(file, 3, "states.npy");
  CHECK_EQ(matrix.rows, 2);
  CHECK_EQ(matrix.columns, 3);
  CHECK_EQ(std::memcmp(matrix.values.data(), values.data(), 24), 0);
  CHECK_EQ(parse_npy(file, 0, "states.npy").columns, 3);  // any width
}

TEST_CASE("both header versions, any key order and spacing") {
  CHECK_EQ(parse_npy(shaped("(2, 3)", 24, "<f4", "False", 2), 3, "x").rows, 2);
  CHECK_EQ(parse_npy(file_with("{\"shape\":(2,3),\"fortran_order\":False,\"descr\":\"<f4\"}", 24), 3, "x").rows, 2);
  CHECK_EQ(parse_npy(file_with("{'shape': (2, 3, ), 'descr': '<f4', 'fortran_order': False, }", 24), 3, "x").rows, 2);
}

TEST_CASE("wrong arrays are refused with what was seen and what was expected") {
  check_refused(shaped("(2, 3)", 48, "<f8"), "'<f8' (float64)", "'<f4'");
  check_refused(shaped("(2, 3)", 24, ">f4"), "big-endian", "'<f4'");
  check_refused(shaped("(2, 3)", 12, "<f2"), "float16", "'<f4'");
  check_refused(shaped("(2, 3)", 24, "|O"), "'|O'", "'<f4'");
  check_refused(file_with("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,), }", 24), "structure",
                "'<f4'");
  check_refused(shaped("(2, 3)", 24, "<f4", "True"), "Fortran order", "C order");
  check_refused(shaped("(2, 4)", 32), "(2, 4)", "(states, 3)");
  check_refused(shaped("(6,)", 24), "(6,)", "(states, 3)");
  check_refused(shaped("(1, 2, 3)", 24), "(1, 2, 3)", "(states, 3)");
  check_refused(shaped("()", 4), "()", "(states, 3)");
  check_refused(shaped("(0, 3)", 0), "no states", "at least one");
  check_refused(shaped("(6148914691236517205, 3)", 24), "too large", "(6148914691236517205, 3)");
  check_refused(shaped("(99999999999999999999, 3)", 24), "99999999999999999999", "expected a dimension");
  check_refused(shaped("(-2, 3)", 24), "-2", "expected a dimension");
}

TEST_CASE("sizes are exact") {
  check_refused(shaped("(2, 3)", 23), "23 bytes", "exactly 24");
  check_refused(shaped("(2, 3)", 0), "truncated", "exactly 24");
  check_refused(shaped("(2, 3)", 25), "trailing", "exactly 24");
}

TEST_CASE("every truncation and every garbled header byte is refused or harmless, never a crash") {
  const std::string good = shaped("(2, 3)", 24);
  for (std::size_t length = 0; length < good.size(); ++length) REQUIRE_NE(refusal(good.substr(0, length)), "taken");
  for (std::size_t at = 0; at < good.size() - 24; ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string garbled = good;
      garbled[at] = static_cast<char>(value);
      const std::string message = refusal(garbled);
      if (message == "taken" && garbled != good) {  // only blanks may stand in for one another
        const bool blank = good[at] == ' ' || good[at] == '\n';
        REQUIRE((blank || good[at] == '\'' || good[at] == ','));
      }
    }
  }
}

TEST_CASE("other things are named") {
  check_refused("", "0 bytes", "NUMPY");
  check_refused("PK\x03\x04 a zip archive, which is what .npz is", "not a .npy file", "NUMPY");
  check_refused(file_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 24, 3), "version 3.0",
                "1.0 or 2.0");
  check_refused(file_with("{'descr': '<f4', 'fortran_order': False, }", 24), "missing", "shape");
  check_refused(file_with("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 24),
                "repeated", "descr");
  check_refused(file_with("{'evil': '<f4', }", 24), "unknown", "evil");
  check_refused(file_with("print('hello')", 24), "malformed", "expected '{'");
}
