// SPDX-License-Identifier: Apache-2.0
#include "serve/http/connection.h"

#include <algorithm>
#include <cstring>

#include "serve/protocol/infer_request.h"

namespace tickmlp::serve {
namespace {

constexpr std::size_t kOutput = 65536;  // answers to pipelined requests, before others have their turn
constexpr std::uint64_t kLingerNs = 2'000'000'000;
constexpr std::uint64_t kDrainingNs = 2'000'000'000;  // half a request, or an answer that nobody takes, keeps nobody
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

void Connection::received(std::size_t bytes) {
  if (state_ == State::lingering) {  // thrown away
    begin_ = end_ = 0;
    return receive();
  }
  if (state_ == State::head && begin_ == end_) since_ns_ = host_.now_ns();
  end_ += bytes;
  advance();
}

void Connection::advance() {
  if (!ending_ && !process()) ending_ = true;
  flush();
}

bool Connection::process() {
  more_ = false;
  while (state_ != State::waiting && begin_ != end_ && paused_until_ns_ == 0) {
    if (out_.size() > kOutput) {
      more_ = true;
      return true;
    }
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
  const bool too_large = size > host_.limits.header_bytes;
  // A head that ends its lines with bare LFs would never end here: refuse it instead of waiting.
  const bool bare =
      end == std::string_view::npos && (unread().find("\n\n") != std::string_view::npos || unread().starts_with('\n'));
  if (too_large || bare) {
    incoming_.clear();  // of the request before
    if (bare) return refuse({Code::bad_request, "request head: a LF without its CR: expected lines that end in CR LF"});
    return refuse({Code::header_too_large, "request head of " + std::to_string(size) +
                                               " bytes and more: expected at most " +
                                               std::to_string(host_.limits.header_bytes) + " bytes"});
  }
  if (end == std::string_view::npos) return true;
  consume(blank);
  head_bytes_ = size - blank;
  if (const Refusal refusal = HeadParser(host_.limits, &incoming_).read(unread().substr(0, head_bytes_)))
    return refuse(refusal);
  if (incoming_.chunked) chunks_.begin(host_.limits);
  state_ = State::body;
  const bool all_here = !incoming_.chunked && unread().size() >= head_bytes_ + incoming_.content_length;
  if (!all_here && !fits(0, incoming_.content_length)) return refuse(no_room());
  if (incoming_.expects_continue && !incoming_.http_1_0 && !all_here) out_.append(kContinue);
  return true;
}

bool Connection::read_body() {
  if (!incoming_.chunked) {
    if (unread().size() < head_bytes_ + incoming_.content_length)
      return fits(capacity_, capacity_for(unread().size() + kLeastRoom)) || refuse(no_room());
    return request_complete(unread().substr(head_bytes_, incoming_.content_length));
  }
  std::size_t taken = 0;
  const std::size_t body = chunks_.body().size() + unread().size(), has = chunks_.body().capacity();
  if (body > has && !fits(has, std::max(body, 2 * has))) return refuse(no_room());
  if (const Refusal refusal = chunks_.read(unread().substr(head_bytes_), &taken)) return refuse(refusal);
  count_buffers();
  head_bytes_ += taken;
  if (!chunks_.done()) {  // the head is read, and its chunks are copied: nobody asks for these bytes any more
    begin_ += head_bytes_;
    head_bytes_ = 0;
    return true;
  }
  chunks_.body().reserve(chunks_.body().size() + kBodyPadding);
  return request_complete(chunks_.body());
}

bool Connection::request_complete(std::string_view body) {
  answer_.clear();
  const bool sheds = incoming_.path.ends_with("/infer") && host_.sheds(*this);
  was_paused_ = false;
  if (sheds) {
    answer_.refuse({Code::unavailable, "overload: requests wait for too long: try again later"});
    paused_until_ns_ = host_.now_ns() + kPauseNs;
    was_paused_ = true;
    kept_ = shared_from_this();
  } else if (!host_.handle(incoming_, body, &answer_, shared_from_this())) {
    state_ = State::waiting;
  }
  if (state_ != State::waiting) {
    append(answer_);
    state_ = State::head;
  }
  consume(head_bytes_ + (incoming_.chunked ? 0 : incoming_.content_length));
  since_ns_ = host_.now_ns();
  return !ending_;
}

void Connection::append(const Answer& answer) {
  ending_ = ending_ || !incoming_.keep_alive || host_.draining();
  append_answer(answer, incoming_, ending_, host_.date(), &out_);
  host_.meter.answered(answer.status, incoming_.chunked ? chunks_.body().size() : incoming_.content_length,
                       answer.body.size(),
                       {name_of(incoming_.method), incoming_.path, answer.id, incoming_.traceparent, answer.reason});
}

// What stands behind a request that was refused unread cannot be told from a request: the connection ends.
bool Connection::refuse(const Refusal& refusal) {
  answer_.clear();
  answer_.refuse(refusal);
  ending_ = true;
  append(answer_);
  return false;
}

void Connection::answer_later(const Answer& answer) {
  if (state_ != State::waiting) return;
  if (writing_) {  // the stream reads out_: an answer that went before is still on its way
    late_ = std::make_unique<Answer>(answer);
    return;
  }
  host_.meter.arrived();  // a turn of its own: that of its request ended long ago, or is another connection's by now
  append(answer);
  state_ = State::head;
  since_ns_ = host_.now_ns();
  advance();
}

void Connection::flush() {
  if (writing_) return;
  if (!out_.empty()) {
    writing_ = true;
    return send();
  }
  if (ending_) {
    // A socket that is closed with unread bytes in it is reset, and the client may lose the answer: so what still comes
    // is read and thrown away, until the client closes or check_time() does.
    if (state_ == State::lingering) return;
    state_ = State::lingering;
    begin_ = end_ = 0;
    if (!receiving_) give_buffers_back();
    return end_sending();
  }
  if (more_) return run_soon();
  if (state_ != State::waiting && paused_until_ns_ == 0 && !receiving_) receive();
}

void Connection::sent() {
  writing_ = false;
  out_.clear();
  if (out_.capacity() > 2 * kKeptBuffer) out_.shrink_to_fit();
  if (late_ != nullptr) {
    const std::unique_ptr<Answer> late = std::move(late_);
    return answer_later(*late);
  }
  flush();
}

void Connection::check_time() {
  const std::uint64_t now = host_.now_ns();
  const std::uint64_t lasted = now - since_ns_;
  if (state_ == State::lingering) {
    if (lasted > kLingerNs) close();
    return;
  }
  if (paused_until_ns_ != 0 && !writing_) {
    if (now < paused_until_ns_) return;
    paused_until_ns_ = 0;
    since_ns_ = now;
    const auto kept = std::move(kept_);
    return advance();
  }
  if (state_ == State::waiting && !writing_) return;
  const std::uint64_t most = idle()             ? host_.limits.idle_ns
                             : host_.draining() ? std::min(host_.limits.request_ns, kDrainingNs)
                                                : host_.limits.request_ns;
  if (lasted < most) return;
  if (idle() || writing_ || handshaking_) return close();
  // What is said of the request is what has come of it; the wait for the rest is not the server's time.
  if (state_ == State::head) incoming_.clear();
  else incoming_.content_length = unread().size() - head_bytes_;
  host_.meter.arrived();
  refuse({Code::timeout,
          "the request did not arrive whole in " + std::to_string(host_.limits.request_ns / 1'000'000) + " ms"});
  since_ns_ = now;
  flush();
}

}  // namespace tickmlp::serve
