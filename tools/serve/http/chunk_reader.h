// SPDX-License-Identifier: Apache-2.0
// A chunked body, read as it comes, and by nothing but the letter of RFC 9112 7.1.
#ifndef TICKMLP_SERVE_HTTP_CHUNK_READER_H_
#define TICKMLP_SERVE_HTTP_CHUNK_READER_H_
#include <cstdint>
#include <string>
#include <string_view>

#include "serve/http/incoming.h"
#include "serve/refusal.h"

namespace tickmlp::serve {

// Our own, not Beast's: Beast 1.74 takes sizes that overflow and keeps up to 64 MiB of extensions or trailers in the
// caller's buffer, and does not show the size's digits to whoever wants to be stricter.
class ChunkReader {
 public:
  void begin(const HttpLimits& limits);

  // Takes from `bytes` what it can; *taken says how much. What is left over, less than a line, is to be given again
  // with what follows it. Refused: bad_request, too_large (the body; or all sizes, extensions and trailers together).
  Refusal read(std::string_view bytes, std::size_t* taken);
  bool done() const { return state_ == State::done; }
  std::string& body() { return body_; }

 private:
  enum class State { size, data, data_end, trailer, done };
  Refusal read_size(std::string_view line);
  Refusal read_trailer(std::string_view line);

  const HttpLimits* limits_ = nullptr;
  State state_ = State::size;
  std::uint64_t left_ = 0;    // of this chunk's data
  std::size_t overhead_ = 0;  // what was taken and is no data
  std::string body_;
};

}  // namespace tickmlp::serve
#endif
