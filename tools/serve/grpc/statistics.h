// SPDX-License-Identifier: Apache-2.0
// ModelStatistics' answer: the figures of GET /v2/models/stats, as messages.
#ifndef TICKMLP_SERVE_GRPC_STATISTICS_H_
#define TICKMLP_SERVE_GRPC_STATISTICS_H_
#include <optional>
#include <string>

#include "serve/grpc/grpc_server.h"
#include "serve/grpc/service.h"

namespace tickmlp::serve {

// `name` empty: of all models; `version` empty: of all versions. Reads other threads' figures, a tenth of a millisecond
// and more: not in a serving thread.
ByteBuffer statistics_bytes(const GrpcHost& host, const std::string& name, std::optional<std::uint64_t> version);

}  // namespace tickmlp::serve
#endif
