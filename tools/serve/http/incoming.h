// SPDX-License-Identifier: Apache-2.0
// A request's head as the routes see it, and the limits it had to keep.
#ifndef TICKMLP_SERVE_HTTP_INCOMING_H_
#define TICKMLP_SERVE_HTTP_INCOMING_H_
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tickmlp::serve {

struct HttpLimits {
  std::size_t header_bytes = 16384;           // request line and fields
  std::size_t body_bytes = 8 << 20;           // as it is sent, and again after it was inflated
  std::size_t chunk_overhead_bytes = 16384;   // of all chunk heads, extensions and trailers of a request together
  std::uint64_t request_ns = 10'000'000'000;  // from its first byte to its last
  std::uint64_t idle_ns = 75'000'000'000;     // between two requests
  std::size_t buffer_bytes = SIZE_MAX;        // of all connections of a serving thread, beyond 64 KiB of each
  unsigned queue_ms = 50;                     // most that an inference may have waited to be read; 0: however long
};

// The texts keep their memory from request to request.
struct Incoming {
  enum class Method { get, head, post, other };
  Method method = Method::other;
  bool http_1_0 = false;
  bool keep_alive = true;
  bool chunked = false;
  bool has_length = false;  // of its body: Content-Length, or chunks
  bool expects_continue = false;
  bool accepts_gzip = false;
  std::uint64_t content_length = 0;
  std::optional<std::uint64_t> inference_header_bytes;  // Inference-Header-Content-Length
  std::string method_text;                              // as it was sent
  std::string path, query;                              // of the target
  std::string authorization, content_encoding, traceparent;
  std::string key;  // Tickmlp-Key: what chooses a split's arm

  void clear();
};

inline std::string_view name_of(Incoming::Method method) {
  constexpr std::string_view kNames[] = {"GET", "HEAD", "POST", "other"};
  return kNames[static_cast<int>(method)];
}

}  // namespace tickmlp::serve
#endif
