// SPDX-License-Identifier: Apache-2.0
#include "serve/protocol/compression.h"

#include <new>

#include "serve/protocol/infer_request.h"

namespace tickmlp::serve {
namespace {

constexpr int kGzipOrZlib = 15 + 32;  // window bits as zlib wants them: the largest window, the header says which
constexpr int kGzip = 15 + 16;
constexpr std::size_t kStep = 16384;

Bytef* bytes_of(std::string_view text) { return reinterpret_cast<Bytef*>(const_cast<char*>(text.data())); }

}  // namespace

Inflater::~Inflater() {
  if (made_) inflateEnd(&stream_);
}

Refusal Inflater::inflate(std::string_view encoding, std::string_view body, std::size_t limit, std::string* out) {
  if (encoding != "gzip" && encoding != "x-gzip" && encoding != "deflate")
    return {Code::unsupported_type, "Content-Encoding " + quote(encoding) + ": expected gzip, deflate or none"};
  if ((made_ ? inflateReset(&stream_) : inflateInit2(&stream_, kGzipOrZlib)) != Z_OK) throw std::bad_alloc();
  made_ = true;
  stream_.next_in = bytes_of(body);
  stream_.avail_in = static_cast<uInt>(body.size());
  out->clear();
  for (int status = Z_OK; status != Z_STREAM_END;) {
    const std::size_t before = out->size();
    out->resize(before + kStep);
    stream_.next_out = reinterpret_cast<Bytef*>(out->data() + before);
    stream_.avail_out = kStep;
    status = ::inflate(&stream_, Z_NO_FLUSH);
    out->resize(before + kStep - stream_.avail_out);
    if (out->size() > limit)
      return {Code::too_large,
              "body: inflated, more than " + std::to_string(limit) + " bytes: expected at most so many"};
    if (status != Z_OK && status != Z_STREAM_END)
      return {Code::bad_request, "body: damaged or cut off: expected " + std::string(encoding) + " data"};
  }
  if (stream_.avail_in != 0) return {Code::bad_request, "body: bytes behind the end of the compressed data"};
  out->reserve(out->size() + kBodyPadding);
  return {};
}

Deflater::~Deflater() {
  if (made_) deflateEnd(&stream_);
}

bool Deflater::gzip(std::string* body) {
  // The fastest level: an answer is sent once.
  if ((made_ ? deflateReset(&stream_) : deflateInit2(&stream_, 1, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY)) != Z_OK)
    throw std::bad_alloc();
  made_ = true;
  packed_.resize(body->size());
  stream_.next_in = bytes_of(*body);
  stream_.avail_in = static_cast<uInt>(body->size());
  stream_.next_out = reinterpret_cast<Bytef*>(packed_.data());
  stream_.avail_out = static_cast<uInt>(packed_.size());
  if (deflate(&stream_, Z_FINISH) != Z_STREAM_END) return false;
  packed_.resize(packed_.size() - stream_.avail_out);
  body->swap(packed_);
  return true;
}

}  // namespace tickmlp::serve
