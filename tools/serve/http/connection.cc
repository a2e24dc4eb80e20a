// SPDX-License-Identifier: Apache-2.0
#include "serve/http/connection.h"

#include <boost/asio/write.hpp>
#include <cstring>

#include "serve/protocol/infer_request.h"

namespace tickmlp::serve {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kFirstBuffer = 4096;  // the head and the 1,680 bytes of a tactical state, in one recv
constexpr std::uint64_t kLingerNs = 2'000'000'000;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, Host& host)
    : socket_(std::move(socket)), host_(host), since_ns_(host.now_ns()) {}

// Room for `bytes` unread bytes in all, and the padding that the JSON parser reads over.
void Connection::reserve(std::size_t bytes) {
  if (begin_ + bytes <= capacity_) return;
  if (bytes <= capacity_) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
  } else {
    const std::size_t next = std::max(bytes, std::max(kFirstBuffer, 2 * capacity_));
    auto grown = std::make_unique<char[]>(next + kBodyPadding);
    if (end_ != begin_) std::memcpy(grown.get(), buffer_.get() + begin_, end_ - begin_);
    buffer_ = std::move(grown);
    capacity_ = next;
  }
  end_ -= begin_;
  begin_ = 0;
}

void Connection::read() {
  // Of a body whose length is known: all of it. Else whatever comes, a buffer at a time.
  const std::size_t known = state_ == State::body && !incoming_.chunked ? head_bytes_ + incoming_.content_length : 0;
  reserve(std::max(known, end_ - begin_ + kFirstBuffer / 2));
  // Its own recv, so that it can be timed; as many system calls as with async_read_some().
  socket_.async_wait(asio::ip::tcp::socket::wait_read, [self = shared_from_this()](error_code error) {
    if (error) return self->close();
    self->host_.meter.receiving();
    const std::size_t bytes =
        self->socket_.read_some(asio::buffer(self->buffer_.get() + self->end_, self->capacity_ - self->end_), error);
    if (error == asio::error::would_block) return self->read();
    if (error) return self->close();
    self->host_.meter.received();
    self->take(bytes);
  });
}

void Connection::take(std::size_t bytes) {
  if (begin_ == end_) since_ns_ = host_.now_ns();
  end_ += bytes;
  if (state_ == State::waiting) return;
  ending_ = !process() || ending_;
  write();
}

bool Connection::process() {
  while (state_ != State::waiting && begin_ != end_) {
    const std::size_t before = end_ - begin_;
    const State state = state_;
    if (state_ == State::head && !read_head()) return false;
    if (state_ == State::body && !read_body()) return false;
    if (end_ - begin_ == before && state_ == state) break;  // more must come
    if (ending_) return false;
  }
  return true;
}

bool Connection::read_head() {
  std::size_t blank = 0;  // an empty line before a request is let pass, as RFC 9112 2.2 asks
  if (unread().starts_with("\r\n")) blank = 2;
  const std::size_t end = unread().find("\r\n\r\n", blank);
  const std::size_t size = end == std::string_view::npos ? unread().size() : end + 4;
  if (size > host_.limits.header_bytes)
    return refuse({Code::header_too_large,
                   "request head: expected at most " + std::to_string(host_.limits.header_bytes) + " bytes"});
  if (end == std::string_view::npos) {
    // A head that ends its lines with bare LFs would never end here: refuse it instead of waiting.
    if (unread().find("\n\n") != std::string_view::npos)
      return refuse({Code::bad_request, "request head: a LF without its CR: expected lines that end in CR LF"});
    return true;
  }
  consume(blank);
  head_bytes_ = size - blank;
  parser_.emplace(host_.limits, &incoming_, &chunked_body_);
  if (const Refusal refusal = parser_->read_head(unread().substr(0, head_bytes_))) return refuse(refusal);
  taken_ = 0;
  state_ = State::body;
  const bool all_here = !incoming_.chunked && unread().size() >= head_bytes_ + incoming_.content_length;
  if (incoming_.expects_continue && !incoming_.http_1_0 && !all_here) out_.append(kContinue);
  return true;
}

bool Connection::read_body() {
  if (!incoming_.chunked) {
    if (unread().size() < head_bytes_ + incoming_.content_length) return true;
    return request_complete(unread().substr(head_bytes_, incoming_.content_length));
  }
  std::size_t taken = 0;
  bool done = false;
  const Refusal refusal = parser_->read_chunks(unread().substr(head_bytes_), &taken, &done);
  if (refusal) return refuse(refusal);
  // What was taken is not needed any more; the head stays until the end.
  std::memmove(buffer_.get() + begin_ + taken, buffer_.get() + begin_, head_bytes_);
  begin_ += taken;
  if (!done) return true;
  chunked_body_.reserve(chunked_body_.size() + kBodyPadding);
  return request_complete(chunked_body_);
}

bool Connection::request_complete(std::string_view body) {
  answer_.clear();
  if (!host_.handle(incoming_, body, &answer_, shared_from_this())) {
    state_ = State::waiting;
    consume(head_bytes_ + (incoming_.chunked ? 0 : incoming_.content_length));
    return true;
  }
  append(answer_);
  consume(head_bytes_ + (incoming_.chunked ? 0 : incoming_.content_length));
  state_ = State::head;
  return !ending_;
}

void Connection::append(const Answer& answer) {
  ending_ = ending_ || !incoming_.keep_alive || host_.draining();
  append_answer(answer, incoming_, ending_, host_.date(), &out_);
  host_.meter.answered(answer.status, incoming_.chunked ? chunked_body_.size() : incoming_.content_length,
                       answer.body.size(),
                       {name_of(incoming_.method), incoming_.path, answer.id, incoming_.traceparent});
}

// What stands behind a request that was refused unread cannot be told from a request: the connection ends.
bool Connection::refuse(const Refusal& refusal) {
  answer_.refuse(refusal);
  ending_ = true;
  append(answer_);
  return false;
}

void Connection::answer_later(const Answer& answer) {
  if (state_ != State::waiting || !socket_.is_open()) return;
  append(answer);
  state_ = State::head;
  if (!ending_) ending_ = !process();
  write();
}

void Connection::consume(std::size_t bytes) {
  begin_ += bytes;
  if (begin_ == end_) begin_ = end_ = 0;
  since_ns_ = host_.now_ns();
}

void Connection::write() {
  if (out_.empty()) {
    if (state_ != State::waiting && !ending_) read();
    return;
  }
  // The first attempt costs one system call and nothing else; almost always it takes all.
  error_code error;
  host_.meter.sending();
  const std::size_t sent = socket_.write_some(asio::buffer(out_), error);
  host_.meter.sent();
  if (error && error != asio::error::would_block) return close();
  if (sent == out_.size()) {
    out_.clear();
    if (ending_) return linger();
    if (state_ != State::waiting) read();
    return;
  }
  out_.erase(0, sent);
  writing_ = true;
  asio::async_write(socket_, asio::buffer(out_), [self = shared_from_this()](error_code failed, std::size_t) {
    self->writing_ = false;
    self->out_.clear();
    if (failed) return self->close();
    if (self->ending_) return self->linger();
    if (self->state_ != State::waiting) self->read();
  });
}

// A socket that is closed with unread bytes in it is reset, and the client may lose the answer: so what still comes is
// read and thrown away, until the client closes or check_time() does.
void Connection::linger() {
  error_code error;
  if (state_ != State::lingering) socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
  if (error) return close();
  state_ = State::lingering;
  begin_ = end_ = 0;
  reserve(kFirstBuffer);
  socket_.async_read_some(asio::buffer(buffer_.get(), capacity_),
                          [self = shared_from_this()](error_code failed, std::size_t) {
                            if (failed) return self->close();
                            self->linger();
                          });
}

void Connection::close() {
  error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

void Connection::check_time() {
  const std::uint64_t lasted = host_.now_ns() - since_ns_;
  if (state_ == State::lingering && lasted > kLingerNs) return close();
  const bool idle = begin_ == end_ && state_ == State::head && !writing_;
  if (state_ == State::waiting || lasted < (idle ? host_.limits.idle_ns : host_.limits.request_ns)) return;
  if (!idle && !writing_) {
    refuse({Code::timeout,
            "the request did not arrive whole in " + std::to_string(host_.limits.request_ns / 1'000'000'000) + " s"});
    error_code ignored;
    host_.meter.sending();
    socket_.write_some(asio::buffer(out_), ignored);
    host_.meter.sent();
  }
  close();
}

void Connection::close_when_idle() {
  if (begin_ == end_ && state_ == State::head && !writing_) close();
  // Anything else ends with its answer, which says so.
}

}  // namespace tickmlp::serve
