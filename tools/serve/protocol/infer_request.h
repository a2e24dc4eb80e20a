// SPDX-License-Identifier: Apache-2.0
// What an inference request of the Open Inference Protocol asks for, whichever way it came: JSON, JSON with binary
// tensors behind it, or the tensor's bytes alone.
#ifndef TICKMLP_SERVE_PROTOCOL_INFER_REQUEST_H_
#define TICKMLP_SERVE_PROTOCOL_INFER_REQUEST_H_
#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "serve/refusal.h"
#include "serve/repository/served.h"

namespace tickmlp::serve {

inline constexpr std::string_view kInputName = "input";  // of the one tensor that every model takes, [-1, inputs]
inline constexpr std::size_t kJsonDepth = 16;            // the deepest request of the protocol needs 6
inline constexpr std::size_t kBodyPadding = simdjson::SIMDJSON_PADDING;

struct WantedOutput {
  std::uint32_t head;
  bool binary;
};

struct InferRequest {
  std::string id;                     // as JSON, with its quotes; empty: none was given
  std::size_t states = 0;             //
  std::vector<float> inputs;          // [states][shape.inputs]
  std::vector<WantedOutput> outputs;  // in the order asked for; all heads in theirs where nothing is asked
};

// Thread-compatible; keeps its memory between requests, so that after a few it allocates no more.
class InferRequestReader {
 public:
  explicit InferRequestReader(std::size_t max_states) : max_states_(max_states) {}

  // `body` must have kBodyPadding readable bytes behind its end. `json_bytes` is the header
  // Inference-Header-Content-Length: absent, the body is JSON; 0, it is the tensor; else so many bytes are JSON and the
  // rest binary data. *out is in no particular state after a refusal.
  Refusal read(const Shape& shape, std::string_view body, std::optional<std::size_t> json_bytes, InferRequest* out);

 private:
  Refusal read_raw(const Shape& shape, std::string_view body, InferRequest* out) const;
  simdjson::error_code parse(std::string_view json, simdjson::dom::element* document);
  Refusal read_json(const Shape& shape, std::string_view json, std::string_view binary, InferRequest* out);
  Refusal read_input(const Shape& shape, simdjson::dom::object input, std::string_view binary, InferRequest* out) const;
  Refusal check_states(std::uint64_t states) const;

  const std::size_t max_states_;
  simdjson::dom::parser parser_;
};

}  // namespace tickmlp::serve
#endif
