// SPDX-License-Identifier: Apache-2.0
// A connection's memory, and what all of a thread's connections have of it together.
#include <algorithm>
#include <cstring>

#include "serve/http/connection.h"
#include "serve/protocol/infer_request.h"

namespace tickmlp::serve {
namespace {

constexpr std::size_t kFirstBuffer = 4096;  // the head and the 1,680 bytes of a tactical state, in one recv

// What a connection keeps between requests anyway is not counted: small requests never stand back for large ones.
std::size_t counted(std::size_t capacity) { return capacity > Connection::kKeptBuffer ? capacity : 0; }

}  // namespace

// Doubles, but not beyond what a body of known length takes.
std::size_t Connection::capacity_for(std::size_t bytes) const {
  if (bytes <= capacity_) return capacity_;
  std::size_t next = std::max(kFirstBuffer, 2 * capacity_);
  if (state_ == State::body && !incoming_.chunked)
    next = std::min(next, head_bytes_ + incoming_.content_length + kLeastRoom);
  return std::max(bytes, next);
}

// Room for `bytes` unread bytes in all, and the padding that the JSON parser reads over.
void Connection::reserve(std::size_t bytes) {
  if (begin_ + bytes <= capacity_) return;
  if (bytes <= capacity_) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
  } else {
    const std::size_t next = capacity_for(bytes);
    auto grown = std::make_unique_for_overwrite<char[]>(next + kBodyPadding);
    if (end_ != begin_) std::memcpy(grown.get(), buffer_.get() + begin_, end_ - begin_);
    buffer_ = std::move(grown);
    capacity_ = next;
    count_buffers();
  }
  end_ -= begin_;
  begin_ = 0;
}

// Grows with what has come and not with what was announced, or an announcement alone would cost 8 MiB.
std::span<char> Connection::room() {
  reserve(end_ - begin_ + kLeastRoom);
  return {buffer_.get() + end_, capacity_ - end_};
}

void Connection::consume(std::size_t bytes) {
  begin_ += bytes;
  if (begin_ != end_) return;
  begin_ = end_ = 0;
  if (capacity_ > kKeptBuffer || chunks_.body().capacity() > kKeptBuffer) give_buffers_back();
}

void Connection::give_buffers_back() {
  if (capacity_ > kKeptBuffer) {
    buffer_.reset();
    capacity_ = 0;
  }
  if (chunks_.body().capacity() > kKeptBuffer) chunks_ = ChunkReader();
  count_buffers();
}

bool Connection::fits(std::size_t from, std::size_t to) const {
  return counted(to) <= counted(from) ||
         host_.meter.figures().buffered.get() + counted(to) - counted(from) <= host_.limits.buffer_bytes;
}

Refusal Connection::no_room() {
  host_.meter.figures().buffer_refused.add();
  return {Code::unavailable, "bodies that are on their way take " +
                                 std::to_string(host_.meter.figures().buffered.get()) + " bytes of " +
                                 std::to_string(host_.limits.buffer_bytes) + ": try again later"};
}

void Connection::count_buffers() {
  const std::size_t now = counted(capacity_) + counted(chunks_.body().capacity());
  if (now == counted_) return;
  Counter& all = host_.meter.figures().buffered;
  all.set(all.get() - counted_ + now);
  counted_ = now;
}

}  // namespace tickmlp::serve
