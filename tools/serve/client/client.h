// SPDX-License-Identifier: Apache-2.0
// A client's inside. Like the rest of this folder without the C++ library's code: hosts may be C programs.
#ifndef TICKMLP_SERVE_CLIENT_CLIENT_H_
#define TICKMLP_SERVE_CLIENT_CLIENT_H_
#include <sys/un.h>

#include "serve/shared/layout.h"
#include "tickmlp_client.h"

namespace tickmlp::client {

struct Model {
  char name[shared::kNameBytes];
  uint64_t version;          // that is wanted; 0: the current one
  uint64_t generation;       // at the last look
  uint32_t inputs, outputs;  // as the caller knows them; 0: it does not
  uint32_t columns, arms;    // likewise: of its window, of a split
  bool changed;              // and they are others now
};

enum class SlotState : uint32_t { kFree, kWaiting, kForgotten };
struct Slot {
  SlotState state;
  uint32_t sequence, handle;
  uint32_t states, outputs;  // of its request; outputs of one state
};

// As the client has it: the server knows of it from the first reset on.
struct Window {
  bool open, in_doubt;  // in_doubt: an advance or a reset went out, and whether it was done is not known
  uint32_t handle;
  uint64_t key;
  uint64_t ticket;  // of its last request
};

enum class Link : uint32_t { kGone, kJoining, kReady };

}  // namespace tickmlp::client

struct tickmlp_client {
  sockaddr_un address;
  tickmlp::shared::Geometry geometry;
  tickmlp::client::Link link;
  int socket;              // -1: none
  unsigned char* segment;  // NULL: none
  bool sleeps;             // the server may
  uint32_t replies_due;    // messages that the server owes
  uint32_t connection;     // its number: tickets of an older one are lost
  uint64_t next_try_ns;    // of a connection
  uint32_t empty_looks;    // without a deadline, since the last look at the server
  uint32_t windows;        // that the server grants
  uint32_t model_count;
  tickmlp::client::Model models[tickmlp::shared::kMaxHandles];
  tickmlp::client::Slot slots[tickmlp::shared::kMaxSlots];
  tickmlp::client::Window window[tickmlp::shared::kMaxWindows];
  tickmlp::shared::Message reply;  // the last one of the server
};

namespace tickmlp::client {

// Fills the error (may be NULL) and returns the status.
tickmlp_client_status fail(tickmlp_client_error* error, tickmlp_client_status status, const char* format, ...)
    __attribute__((format(printf, 3, 4)));

// What the server wrote: never taken for success, and never outside the enumeration, unless it is so.
inline tickmlp_client_status status_of(uint32_t value) {
  return value < TICKMLP_CLIENT_STATUS_COUNT ? static_cast<tickmlp_client_status>(value) : TICKMLP_CLIENT_SERVER_ERROR;
}

uint64_t now_ns();
// `now + span`, and the end of time where that is beyond.
inline uint64_t later(uint64_t now, uint64_t span) { return span > UINT64_MAX - now ? UINT64_MAX : now + span; }

// One step towards a ring that can be used: OK, or why not yet: NO_SERVER, REFUSED, SERVER_GONE, OUT_OF_MEMORY, and
// DEADLINE where only the server's messages are missing. Never waits.
tickmlp_client_status advance_link(tickmlp_client* client, tickmlp_client_error* error);
// Steps until there is one, or `end_ns`.
tickmlp_client_status wait_for_link(tickmlp_client* client, uint64_t end_ns, tickmlp_client_error* error);
// False: the server is gone, and the link with it.
bool send_message(tickmlp_client* client, const shared::Message& message);
shared::Message make_message(shared::Kind kind, uint32_t handle, const char* text);
shared::Message resolve_message(const tickmlp_client* client, uint32_t handle);
// A request as it is put into a slot.
struct Question {
  shared::RequestKind kind;
  uint32_t handle;
  uint32_t states;  // of it, or the window's number
  bool keyed;       // the key goes before the inputs
  uint64_t key;
  const float* inputs;
  size_t floats;     // of inputs in all
  uint32_t width;    // of one state or row
  uint32_t outputs;  // of one state, 0: none come
};
// Puts it into a free slot. OK, SERVER_GONE, SLOTS_BUSY.
tickmlp_client_status put(tickmlp_client* client, const Question& question, uint64_t* ticket);
// As tickmlp_client_receive(); a ticket is forgotten at its deadline.
tickmlp_client_status receive_or_forget(tickmlp_client* client, uint64_t ticket, float* outputs, uint64_t deadline_ns,
                                        tickmlp_client_answer* answer);
// Whether a ticket's answer is not there yet, be it waited for or forgotten.
bool is_due(const tickmlp_client* client, uint64_t ticket);
// Until it is: OK, DEADLINE, SERVER_GONE.
tickmlp_client_status wait_until_done(tickmlp_client* client, uint64_t ticket, uint64_t deadline_ns);
// OK with a link that can be used, else SERVER_GONE. Never waits.
inline tickmlp_client_status be_ready(tickmlp_client* client) {
  const bool ready = client->link == Link::kReady || advance_link(client, nullptr) == TICKMLP_CLIENT_OK;
  return ready ? TICKMLP_CLIENT_OK : TICKMLP_CLIENT_SERVER_GONE;
}
inline bool misaligned(const float* pointer) {
  return pointer == nullptr || reinterpret_cast<uintptr_t>(pointer) % 4 != 0;
}
// Whether the server still holds its end: one system call.
bool server_lives(const tickmlp_client* client);
// Gives socket and ring back.
void drop_link(tickmlp_client* client);

}  // namespace tickmlp::client
#endif
