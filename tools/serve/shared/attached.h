// SPDX-License-Identifier: Apache-2.0
// One client that is attached: its socket, its segment, and what its handles mean.
#ifndef TICKMLP_SERVE_SHARED_ATTACHED_H_
#define TICKMLP_SERVE_SHARED_ATTACHED_H_
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "serve/engine/models.h"
#include "serve/engine/split.h"
#include "serve/engine/window.h"
#include "serve/shared/ring.h"

namespace tickmlp::shared {

// Owns a descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  int get() const { return number_; }

 private:
  int number_;
};

// Memory that a client maps too: anonymous, without a name anywhere, mode 0600, sealed against another size. It goes
// with its last user, however that ends.
class Segment {
 public:
  // Empty, with errno, where the memory cannot be had, or std::bad_alloc. *descriptor is for the client.
  static std::unique_ptr<Segment> make(std::size_t bytes, Descriptor* descriptor);
  ~Segment();
  unsigned char* bytes() const { return bytes_; }

 private:
  explicit Segment(std::size_t size) : size_(size) {}
  unsigned char* bytes_ = nullptr;
  const std::size_t size_;
};

// What a handle stands for. Written once by the thread of the sockets, then read by the one of the rings.
struct Meaning {
  struct Target {
    std::string name;
    // The reading thread's own: the model as it found it, and in which catalogue.
    serve::ThreadModel* model = nullptr;
    std::uint64_t catalogue = 0;
  };
  std::string name;
  std::optional<std::uint64_t> version;  // empty: the current one
  const serve::Split* split = nullptr;   // null: a model of that name
  std::vector<Target> targets;           // one, or a split's arms
};

// What a client's window is over.
struct OpenWindow {
  std::uint8_t handle = 0;
  std::uint16_t arm = 0;
  serve::Window window;
};

// Whose process it is, as the kernel knows it.
struct Visitor {
  std::uint64_t pid = 0, uid = 0;
};

struct Attached {
  Attached(Descriptor given, const Visitor& of, std::uint64_t now) : socket(std::move(given)), who(of), since_ns(now) {}

  Descriptor socket;
  const Visitor who;
  const std::uint64_t since_ns;
  const char* going = nullptr;       // why it is to go, as soon as memory lets it; null: it stays
  std::unique_ptr<Segment> segment;  // from the hello on
  std::optional<Ring> ring;
  std::array<std::unique_ptr<Meaning>, kMaxHandles> meanings;
  std::array<std::atomic<bool>, kMaxHandles> has_meaning{};
  // The thread of the rings' own, until it has looked away for good.
  std::array<std::unique_ptr<OpenWindow>, kMaxWindows> windows;
};

}  // namespace tickmlp::shared
#endif
