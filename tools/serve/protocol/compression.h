// SPDX-License-Identifier: Apache-2.0
// Bodies that come or go compressed (zlib).
#ifndef TICKMLP_SERVE_PROTOCOL_COMPRESSION_H_
#define TICKMLP_SERVE_PROTOCOL_COMPRESSION_H_
#include <zlib.h>

#include <string>
#include <string_view>

#include "serve/refusal.h"

namespace tickmlp::serve {

// Thread-compatible; keeps its memory (40 KB) from the first use on.
class Inflater {
 public:
  ~Inflater();
  // `encoding`: gzip, x-gzip or deflate, as Content-Encoding has it. *out gets the body, with kBodyPadding bytes of
  // room behind it. Refused: unsupported_type, bad_request (damaged, or bytes behind its end), too_large (more than
  // `limit`, whatever it would still become: a bomb is not unfolded).
  Refusal inflate(std::string_view encoding, std::string_view body, std::size_t limit, std::string* out);

 private:
  z_stream stream_{};
  bool made_ = false;
};

// Thread-compatible; keeps its memory (260 KB) from the first use on.
class Deflater {
 public:
  ~Deflater();
  // Replaces *body by its gzip form; false, and as it was, where that is not shorter.
  bool gzip(std::string* body);

 private:
  z_stream stream_{};
  bool made_ = false;
  std::string packed_;
};

}  // namespace tickmlp::serve
#endif
