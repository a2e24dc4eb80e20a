// SPDX-License-Identifier: Apache-2.0
// One client's connection: bytes in, requests out of them, answers back. Belongs to one worker and runs in its thread.
// Which stream the bytes go over (a socket, TLS, a test's memory) is the derived class's.
#ifndef TICKMLP_SERVE_HTTP_CONNECTION_H_
#define TICKMLP_SERVE_HTTP_CONNECTION_H_
#include <boost/intrusive/list.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "serve/http/answer.h"
#include "serve/http/chunk_reader.h"
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
  // Whether this inference is refused for want of time: connections wait for too long.
  virtual bool sheds(Connection& connection) = 0;
  virtual bool draining() const = 0;         // answers close their connections
  virtual std::uint64_t now_ns() const = 0;  // of a steady clock, to a tenth of a second
  virtual std::string_view date() const = 0;
  virtual void gone() = 0;  // a connection less
  const HttpLimits limits;
  Meter meter;

 protected:
  Host(const HttpLimits& given, Meter times) : limits(given), meter(std::move(times)) {}
};

class Connection : public std::enable_shared_from_this<Connection>,
                   public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  // A connection whose inference was shed is not read for so long: a little less than Retry-After asks for, whether or
  // not its client heeds that.
  static constexpr std::uint64_t kPauseNs = 900'000'000;

  // What a connection may keep of its buffers between requests.
  static constexpr std::size_t kKeptBuffer = 65536;

  virtual ~Connection() {
    Counter& all = host_.meter.figures().buffered;
    all.set(all.get() - counted_);
    host_.gone();
  }
  virtual void start() { receive(); }
  // How long ago the last bytes arrived in the kernel, in ms.
  virtual std::optional<unsigned> waited_ms() const = 0;

  // Ends what has lasted too long: a request with 408, an idle connection, an answer that nobody takes. Called by the
  // worker now and then.
  void check_time();
  // Nothing is going on, so that it may be closed.
  bool idle() const { return state_ == State::head && begin_ == end_ && !writing_ && !handshaking_; }
  std::uint64_t since_ns() const { return since_ns_; }
  // Its last request was shed and then not read for a while: the time that its next one waited says nothing.
  bool was_paused() const { return was_paused_; }
  // The answer that handle() left open.
  void answer_later(const Answer& answer);
  // At once, whatever it is at.
  void close() {
    const std::shared_ptr<Connection> kept = std::move(kept_);
    close_stream();
  }
  // The body of every handler. What it throws (memory ran out) is this connection's end, and nobody else's.
  template <typename Step>
  void guarded(Step step) {
    try {
      step();
    } catch (const std::exception&) {
      close();
    }
  }

 protected:
  explicit Connection(Host& host) : host_(host), since_ns_(host.now_ns()) {}

  // What a stream has to do, and what it calls when it is done. On failure it calls close().
  virtual void receive() = 0;      // some bytes into room(); then received(). Sets receiving_ while it is at it
  virtual void send() = 0;         // all of out_; then sent()
  virtual void end_sending() = 0;  // the client is told that no more will come; then receive()
  virtual void run_soon() = 0;     // advance(), after others had their turn
  virtual void close_stream() = 0;
  std::span<char> room();
  void received(std::size_t bytes);
  void sent();
  void advance();

  Host& host_;
  std::string out_;
  bool receiving_ = false;
  bool handshaking_ = false;

 private:
  enum class State { head, body, waiting, lingering };
  static constexpr std::size_t kLeastRoom = 2048;  // for a recv
  std::size_t capacity_for(std::size_t bytes) const;
  void reserve(std::size_t bytes);
  void give_buffers_back();
  void count_buffers();
  // Whether a buffer of this connection may grow, seen what all of this thread's have.
  bool fits(std::size_t from, std::size_t to) const;
  Refusal no_room();
  // Answers the requests that are complete in the buffer. False: the connection is to end.
  bool process();
  bool read_head();
  bool read_body();
  bool request_complete(std::string_view body);
  bool refuse(const Refusal& refusal);
  void append(const Answer& answer);
  void consume(std::size_t bytes);
  void flush();
  std::string_view unread() const { return {buffer_.get() + begin_, end_ - begin_}; }

  State state_ = State::head;
  bool ending_ = false;  // nothing more is read; what is written goes out first
  bool writing_ = false;
  bool more_ = false;  // process() stopped at kOutput
  bool was_paused_ = false;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;  // [begin_, end_) of the buffer is unread
  std::size_t counted_ = 0;                         // of the thread's ThreadFigures::buffered, this connection's
  std::size_t head_bytes_ = 0;                      // of the request at begin_
  std::uint64_t since_ns_;                          // the request's first byte came, or the last answer went
  std::uint64_t paused_until_ns_ = 0;               // 0: not paused
  std::shared_ptr<Connection> kept_;                // itself while it is paused: no stream's handler keeps it then
  Incoming incoming_;
  Answer answer_;
  std::unique_ptr<Answer> late_;  // came while out_ was being sent
  ChunkReader chunks_;
};

}  // namespace tickmlp::serve
#endif
