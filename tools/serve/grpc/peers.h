// SPDX-License-Identifier: Apache-2.0
// How long a call waited. gRPC does not say when its bytes came, nor over which socket: so the socket is looked for
// among this process's own, by the peer's address, and the kernel is asked as it is for HTTP (TCP_INFO).
#ifndef TICKMLP_SERVE_GRPC_PEERS_H_
#define TICKMLP_SERVE_GRPC_PEERS_H_
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

namespace tickmlp::serve {

// Thread-compatible.
class Peers {
 public:
  explicit Peers(std::uint16_t port) : port_(port) {}

  // How long ago the last bytes came over the connection of `peer`, grpc::ServerContext::peer(), to a jiffy: a call
  // waited for so long at least, since later calls of the connection bring bytes too. Empty: that is not known; then,
  // and once a second at most, all sockets are looked at, 0.4 us each.
  std::optional<unsigned> waited_ms(const std::string& peer, std::uint64_t now_ns);

 private:
  void look();

  const std::uint16_t port_;  // of the server
  std::uint64_t looked_ns_ = 0;
  std::unordered_map<std::string, int> sockets_;
};

}  // namespace tickmlp::serve
#endif
