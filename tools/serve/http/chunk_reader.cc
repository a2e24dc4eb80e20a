// SPDX-License-Identifier: Apache-2.0
#include "serve/http/chunk_reader.h"

#include <algorithm>
#include <charconv>

#include "serve/http/field_syntax.h"

namespace tickmlp::serve {
namespace {

constexpr std::size_t kMostDigits = 16;  // of a size: 64 bits

// ;name or ;name=token, any number of times: nobody sends more, and quotes are read in more than one way.
bool is_extensions(std::string_view text) {
  while (text.starts_with(';')) {
    text.remove_prefix(1);
    const std::string_view one = text.substr(0, text.find(';'));
    const std::size_t equals = one.find('=');
    if (!is_token(one.substr(0, equals))) return false;
    if (equals != std::string_view::npos && !is_token(one.substr(equals + 1))) return false;
    text.remove_prefix(one.size());
  }
  return text.empty();
}

Refusal bad_chunk(std::string what) { return {Code::bad_request, "chunked body: " + std::move(what)}; }

}  // namespace

void ChunkReader::begin(const HttpLimits& limits) {
  limits_ = &limits;
  state_ = State::size;
  left_ = 0;
  overhead_ = 0;
  body_.clear();
}

Refusal ChunkReader::read(std::string_view bytes, std::size_t* taken) {
  const std::size_t all = bytes.size();
  while (!done() && !bytes.empty()) {
    if (state_ == State::data) {
      const std::size_t part = std::min<std::uint64_t>(left_, bytes.size());
      body_.append(bytes.substr(0, part));
      bytes.remove_prefix(part);
      left_ -= part;
      if (left_ == 0) state_ = State::data_end;
      continue;
    }
    const std::size_t end = bytes.find('\n');
    const std::size_t line_bytes = end == std::string_view::npos ? bytes.size() : end + 1;
    if (overhead_ + line_bytes > limits_->chunk_overhead_bytes)
      return {Code::too_large, "chunked body: expected at most " + std::to_string(limits_->chunk_overhead_bytes) +
                                   " bytes of sizes, extensions and trailers"};
    const std::string_view line = bytes.substr(0, line_bytes);
    // What can be no line is refused at once, not when its end comes.
    if (const char* fault = fault_of_lines(line)) return bad_chunk(fault);
    if (state_ == State::data_end && line[0] != '\r') return bad_chunk("data that goes on behind its size");
    if (end == std::string_view::npos) break;
    const std::string_view content = line.substr(0, line.size() - 2);
    if (state_ == State::data_end) {
      if (!content.empty()) return bad_chunk("data that goes on behind its size");
      state_ = State::size;
    } else if (const Refusal refusal = state_ == State::size ? read_size(content) : read_trailer(content)) {
      return refusal;
    }
    overhead_ += line_bytes;
    bytes.remove_prefix(line_bytes);
  }
  *taken = all - bytes.size();
  return {};
}

Refusal ChunkReader::read_size(std::string_view line) {
  const std::size_t digits = std::min(line.find_first_not_of("0123456789abcdefABCDEF"), line.size());
  if (digits == 0 || digits > kMostDigits)
    return bad_chunk("a size of " + std::to_string(digits) + " digits: expected 1 to 16, hexadecimal");
  if (!is_extensions(line.substr(digits))) return bad_chunk("a size with something behind it that is no ;name=value");
  std::from_chars(line.data(), line.data() + digits, left_, 16);
  if (left_ > limits_->body_bytes || body_.size() + left_ > limits_->body_bytes)
    return {Code::too_large, "chunked body: " + std::to_string(left_) + " bytes behind " +
                                 std::to_string(body_.size()) + ": expected at most " +
                                 std::to_string(limits_->body_bytes) + " bytes"};
  state_ = left_ == 0 ? State::trailer : State::data;
  return {};
}

// Says nothing that is heeded; but a reader who heeds it must not be told another length or host than we were.
Refusal ChunkReader::read_trailer(std::string_view line) {
  if (line.empty()) {
    state_ = State::done;
    return {};
  }
  const std::string_view name = line.substr(0, line.find(':'));
  if (name.size() == line.size() || !is_token(name)) return bad_chunk("a trailer that is no field");
  for (const std::string_view framing : {"content-length", "transfer-encoding", "host", "connection", "expect"})
    if (same_name(name, framing)) return bad_chunk("the field " + std::string(framing) + " as a trailer");
  return {};
}

}  // namespace tickmlp::serve
