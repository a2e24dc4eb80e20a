// SPDX-License-Identifier: Apache-2.0
// The answer to an inference: JSON, or JSON with the binary outputs behind it.
#ifndef TICKMLP_SERVE_PROTOCOL_INFER_ANSWER_H_
#define TICKMLP_SERVE_PROTOCOL_INFER_ANSWER_H_
#include <cstdint>
#include <string>
#include <string_view>

#include "serve/protocol/infer_request.h"

namespace tickmlp::serve {

// Appends the answer to *body. `outputs` [request.states][shape.outputs]; `quoted_name` is the model's, as JSON.
// Numbers have the fewest digits that give the same float32 back. Returns the bytes of the JSON where binary data
// stands behind it, 0 where all is JSON.
std::size_t append_infer_answer(const Shape& shape, std::string_view quoted_name, std::uint64_t generation,
                                const InferRequest& request, const float* outputs, std::string* body);

// {"error": "..."}
std::string error_json(std::string_view message);

}  // namespace tickmlp::serve
#endif
