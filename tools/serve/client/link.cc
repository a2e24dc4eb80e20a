// SPDX-License-Identifier: Apache-2.0
// The way to the server: socket, handshake, the ring's memory; and the way back to it when it comes again.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

namespace tickmlp::client {

using shared::Message;

constexpr uint64_t kTryAgainNs = 1'000'000;

uint64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

void drop_link(tickmlp_client* client) {
  if (client->socket >= 0) close(client->socket);
  if (client->segment != nullptr) munmap(client->segment, client->geometry.segment_bytes());
  client->socket = -1;
  client->segment = nullptr;
  client->link = Link::kGone;
  client->replies_due = 0;
  client->connection += 1;
  memset(client->slots, 0, sizeof client->slots);
}

Message make_message(shared::Kind kind, uint32_t handle, const char* text) {
  Message message;
  memset(&message, 0, sizeof message);
  message.magic = shared::kMagic;
  message.kind = kind;
  message.handle = handle;
  strncpy(message.text, text, sizeof message.text - 1);
  return message;
}

Message resolve_message(const tickmlp_client* client, uint32_t handle) {
  Message message = make_message(shared::kResolve, handle, client->models[handle].name);
  message.generation = client->models[handle].version;
  message.inputs = client->models[handle].inputs;
  return message;
}

static bool try_to_send(int socket, const Message& message) {
  return send(socket, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof message;
}

bool send_message(tickmlp_client* client, const Message& message) {
  if (try_to_send(client->socket, message)) return true;
  drop_link(client);
  return false;
}

bool server_lives(const tickmlp_client* client) {
  pollfd entry = {client->socket, POLLRDHUP, 0};
  return poll(&entry, 1, 0) <= 0 || (entry.revents & (POLLHUP | POLLERR | POLLRDHUP)) == 0;
}

namespace {

tickmlp_client_status start(tickmlp_client* client, tickmlp_client_error* error) {
  const char* const path = client->address.sun_path;
  client->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (client->socket < 0) return fail(error, TICKMLP_CLIENT_OUT_OF_MEMORY, "socket: %s", strerror(errno));
  if (connect(client->socket, reinterpret_cast<const sockaddr*>(&client->address), sizeof client->address) != 0) {
    const int why = errno;
    drop_link(client);
    const auto status =
        why == EACCES || why == EPROTOTYPE || why == ENOTSOCK ? TICKMLP_CLIENT_REFUSED : TICKMLP_CLIENT_NO_SERVER;
    return fail(error, status, "connect to %s: %s; expected the socket of `tickmlp serve --shared-memory`", path,
                strerror(why));
  }
  ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(client->socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != geteuid()) {
    drop_link(client);
    return fail(error, TICKMLP_CLIENT_REFUSED, "the server at %s runs as user %u; expected this user, %u", path,
                peer.uid, geteuid());
  }
  // Everything at once: the welcome and the models' figures come back in one wait. Where the server has refused and
  // closed already, its reason is still there to be read.
  Message hello = make_message(shared::kHello, 0, "");
  hello.geometry = client->geometry;
  client->link = Link::kJoining;
  client->replies_due = 1 + client->model_count;
  bool sent = try_to_send(client->socket, hello);
  for (uint32_t i = 0; sent && i < client->model_count; ++i)
    sent = try_to_send(client->socket, resolve_message(client, i));
  return TICKMLP_CLIENT_OK;
}

// Maps the ring. It must not shrink under us: an access beyond its end would kill the process.
tickmlp_client_status map_ring(tickmlp_client* client, int descriptor, tickmlp_client_error* error) {
  const size_t bytes = client->geometry.segment_bytes();
  struct stat about;
  if (fstat(descriptor, &about) != 0 || static_cast<uint64_t>(about.st_size) < bytes ||
      (fcntl(descriptor, F_GET_SEALS) & F_SEAL_SHRINK) == 0)
    return fail(error, TICKMLP_CLIENT_REFUSED, "the server's memory is no sealed segment of %zu bytes", bytes);
  void* segment = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor, 0);
  if (segment == MAP_FAILED) return fail(error, TICKMLP_CLIENT_OUT_OF_MEMORY, "map the ring: %s", strerror(errno));
  client->segment = static_cast<unsigned char*>(segment);
  client->sleeps = client->reply.sleeps != 0;
  client->windows = client->reply.windows < shared::kMaxWindows ? client->reply.windows : shared::kMaxWindows;
  return TICKMLP_CLIENT_OK;
}

// One message into client->reply, its descriptor (-1: none) for the caller to close. DEADLINE: none is there.
tickmlp_client_status receive_message(tickmlp_client* client, int* descriptor) {
  alignas(cmsghdr) unsigned char control[CMSG_SPACE(sizeof(int))];
  iovec part = {&client->reply, sizeof client->reply};
  msghdr header;
  memset(&header, 0, sizeof header);
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t count = recvmsg(client->socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  // Told once, and before what the server had said.
  if (count < 0 && errno == ECONNRESET) count = recvmsg(client->socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return TICKMLP_CLIENT_DEADLINE;
  *descriptor = -1;
  const cmsghdr* const extra = count > 0 ? CMSG_FIRSTHDR(&header) : nullptr;
  if (extra != nullptr && extra->cmsg_level == SOL_SOCKET && extra->cmsg_type == SCM_RIGHTS &&
      extra->cmsg_len == CMSG_LEN(sizeof(int)))
    memcpy(descriptor, CMSG_DATA(extra), sizeof *descriptor);
  if (count != sizeof client->reply || client->reply.magic != shared::kMagic) return TICKMLP_CLIENT_SERVER_GONE;
  client->reply.text[sizeof client->reply.text - 1] = 0;
  return TICKMLP_CLIENT_OK;
}

tickmlp_client_status take_reply(tickmlp_client* client, int descriptor, tickmlp_client_error* error) {
  const Message& reply = client->reply;
  switch (reply.kind) {
    case shared::kRefused: return fail(error, TICKMLP_CLIENT_REFUSED, "%s", reply.text);
    case shared::kWelcome:
      if (client->segment != nullptr) break;
      return map_ring(client, descriptor, error);
    case shared::kResolved:
      if (reply.handle >= client->model_count) break;
      if (reply.status == TICKMLP_CLIENT_OK) {
        Model& model = client->models[reply.handle];
        model.changed = reply.inputs != model.inputs || reply.outputs != model.outputs ||
                        reply.columns != model.columns || reply.arms != model.arms;
        model.generation = reply.generation;
      }
      return TICKMLP_CLIENT_OK;
    case shared::kListed: return TICKMLP_CLIENT_OK;
    default: break;
  }
  return fail(error, TICKMLP_CLIENT_REFUSED, "the server sent message %u, which cannot be meant", reply.kind);
}

}  // namespace

tickmlp_client_status advance_link(tickmlp_client* client, tickmlp_client_error* error) {
  if (client->link == Link::kGone) {
    const uint64_t now = now_ns();
    if (now < client->next_try_ns)
      return fail(error, TICKMLP_CLIENT_SERVER_GONE, "no server at %s a moment ago", client->address.sun_path);
    client->next_try_ns = now + kTryAgainNs;
    if (const auto status = start(client, error)) return status;
  }
  while (client->replies_due > 0) {
    int descriptor = -1;
    tickmlp_client_status status = receive_message(client, &descriptor);
    if (status == TICKMLP_CLIENT_DEADLINE) return fail(error, status, "the server is silent");
    if (status == TICKMLP_CLIENT_OK) status = take_reply(client, descriptor, error);
    else fail(error, status, "the server at %s ended", client->address.sun_path);
    if (descriptor >= 0) close(descriptor);
    if (status != TICKMLP_CLIENT_OK) {
      drop_link(client);
      return status;
    }
    client->replies_due -= 1;
  }
  client->link = Link::kReady;
  return TICKMLP_CLIENT_OK;
}

tickmlp_client_status wait_for_link(tickmlp_client* client, uint64_t end_ns, tickmlp_client_error* error) {
  for (;;) {
    const auto status = advance_link(client, error);
    if (status != TICKMLP_CLIENT_DEADLINE) return status;
    const uint64_t now = now_ns();
    if (now >= end_ns) return status;
    const uint64_t left_ms = (end_ns - now) / 1'000'000 + 1;
    pollfd entry = {client->socket, POLLIN, 0};
    poll(&entry, 1, left_ms < 1000 ? static_cast<int>(left_ms) : 1000);
  }
}

}  // namespace tickmlp::client
