// SPDX-License-Identifier: Apache-2.0
// The socket's place in the file system, and messages over it.
#ifndef TICKMLP_SERVE_SHARED_ENDPOINT_H_
#define TICKMLP_SERVE_SHARED_ENDPOINT_H_
#include <string>
#include <string_view>

#include "serve/shared/attached.h"

namespace tickmlp::shared {

// The socket that clients connect to.
class Listener {
 public:
  // Listens at the path, mode 0600. Takes over a socket that nobody listens at: that of a server that was killed.
  // Throws std::runtime_error.
  explicit Listener(const std::string& path);
  ~Listener() { remove(); }
  Listener(const Listener&) = delete;
  int get() const { return socket_.get(); }
  // Takes the file away, unless somebody has put another one in its place. Who is connected stays so.
  void remove();

 private:
  std::string path_;
  Descriptor socket_;
  std::uint64_t device_ = 0, inode_ = 0;
};

// A descriptor goes along where it is not below 0. False: the other side is gone, or does not read.
bool say(int socket, const Message& message, int descriptor = -1);
// kRefused with the reason: the client is to go.
void refuse(int socket, std::string_view why);

}  // namespace tickmlp::shared
#endif
