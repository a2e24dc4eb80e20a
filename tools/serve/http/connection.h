// SPDX-License-Identifier: Apache-2.0
// One client's connection: bytes in, requests out of them, answers back. Belongs to one worker and runs in its thread.
#ifndef TICKMLP_SERVE_HTTP_CONNECTION_H_
#define TICKMLP_SERVE_HTTP_CONNECTION_H_
#include <boost/asio/ip/tcp.hpp>
#include <boost/intrusive/list.hpp>
#include <memory>
#include <optional>
#include <string>

#include "serve/http/answer.h"
#include "serve/http/head_parser.h"
#include "serve/metrics/meter.h"

namespace tickmlp::serve {

class Connection;

// What a worker is to its connections.
class Host {
 public:
  virtual ~Host() = default;
  // Fills *answer. False: it will come later, by Connection::answer_later(), in this worker's thread.
  virtual bool handle(const Incoming& incoming, std::string_view body, Answer* answer,
                      const std::shared_ptr<Connection>& connection) = 0;
  virtual bool draining() const = 0;         // answers close their connections
  virtual std::uint64_t now_ns() const = 0;  // of a steady clock, to a tenth of a second
  virtual std::string_view date() const = 0;
  const HttpLimits limits;
  Meter meter;

 protected:
  Host(const HttpLimits& given, Meter times) : limits(given), meter(std::move(times)) {}
};

class Connection : public std::enable_shared_from_this<Connection>,
                   public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Connection(boost::asio::ip::tcp::socket socket, Host& host);
  void start() { read(); }
  // Ends what has lasted too long: a request with 408, an idle connection, an answer that nobody takes. Called by the
  // worker now and then.
  void check_time();
  // Once nothing is going on.
  void close_when_idle();
  // The answer that handle() left open.
  void answer_later(const Answer& answer);

 private:
  using error_code = boost::system::error_code;
  enum class State { head, body, waiting, lingering };

  void read();
  void take(std::size_t bytes);
  void reserve(std::size_t bytes);
  // Answers every request that is complete in the buffer. False: the connection is to end.
  bool process();
  bool read_head();
  bool read_body();
  bool request_complete(std::string_view body);
  bool refuse(const Refusal& refusal);
  void append(const Answer& answer);
  void consume(std::size_t bytes);
  void write();
  void linger();
  void close();
  std::string_view unread() const { return {buffer_.get() + begin_, end_ - begin_}; }

  boost::asio::ip::tcp::socket socket_;
  Host& host_;
  State state_ = State::head;
  bool ending_ = false;  // nothing more is read; what is written goes out first
  bool writing_ = false;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;  // [begin_, end_) of the buffer is unread
  std::size_t head_bytes_ = 0, taken_ = 0;          // of the request at begin_: its head; what was read of its chunks
  std::uint64_t since_ns_;                          // the request's first byte came, or the last answer went
  std::optional<HeadParser> parser_;
  Incoming incoming_;
  Answer answer_;
  std::string chunked_body_, out_;
};

}  // namespace tickmlp::serve
#endif
