// SPDX-License-Identifier: Apache-2.0
#ifndef TICKMLP_SERVE_AUTHORITY_H_
#define TICKMLP_SERVE_AUTHORITY_H_
#include <cstdint>
#include <string>

namespace tickmlp::serve {

// HOST:PORT as it stands in a URL: an IPv6 address in brackets.
inline std::string authority(const std::string& host, std::uint16_t port) {
  const bool has_colons = host.find(':') != std::string::npos;
  return (has_colons ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace tickmlp::serve
#endif
