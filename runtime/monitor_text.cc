// SPDX-License-Identifier: Apache-2.0
#include "monitor_text.h"

namespace tickmlp {
namespace {

// Bytes of the UTF-8 sequence that starts here, 0 where there is none.
size_t sequence_length(const char* text) {
  const auto byte = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  if (byte(0) < 0x80) return 1;
  const size_t length = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  if (byte(0) < 0xC2 || byte(0) > 0xF4) return 0;
  for (size_t i = 1; i < length; ++i)  // a NUL is no continuation: never read beyond it
    if ((byte(i) & 0xC0) != 0x80) return 0;
  const bool overlong = (byte(0) == 0xE0 && byte(1) < 0xA0) || (byte(0) == 0xF0 && byte(1) < 0x90);
  const bool outside = (byte(0) == 0xED && byte(1) > 0x9F) || (byte(0) == 0xF4 && byte(1) > 0x8F);
  return overlong || outside ? 0 : length;
}

constexpr char kDigits[] = "0123456789abcdef";

}  // namespace

void Text::put(char character) {
  if (size_ < capacity_) buffer_[size_] = character;
  size_ += 1;
}

void Text::put(const char* text) {
  for (; *text != 0; ++text) put(*text);
}

void Text::put(uint64_t number) {
  char digits[20];
  size_t count = 0;
  do digits[count++] = static_cast<char>('0' + number % 10);
  while ((number /= 10) != 0);
  while (count != 0) put(digits[--count]);
}

void Text::put_seconds(tickmlp_uint128 ns) {
  constexpr uint64_t kSecond = 1'000'000'000;
  put(static_cast<uint64_t>(ns / kSecond));
  auto rest = static_cast<uint64_t>(ns % kSecond);
  if (rest == 0) return;
  put('.');
  for (uint64_t place = kSecond / 10; rest != 0; place /= 10) {
    put(static_cast<char>('0' + rest / place));
    rest %= place;
  }
}

void Text::put_quoted(const char* text, Quoting quoting) {
  put('"');
  for (size_t length; text != nullptr && *text != 0; text += length == 0 ? 1 : length) {
    length = sequence_length(text);
    const auto byte = static_cast<uint8_t>(*text);
    if (length == 0) put("\xEF\xBF\xBD");
    else if (*text == '\n') put("\\n");
    else if (quoting == Quoting::kJson && byte < 0x20) {
      put("\\u00");
      put_hexadecimal(&byte, 1);
    } else {
      if (*text == '\\' || *text == '"') put('\\');
      for (size_t i = 0; i < length; ++i) put(text[i]);
    }
  }
  put('"');
}

void Text::put_hexadecimal(const uint8_t* bytes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    put(kDigits[bytes[i] >> 4]);
    put(kDigits[bytes[i] & 15]);
  }
}

size_t Text::finish() {
  if (capacity_ != 0) buffer_[size_ < capacity_ ? size_ : 0] = 0;
  return size_;
}

}  // namespace tickmlp
