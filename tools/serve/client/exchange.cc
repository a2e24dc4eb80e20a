// SPDX-License-Identifier: Apache-2.0
// The hot path: a request into the ring, its answer out of it.
#include <sched.h>
#include <string.h>

#include "client.h"

namespace tickmlp::client {
namespace {

using shared::Answer;
using shared::Request;

constexpr uint32_t kSpins = 1024;             // between two looks at the clock: 2 us without a pause, then 30
constexpr uint32_t kEmptyLooks = 256;         // of receives without a deadline: a look at the server costs 0.3 us
constexpr uint64_t kLookAtServerNs = 50'000;  // every so often while an answer is late

Answer* answer_of(const tickmlp_client* client, uint32_t slot) {
  return reinterpret_cast<Answer*>(client->segment + client->geometry.answer(slot));
}
Request* request_of(const tickmlp_client* client, uint32_t slot) {
  return reinterpret_cast<Request*>(client->segment + client->geometry.request(slot));
}
bool answered(const tickmlp_client* client, uint32_t slot) {
  return shared::load_acquire(&answer_of(client, slot)->sequence) == client->slots[slot].sequence;
}

// The lowest free one, whose lines are the warmest; slots where there is none.
uint32_t free_slot(tickmlp_client* client) {
  for (uint32_t i = 0; i < client->geometry.slots; ++i) {
    Slot& slot = client->slots[i];
    if (slot.state == SlotState::kForgotten && answered(client, i)) slot.state = SlotState::kFree;
    if (slot.state == SlotState::kFree) return i;
  }
  return client->geometry.slots;
}

// A slot in the low 6 bits, then its sequence, then the connection.
uint64_t ticket_of(const tickmlp_client* client, uint32_t slot) {
  return static_cast<uint64_t>(client->connection) << 38 | static_cast<uint64_t>(client->slots[slot].sequence) << 6 |
         slot;
}
bool is_waiting(const tickmlp_client* client, uint64_t ticket) {
  const auto slot = static_cast<uint32_t>(ticket % shared::kMaxSlots);
  return client->link != Link::kGone && client->slots[slot].state == SlotState::kWaiting &&
         ticket == ticket_of(client, slot);
}

// OK, DEADLINE or SERVER_GONE.
tickmlp_client_status wait_for_answer(tickmlp_client* client, uint32_t slot, uint64_t deadline_ns) {
  if (answered(client, slot)) return TICKMLP_CLIENT_OK;
  if (deadline_ns == 0) {
    if (++client->empty_looks % kEmptyLooks != 0 || server_lives(client)) return TICKMLP_CLIENT_DEADLINE;
    return answered(client, slot) ? TICKMLP_CLIENT_OK : TICKMLP_CLIENT_SERVER_GONE;
  }
  uint64_t end_ns = 0, look_ns = 0;
  for (;;) {
    for (uint32_t i = 0; i < kSpins; ++i) {
      if (answered(client, slot)) return TICKMLP_CLIENT_OK;
      if (end_ns != 0) shared::relax();
    }
    const uint64_t now = now_ns();
    if (end_ns == 0) {
      end_ns = later(now, deadline_ns);
      look_ns = now + kLookAtServerNs;
    }
    if (now >= end_ns) return TICKMLP_CLIENT_DEADLINE;
    if (now < look_ns) continue;
    if (!server_lives(client)) return answered(client, slot) ? TICKMLP_CLIENT_OK : TICKMLP_CLIENT_SERVER_GONE;
    sched_yield();  // the server may be waiting for this very core
    look_ns = now + kLookAtServerNs;
  }
}

tickmlp_client_status take_answer(tickmlp_client* client, uint32_t index, float* outputs,
                                  tickmlp_client_answer* answer) {
  Slot& slot = client->slots[index];
  const Answer from = *answer_of(client, index);
  slot.state = SlotState::kFree;
  if (answer != nullptr) *answer = {from.generation, from.failed_state, from.arm};
  if (from.status != TICKMLP_CLIENT_OK) return status_of(from.status);
  if (from.outputs != slot.outputs) {
    client->models[slot.handle].changed = true;
    return TICKMLP_CLIENT_MODEL_CHANGED;
  }
  if (slot.outputs != 0) memcpy(outputs, answer_of(client, index) + 1, sizeof(float) * slot.states * slot.outputs);
  return TICKMLP_CLIENT_OK;
}

// `states` of a model. OK or why not.
tickmlp_client_status question_of(tickmlp_client* client, uint32_t handle, const float* inputs, size_t states,
                                  Question* out) {
  if (misaligned(inputs) || states == 0 || handle >= client->model_count || client->models[handle].inputs == 0)
    return TICKMLP_CLIENT_BAD_ARGUMENT;
  if (const auto status = be_ready(client)) return status;
  const Model& model = client->models[handle];
  if (model.changed) return TICKMLP_CLIENT_MODEL_CHANGED;
  if (states > shared::kMaxStates || states * model.inputs > client->geometry.input_floats ||
      states * model.outputs > client->geometry.output_floats)
    return TICKMLP_CLIENT_TOO_LARGE;
  *out = {shared::kInfer, handle,       static_cast<uint32_t>(states), false, 0, inputs, states * model.inputs,
          model.inputs,   model.outputs};
  return TICKMLP_CLIENT_OK;
}

}  // namespace

tickmlp_client_status put(tickmlp_client* client, const Question& question, uint64_t* ticket) {
  const uint32_t index = free_slot(client);
  if (index == client->geometry.slots)
    return server_lives(client) ? TICKMLP_CLIENT_SLOTS_BUSY : TICKMLP_CLIENT_SERVER_GONE;
  Slot& slot = client->slots[index];
  slot = {SlotState::kWaiting, slot.sequence + 1, question.handle,
          question.kind <= shared::kKeyedInfer ? question.states : 1, question.outputs};
  Request* to = request_of(client, index);
  auto* payload = reinterpret_cast<unsigned char*>(to + 1);
  if (question.keyed) {
    memcpy(payload, &question.key, sizeof question.key);
    payload += shared::kKeyBytes;
  }
  if (question.floats != 0) memcpy(payload, question.inputs, sizeof(float) * question.floats);
  to->kind = question.kind;
  to->handle = static_cast<uint8_t>(question.handle);
  to->states = static_cast<uint16_t>(question.states);
  to->inputs = question.width;
  shared::store_release(&to->sequence, slot.sequence);
  *ticket = ticket_of(client, index);

  if (client->sleeps) {
    // Either the server sees the request before it sleeps, or this sees that it sleeps.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (shared::load_relaxed(reinterpret_cast<const uint32_t*>(client->segment)) != 0 &&
        !send_message(client, make_message(shared::kWake, 0, "")))
      return TICKMLP_CLIENT_SERVER_GONE;
  }
  return TICKMLP_CLIENT_OK;
}

bool is_due(const tickmlp_client* client, uint64_t ticket) {
  const auto slot = static_cast<uint32_t>(ticket % shared::kMaxSlots);
  return client->link == Link::kReady && slot < client->geometry.slots &&
         client->slots[slot].state != SlotState::kFree && ticket == ticket_of(client, slot) && !answered(client, slot);
}
tickmlp_client_status wait_until_done(tickmlp_client* client, uint64_t ticket, uint64_t deadline_ns) {
  const auto status = wait_for_answer(client, static_cast<uint32_t>(ticket % shared::kMaxSlots), deadline_ns);
  if (status == TICKMLP_CLIENT_SERVER_GONE) drop_link(client);
  return status;
}

tickmlp_client_status receive_or_forget(tickmlp_client* client, uint64_t ticket, float* outputs, uint64_t deadline_ns,
                                        tickmlp_client_answer* answer) {
  const auto status = tickmlp_client_receive(client, ticket, outputs, deadline_ns, answer);
  if (status == TICKMLP_CLIENT_DEADLINE) tickmlp_client_forget(client, ticket);
  return status;
}

}  // namespace tickmlp::client

extern "C" {

using namespace tickmlp::client;

tickmlp_client_status tickmlp_client_send(tickmlp_client* client, uint32_t handle, const float* inputs, size_t states,
                                          uint64_t* ticket) {
  Question question;
  if (client == nullptr || ticket == nullptr) return TICKMLP_CLIENT_BAD_ARGUMENT;
  if (const auto status = question_of(client, handle, inputs, states, &question)) return status;
  return put(client, question, ticket);
}

tickmlp_client_status tickmlp_client_send_keyed(tickmlp_client* client, uint32_t handle, uint64_t key,
                                                const float* inputs, size_t states, uint64_t* ticket) {
  Question question;
  if (client == nullptr || ticket == nullptr) return TICKMLP_CLIENT_BAD_ARGUMENT;
  if (const auto status = question_of(client, handle, inputs, states, &question)) return status;
  question.kind = tickmlp::shared::kKeyedInfer;
  question.keyed = true;
  question.key = key;
  return put(client, question, ticket);
}

tickmlp_client_status tickmlp_client_receive(tickmlp_client* client, uint64_t ticket, float* outputs,
                                             uint64_t deadline_ns, tickmlp_client_answer* answer) {
  if (client == nullptr) return TICKMLP_CLIENT_BAD_ARGUMENT;
  if (answer != nullptr) *answer = tickmlp_client_answer{};
  if (!is_waiting(client, ticket))
    return ticket >> 38 == client->connection % (1u << 26) ? TICKMLP_CLIENT_BAD_ARGUMENT : TICKMLP_CLIENT_SERVER_GONE;
  const auto index = static_cast<uint32_t>(ticket % tickmlp::shared::kMaxSlots);
  if (client->slots[index].outputs != 0 && misaligned(outputs)) return TICKMLP_CLIENT_BAD_ARGUMENT;
  const auto status = wait_for_answer(client, index, deadline_ns);
  if (status == TICKMLP_CLIENT_OK) return take_answer(client, index, outputs, answer);
  if (status == TICKMLP_CLIENT_SERVER_GONE) drop_link(client);
  return status;
}

void tickmlp_client_forget(tickmlp_client* client, uint64_t ticket) {
  if (client != nullptr && is_waiting(client, ticket))
    client->slots[ticket % tickmlp::shared::kMaxSlots].state = SlotState::kForgotten;
}

tickmlp_client_status tickmlp_client_infer(tickmlp_client* client, uint32_t handle, const float* inputs, size_t states,
                                           float* outputs, uint64_t deadline_ns, tickmlp_client_answer* answer) {
  if (misaligned(outputs)) return TICKMLP_CLIENT_BAD_ARGUMENT;
  uint64_t ticket = 0;
  if (answer != nullptr) *answer = tickmlp_client_answer{};
  if (const auto status = tickmlp_client_send(client, handle, inputs, states, &ticket)) return status;
  return receive_or_forget(client, ticket, outputs, deadline_ns, answer);
}

tickmlp_client_status tickmlp_client_infer_keyed(tickmlp_client* client, uint32_t handle, uint64_t key,
                                                 const float* inputs, size_t states, float* outputs,
                                                 uint64_t deadline_ns, tickmlp_client_answer* answer) {
  if (misaligned(outputs)) return TICKMLP_CLIENT_BAD_ARGUMENT;
  uint64_t ticket = 0;
  if (answer != nullptr) *answer = tickmlp_client_answer{};
  if (const auto status = tickmlp_client_send_keyed(client, handle, key, inputs, states, &ticket)) return status;
  return receive_or_forget(client, ticket, outputs, deadline_ns, answer);
}

}  // extern "C"
