// SPDX-License-Identifier: Apache-2.0
// TLS 1.2 and newer, by OpenSSL.
#ifndef TICKMLP_SERVE_HTTP_TLS_H_
#define TICKMLP_SERVE_HTTP_TLS_H_
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>

#include "serve/http/connection.h"

namespace boost::asio::ssl {
class context;
}

namespace tickmlp::serve {

struct TlsOptions {
  std::string certificate, key;  // PEM files: the chain, the server's own first; its private key. Empty: no TLS
};

std::shared_ptr<Connection> plain_connection(boost::asio::ip::tcp::socket socket, Host& host);

class TlsContext {
 public:
  // Throws std::runtime_error, one line that says which file and why.
  explicit TlsContext(const TlsOptions& options);
  ~TlsContext();
  // The context outlives it.
  std::shared_ptr<Connection> connection(boost::asio::ip::tcp::socket socket, Host& host);

 private:
  std::unique_ptr<boost::asio::ssl::context> context_;
};

}  // namespace tickmlp::serve
#endif
