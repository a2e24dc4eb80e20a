// SPDX-License-Identifier: Apache-2.0
#include "serve/grpc/peers.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>
#include <memory>

namespace tickmlp::serve {
namespace {

constexpr std::uint64_t kLookNs = 1'000'000'000;

// An IPv4 address that came over an IPv6 socket, as what it is.
sockaddr_in unmapped(const sockaddr_in6& mapped) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = mapped.sin6_port;
  std::memcpy(&out.sin_addr, mapped.sin6_addr.s6_addr + 12, sizeof out.sin_addr);
  return out;
}

// As gRPC writes it: ipv4:127.0.0.1:50000, ipv6:%5B::1%5D:50000. Empty: no TCP.
std::string text_of(const sockaddr_storage& address) {
  char host[INET6_ADDRSTRLEN];
  if (address.ss_family == AF_INET6) {
    const auto& six = reinterpret_cast<const sockaddr_in6&>(address);
    if (!IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) {
      inet_ntop(AF_INET6, &six.sin6_addr, host, sizeof host);
      return std::string("ipv6:%5B") + host + "%5D:" + std::to_string(ntohs(six.sin6_port));
    }
    sockaddr_storage four{};
    reinterpret_cast<sockaddr_in&>(four) = unmapped(six);
    return text_of(four);
  }
  if (address.ss_family != AF_INET) return {};
  const auto& four = reinterpret_cast<const sockaddr_in&>(address);
  inet_ntop(AF_INET, &four.sin_addr, host, sizeof host);
  return std::string("ipv4:") + host + ":" + std::to_string(ntohs(four.sin_port));
}

std::uint16_t port_of(const sockaddr_storage& address) {
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

// Who is at a socket's other end; empty where it is none, or not connected to this port of ours.
std::string peer_of(int socket, std::uint16_t port) {
  sockaddr_storage own{}, other{};
  socklen_t size = sizeof own;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&own), &size) != 0) return {};
  if ((own.ss_family != AF_INET && own.ss_family != AF_INET6) || port_of(own) != port) return {};
  size = sizeof other;
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&other), &size) != 0) return {};
  return text_of(other);
}

}  // namespace

void Peers::look() {
  sockets_.clear();
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), closedir);
  if (folder == nullptr) return;
  while (const dirent* entry = readdir(folder.get())) {
    const int socket = std::atoi(entry->d_name);
    if (std::string peer = peer_of(socket, port_); !peer.empty()) sockets_.emplace(std::move(peer), socket);
  }
}

std::optional<unsigned> Peers::waited_ms(const std::string& peer, std::uint64_t now_ns) {
  auto place = sockets_.find(peer);
  // gRPC may have closed it, and the number be another's: in the instant after this look too, which would cost one
  // call a wrong refusal or a late answer.
  if (place != sockets_.end() && peer_of(place->second, port_) != peer) place = sockets_.end();
  if (place == sockets_.end()) {
    if (now_ns - looked_ns_ < kLookNs) return {};
    looked_ns_ = now_ns;
    look();
    place = sockets_.find(peer);
    if (place == sockets_.end()) return {};
  }
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(place->second, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  return info.tcpi_last_data_recv;
}

}  // namespace tickmlp::serve
