// SPDX-License-Identifier: Apache-2.0
// A connection over a socket, and one over TLS.
#include <netinet/tcp.h>
#include <openssl/err.h>

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <stdexcept>

#include "serve/http/tls.h"

namespace tickmlp::serve {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

template <typename Stream>
class StreamConnection : public Connection {
 public:
  template <typename... Arguments>
  explicit StreamConnection(Host& host, Arguments&&... arguments)
      : Connection(host), stream_(std::forward<Arguments>(arguments)...) {}

  // The kernel keeps it for every socket, to a jiffy (1 to 4 ms); asking takes 0.3 us.
  std::optional<unsigned> waited_ms() const override {
    tcp_info info{};
    socklen_t size = sizeof info;
    const int socket = const_cast<tcp::socket&>(lowest()).native_handle();
    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
    return info.tcpi_last_data_recv;
  }

 protected:
  void close_stream() override {
    error_code ignored;
    lowest().shutdown(tcp::socket::shutdown_both, ignored);
    lowest().close(ignored);
  }

  tcp::socket& lowest() { return static_cast<tcp::socket&>(stream_.lowest_layer()); }
  const tcp::socket& lowest() const { return static_cast<const tcp::socket&>(stream_.lowest_layer()); }
  std::shared_ptr<StreamConnection> self() { return std::static_pointer_cast<StreamConnection>(shared_from_this()); }

  void receive() override {
    if (!lowest().is_open()) return;
    receiving_ = true;
    const std::span<char> into = room();
    stream_.async_read_some(asio::buffer(into.data(), into.size()),
                            [self = self()](error_code error, std::size_t bytes) {
                              self->receiving_ = false;
                              if (error) return self->close();
                              self->host_.meter.receiving();  // decrypted already: only the turn begins here
                              self->host_.meter.received();
                              self->guarded([&] { self->received(bytes); });
                            });
  }

  void send() override {
    host_.meter.sending();
    host_.meter.sent();
    send_rest();
  }

  void send_rest() {
    asio::async_write(stream_, asio::buffer(out_), [self = self()](error_code error, std::size_t) {
      if (error) return self->close();
      self->guarded([&] { self->sent(); });
    });
  }

  void end_sending() override {
    error_code error;
    lowest().shutdown(tcp::socket::shutdown_send, error);
    if (error) return close();
    if (!receiving_) receive();
  }

  void run_soon() override {
    asio::post(stream_.get_executor(), [self = self()] { self->guarded([&] { self->advance(); }); });
  }

  Stream stream_;
};

class PlainConnection final : public StreamConnection<tcp::socket> {
 public:
  using StreamConnection::StreamConnection;

 private:
  // Its own recv, so that it can be timed. The wait arms epoll anew: an epoll_ctl a request, beside recv and send, of
  // 330 ns. async_read_some saves it and tries a recv first in its place, 334 ns, which as a rule finds nothing.
  void receive() override {
    if (!stream_.is_open()) return;
    receiving_ = true;
    stream_.async_wait(tcp::socket::wait_read, [self = this->self(), this](error_code error) {
      receiving_ = false;
      if (error) return close();
      guarded([&] { take(); });
    });
  }

  void take() {
    error_code error;
    const std::span<char> into = room();
    host_.meter.receiving();
    const std::size_t bytes = stream_.read_some(asio::buffer(into.data(), into.size()), error);
    if (error == asio::error::would_block) return receive();
    if (error) return close();
    host_.meter.received();
    received(bytes);
  }

  // The first attempt costs one system call and nothing else; almost always it takes all.
  void send() override {
    error_code error;
    host_.meter.sending();
    const std::size_t bytes = stream_.write_some(asio::buffer(out_), error);
    host_.meter.sent();
    if (error && error != asio::error::would_block) return close();
    if (bytes == out_.size()) return sent();
    out_.erase(0, bytes);
    send_rest();
  }
};

class TlsConnection final : public StreamConnection<asio::ssl::stream<tcp::socket>> {
 public:
  using StreamConnection::StreamConnection;

  void start() override {
    handshaking_ = true;
    stream_.async_handshake(asio::ssl::stream_base::server, [self = this->self(), this](error_code error) {
      if (error) return close();
      handshaking_ = false;
      guarded([&] { receive(); });
    });
  }

 private:
  // The client is told inside TLS too, so that a cut is no end. Of one that sends on meanwhile OpenSSL does not wait
  // for the end, and reads nothing more; what it sends is thrown away below TLS, until it has seen the answer or
  // check_time() closes.
  void end_sending() override {
    stream_.async_shutdown([self = this->self(), this](error_code error) {
      if (!error) return close();
      lowest().shutdown(tcp::socket::shutdown_send, error);
      if (error) return close();
      if (!receiving_) guarded([&] { discard(); });
    });
  }

  void discard() {
    const std::span<char> into = room();
    lowest().async_read_some(asio::buffer(into.data(), into.size()),
                             [self = this->self(), this](error_code error, auto) {
                               if (error) return close();
                               guarded([&] { discard(); });
                             });
  }
};

}  // namespace

std::shared_ptr<Connection> plain_connection(tcp::socket socket, Host& host) {
  return std::make_shared<PlainConnection>(host, std::move(socket));
}

TlsContext::TlsContext(const TlsOptions& options)
    : context_(std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server)) {
  SSL_CTX* context = context_->native_handle();
  const auto fail = [](const std::string& what) {
    char reason[200] = "unknown reason";
    if (const unsigned long code = ERR_peek_last_error()) ERR_error_string_n(code, reason, sizeof reason);
    ERR_clear_error();
    throw std::runtime_error(what + ": " + reason);
  };
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);  // 34 KB less for each idle connection
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) != 1)
    fail("certificate " + options.certificate + ": expected a PEM file");
  if (SSL_CTX_use_PrivateKey_file(context, options.key.c_str(), SSL_FILETYPE_PEM) != 1)
    fail("key " + options.key + ": expected the certificate's private key, a PEM file");
  if (SSL_CTX_check_private_key(context) != 1)
    fail("key " + options.key + ": expected the private key of " + options.certificate);
}

TlsContext::~TlsContext() = default;

std::shared_ptr<Connection> TlsContext::connection(tcp::socket socket, Host& host) {
  return std::make_shared<TlsConnection>(host, std::move(socket), *context_);
}

}  // namespace tickmlp::serve
