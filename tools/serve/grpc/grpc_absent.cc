// SPDX-License-Identifier: Apache-2.0
// In place of grpc_server.cc where gRPC was not there to build with.
#include "serve/grpc/grpc_server.h"

namespace tickmlp::serve {

bool has_grpc() { return false; }

Refusal start_grpc(const GrpcOptions&, const GrpcHost&, std::unique_ptr<GrpcServer>*) {
  return {Code::internal,
          "--grpc-port: this program was built without gRPC: expected a build with -Dgrpc=enabled "
          "(scripts/bootstrap --for grpc installs what it needs)"};
}

}  // namespace tickmlp::serve
