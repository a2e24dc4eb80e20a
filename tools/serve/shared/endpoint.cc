// SPDX-License-Identifier: Apache-2.0
#include "serve/shared/endpoint.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace tickmlp::shared {
namespace {

constexpr int kBacklog = 64;

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  throw std::runtime_error("shared memory: cannot listen at " + path + ": " + why);
}

Descriptor new_socket(const std::string& path) {
  Descriptor made(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (made.get() < 0) fail(path, std::strerror(errno));
  return made;
}

// What lies there: nothing, or the socket of a server that is gone, which is removed; else it is refused.
void make_room(const std::string& path, const sockaddr_un& address) {
  struct stat about;
  if (lstat(path.c_str(), &about) != 0) {
    if (errno == ENOENT) return;
    fail(path, std::strerror(errno));
  }
  if (!S_ISSOCK(about.st_mode)) fail(path, "a file that is no socket is there");
  const Descriptor probe = new_socket(path);
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN)
    fail(path, "another server listens there");
  if (errno != ECONNREFUSED) fail(path, std::strerror(errno));
  if (unlink(path.c_str()) != 0) fail(path, std::strerror(errno));
}

}  // namespace

Listener::Listener(const std::string& path) : path_(path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    fail(path, std::to_string(path.size()) + " bytes; expected 1 to " + std::to_string(sizeof address.sun_path - 1));
  path.copy(address.sun_path, path.size());
  make_room(path, address);
  socket_ = new_socket(path);
  struct stat about;
  // Between bind and listen nobody can connect, so the mode is there before the first client.
  if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      chmod(path.c_str(), 0600) != 0 || lstat(path.c_str(), &about) != 0 || listen(socket_.get(), kBacklog) != 0)
    fail(path, std::strerror(errno));
  device_ = about.st_dev;
  inode_ = about.st_ino;
}

void Listener::remove() {
  struct stat about;
  if (inode_ != 0 && lstat(path_.c_str(), &about) == 0 && about.st_dev == device_ && about.st_ino == inode_)
    unlink(path_.c_str());
  inode_ = 0;
}

bool say(int socket, const Message& message, int descriptor) {
  Message copy = message;
  iovec part{&copy, sizeof copy};
  alignas(cmsghdr) unsigned char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (descriptor >= 0) {
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* extra = CMSG_FIRSTHDR(&header);
    extra->cmsg_level = SOL_SOCKET;
    extra->cmsg_type = SCM_RIGHTS;
    extra->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(extra), &descriptor, sizeof descriptor);
  }
  return sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof copy;
}

void refuse(int socket, std::string_view why) {
  Message message{};
  message.magic = kMagic;
  message.kind = kRefused;
  why.copy(message.text, sizeof message.text - 1);
  say(socket, message);
}

}  // namespace tickmlp::shared
