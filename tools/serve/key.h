// SPDX-License-Identifier: Apache-2.0
// A split's key out of a text, the same on every transport and in the client. Without the C++ library's code.
#ifndef TICKMLP_SERVE_KEY_H_
#define TICKMLP_SERVE_KEY_H_
#include <stddef.h>
#include <stdint.h>

namespace tickmlp::serve {

// A whole number below 2^64 is itself; any other text its 64-bit FNV-1a hash.
inline uint64_t key_of(const char* text, size_t size) {
  uint64_t number = 0, hash = 0xcbf29ce484222325;
  bool is_number = size != 0;
  for (size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    hash = (hash ^ byte) * 0x100000001b3;
    const unsigned digit = byte - unsigned{'0'};
    is_number = is_number && digit < 10 && number <= (UINT64_MAX - digit) / 10;
    if (is_number) number = number * 10 + digit;
  }
  return is_number ? number : hash;
}

}  // namespace tickmlp::serve
#endif
