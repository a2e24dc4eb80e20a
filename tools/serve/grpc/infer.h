// SPDX-License-Identifier: Apache-2.0
// ModelInfer's messages to and from what the engine takes. Raw contents are answered raw, typed ones typed.
#ifndef TICKMLP_SERVE_GRPC_INFER_H_
#define TICKMLP_SERVE_GRPC_INFER_H_
#include <inference.pb.h>

#include "serve/protocol/infer_request.h"

namespace tickmlp::serve {

// Fills all of *out but its id. *out is in no particular state after a refusal.
Refusal read_infer(const Shape& shape, const inference::ModelInferRequest& message, std::size_t max_states,
                   InferRequest* out);

// `outputs` [request.states][shape.outputs].
void write_infer(const Shape& shape, const InferRequest& request, const float* outputs,
                 inference::ModelInferResponse* message);

// A generation, written as a whole number. Empty: the current one.
Refusal read_version(const std::string& text, std::optional<std::uint64_t>* out);

}  // namespace tickmlp::serve
#endif
