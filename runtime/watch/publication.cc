// SPDX-License-Identifier: Apache-2.0
#include "watch/publication.h"

#include <cstring>

#include "error.h"

namespace tickmlp::watch {
namespace {

using Number = unsigned long long;  // for printf

// Bytes as they can stand in a sentence: what is not printable ASCII is '?', what is too long ends in "...".
struct Shown {
  char text[104];
  Shown(const char* bytes, size_t count) {
    const size_t kept = count < sizeof text - 4 ? count : sizeof text - 4;
    for (size_t i = 0; i < kept; ++i) text[i] = bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '?';
    std::strcpy(text + kept, kept < count ? "..." : "");
  }
};

struct Text {
  const char* begin;
  const char* end;
  size_t size() const { return static_cast<size_t>(end - begin); }
  bool starts_with(const char* word) const {
    return size() >= std::strlen(word) && std::memcmp(begin, word, std::strlen(word)) == 0;
  }
};

// Takes what follows the last '-' off the end of `text`; false where there is no '-'.
bool take_last_part(Text* text, Text* part) {
  const char* at = text->end;
  while (at != text->begin && at[-1] != '-') --at;
  if (at == text->begin) return false;
  *part = {at, text->end};
  text->end = at - 1;
  return true;
}

bool read_number(Text text, uint64_t* out) {
  if (text.size() == 0 || (text.size() > 1 && *text.begin == '0')) return false;
  uint64_t value = 0;
  for (const char* c = text.begin; c != text.end; ++c) {
    const auto digit = static_cast<unsigned>(*c - '0');
    if (digit > 9 || __builtin_mul_overflow(value, uint64_t{10}, &value) ||
        __builtin_add_overflow(value, uint64_t{digit}, &value))
      return false;
  }
  *out = value;
  return true;
}

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool is_sha8(Text text) {
  if (text.size() != 8) return false;
  for (const char* c = text.begin; c != text.end; ++c)
    if (!(*c >= '0' && *c <= '9') && !(*c >= 'a' && *c <= 'f')) return false;
  return true;
}

void copy(Text text, char* out) {
  std::memcpy(out, text.begin, text.size());
  out[text.size()] = 0;
}

}  // namespace

bool is_published_name(const char* name, size_t bytes) {
  if (bytes == 0 || bytes >= sizeof Publication::name || !is_letter_or_digit(*name)) return false;
  for (const char* c = name; c != name + bytes; ++c)
    if (!is_letter_or_digit(*c) && *c != '.' && *c != '_' && *c != '+' && *c != '-') return false;
  return true;
}

// A name may have '-' in it, so it is read from the end.
bool read_published_file(const char* name, size_t bytes, Publication* out) {
  const Text file = {name, name + bytes};
  constexpr char kEnding[] = ".blob";
  constexpr size_t kEndingBytes = sizeof kEnding - 1;
  if (file.size() < kEndingBytes || std::memcmp(file.end - kEndingBytes, kEnding, kEndingBytes) != 0) return false;
  Text rest = {file.begin, file.end - kEndingBytes}, sha8, generation;
  if (!take_last_part(&rest, &sha8) || !take_last_part(&rest, &generation)) return false;
  uint64_t number = 0;
  if (!is_sha8(sha8) || !read_number(generation, &number) || !is_published_name(rest.begin, rest.size())) return false;
  *out = {};
  out->generation = number;
  copy(sha8, out->sha8);
  copy(rest, out->name);
  copy(file, out->file);  // 98 bytes at most: each of its parts is bounded
  return true;
}

tickmlp_status read_publication(const char* text, size_t bytes, Publication* out, tickmlp_error* error) {
  constexpr char kRollback[] = " rollback-from ";
  const Shown shown(text, bytes != 0 && text[bytes - 1] == '\n' ? bytes - 1 : bytes);
  const auto* line_end = static_cast<const char*>(std::memchr(text, '\n', bytes));
  if (line_end == nullptr || line_end + 1 != text + bytes)
    return fail(error, TICKMLP_BAD_PUBLICATION, "current is \"%s\"; expected one line and a newline at its end",
                shown.text);
  const auto* space = static_cast<const char*>(std::memchr(text, ' ', bytes));
  Publication seen = {};
  if (!read_published_file(text, static_cast<size_t>((space != nullptr ? space : line_end) - text), &seen))
    return fail(error, TICKMLP_BAD_PUBLICATION, "current is \"%s\"; expected NAME-GENERATION-SHA8.blob", shown.text);
  if (space != nullptr) {
    const Text rest = {space, line_end};
    seen.rollback = rest.starts_with(kRollback);
    if (!seen.rollback || !read_number({space + sizeof kRollback - 1, line_end}, &seen.rollback_from))
      return fail(error, TICKMLP_BAD_PUBLICATION,
                  "current is \"%s\"; expected nothing or \"rollback-from GENERATION\" after the file", shown.text);
    if (seen.rollback_from <= seen.generation)
      return fail(error, TICKMLP_BAD_PUBLICATION,
                  "current asks for a rollback from %llu to %llu; expected an older one",
                  static_cast<Number>(seen.rollback_from), static_cast<Number>(seen.generation));
  }
  *out = seen;
  return TICKMLP_OK;
}

tickmlp_status check_least(const Publication& next, const GenerationRule& rule, tickmlp_error* error) {
  if (next.generation >= rule.least) return TICKMLP_OK;
  return fail(error, TICKMLP_OLD_GENERATION, "generation %llu is published; expected %llu or above, as the host asks",
              static_cast<Number>(next.generation), static_cast<Number>(rule.least));
}

tickmlp_status check_generation(const Publication& next, uint64_t running, const GenerationRule& rule, bool* back,
                                tickmlp_error* error) {
  const auto generation = static_cast<Number>(next.generation), now = static_cast<Number>(running);
  *back = false;
  if (auto s = check_least(next, rule, error)) return s;
  if (next.generation > running) return TICKMLP_OK;
  if (!next.rollback)
    return fail(error, TICKMLP_OLD_GENERATION,
                "generation %llu is published while %llu is running; expected a higher one, or rollback-from %llu",
                generation, now, now);
  if (rule.forbid_rollback)
    return fail(error, TICKMLP_OLD_GENERATION, "a rollback from %llu to %llu; the host forbids rollbacks",
                static_cast<Number>(next.rollback_from), generation);
  if (next.generation == running || next.rollback_from < running)
    return fail(error, TICKMLP_OLD_GENERATION, "a rollback from %llu to %llu while %llu is running; expected from %llu",
                static_cast<Number>(next.rollback_from), generation, now, now);
  *back = true;
  return TICKMLP_OK;
}

}  // namespace tickmlp::watch
