// SPDX-License-Identifier: Apache-2.0
// Windows: what the client has to know of them is their number, their model, and their last request.
#include "client.h"

namespace tickmlp::client {
namespace {

using shared::kMaxWindows;

// A window that can be asked, and its model. OK or why not.
tickmlp_client_status find(tickmlp_client* client, uint32_t number, Window** window, const Model** model) {
  if (client == nullptr || number >= kMaxWindows || !client->window[number].open) return TICKMLP_CLIENT_BAD_ARGUMENT;
  if (const auto status = be_ready(client)) return status;
  *window = &client->window[number];
  *model = &client->models[(*window)->handle];
  return (*model)->changed ? TICKMLP_CLIENT_MODEL_CHANGED : TICKMLP_CLIENT_OK;
}

// One request and its answer, after the window's last one. `inputs` of the question are the caller's.
tickmlp_client_status ask(tickmlp_client* client, Window* window, const Question& question, float* outputs,
                          uint64_t deadline_ns, tickmlp_client_answer* answer) {
  if (is_due(client, window->ticket)) {
    const uint64_t end_ns = later(now_ns(), deadline_ns);
    if (const auto status = wait_until_done(client, window->ticket, deadline_ns)) return status;
    const uint64_t now = now_ns();
    deadline_ns = end_ns > now ? end_ns - now : 0;
  }
  if (const auto status = put(client, question, &window->ticket)) return status;
  return receive_or_forget(client, window->ticket, outputs, deadline_ns, answer);
}

// A row for the window. OK or why not.
tickmlp_client_status tick_of(tickmlp_client* client, uint32_t number, const float* row, Window** window,
                              Question* out) {
  const Model* model = nullptr;
  if (misaligned(row)) return TICKMLP_CLIENT_BAD_ARGUMENT;
  if (const auto status = find(client, number, window, &model)) return status;
  if ((*window)->in_doubt) return TICKMLP_CLIENT_WINDOW_EMPTY;
  if (model->columns > client->geometry.input_floats || model->outputs > client->geometry.output_floats)
    return TICKMLP_CLIENT_TOO_LARGE;
  *out = {shared::kTick, (*window)->handle, number, false, 0, row, model->columns, model->columns, model->outputs};
  return TICKMLP_CLIENT_OK;
}

}  // namespace
}  // namespace tickmlp::client

extern "C" {

using namespace tickmlp::client;

tickmlp_client_status tickmlp_client_window_open(tickmlp_client* client, uint32_t handle, uint64_t key,
                                                 uint32_t* window, tickmlp_client_error* error) {
  if (client == nullptr || window == nullptr || handle >= client->model_count || client->models[handle].inputs == 0)
    return fail(error, TICKMLP_CLIENT_BAD_ARGUMENT, "client or window is NULL, or handle %u was not found yet", handle);
  if (const auto status = be_ready(client)) return fail(error, status, "no server at %s", client->address.sun_path);
  const Model& model = client->models[handle];
  if (model.changed) return fail(error, TICKMLP_CLIENT_MODEL_CHANGED, "%s has another shape now", model.name);
  if (model.columns == 0) return fail(error, TICKMLP_CLIENT_NO_WINDOW, "%s was exported without a window", model.name);
  uint32_t number = 0;
  while (number < client->windows && client->window[number].open) ++number;
  if (number == client->windows)
    return fail(error, TICKMLP_CLIENT_WINDOW_LIMIT, "all %u windows of a client are open", client->windows);
  Window& opened = client->window[number];
  opened = {true, true, handle, key, opened.ticket};  // in doubt until its first reset
  *window = number;
  return TICKMLP_CLIENT_OK;
}

void tickmlp_client_window_close(tickmlp_client* client, uint32_t window) {
  if (client == nullptr || window >= kMaxWindows || !client->window[window].open) return;
  Window& closed = client->window[window];
  closed.open = false;
  // Where it cannot be told now, the number's next window takes the place, or the client's end ends it.
  const Question question = {tickmlp::shared::kClose, closed.handle, window, false, 0, nullptr, 0, 0, 0};
  if (client->link == Link::kReady && !is_due(client, closed.ticket) &&
      put(client, question, &closed.ticket) == TICKMLP_CLIENT_OK)
    tickmlp_client_forget(client, closed.ticket);
}

tickmlp_client_status tickmlp_client_window_reset(tickmlp_client* client, uint32_t window, const float* state,
                                                  uint64_t deadline_ns, tickmlp_client_answer* answer) {
  Window* asked = nullptr;
  const Model* model = nullptr;
  if (answer != nullptr) *answer = tickmlp_client_answer{};
  if (misaligned(state)) return TICKMLP_CLIENT_BAD_ARGUMENT;
  if (const auto status = find(client, window, &asked, &model)) return status;
  if (model->inputs > client->geometry.input_floats) return TICKMLP_CLIENT_TOO_LARGE;
  const Question question = {tickmlp::shared::kReset, asked->handle, window, true, asked->key, state,
                             model->inputs,           model->inputs, 0};
  const auto status = ask(client, asked, question, nullptr, deadline_ns, answer);
  if (status == TICKMLP_CLIENT_OK) asked->in_doubt = false;
  if (status == TICKMLP_CLIENT_DEADLINE) asked->in_doubt = true;
  return status;
}

tickmlp_client_status tickmlp_client_window_tick(tickmlp_client* client, uint32_t window, const float* row,
                                                 float* outputs, uint64_t deadline_ns, tickmlp_client_answer* answer) {
  Window* asked = nullptr;
  Question question;
  if (answer != nullptr) *answer = tickmlp_client_answer{};
  if (misaligned(outputs)) return TICKMLP_CLIENT_BAD_ARGUMENT;
  if (const auto status = tick_of(client, window, row, &asked, &question)) return status;
  return ask(client, asked, question, outputs, deadline_ns, answer);
}

tickmlp_client_status tickmlp_client_window_send(tickmlp_client* client, uint32_t window, const float* row,
                                                 uint64_t* ticket) {
  Window* asked = nullptr;
  Question question;
  if (ticket == nullptr) return TICKMLP_CLIENT_BAD_ARGUMENT;
  if (const auto status = tick_of(client, window, row, &asked, &question)) return status;
  if (is_due(client, asked->ticket)) return TICKMLP_CLIENT_SLOTS_BUSY;
  const auto status = put(client, question, &asked->ticket);
  *ticket = asked->ticket;
  return status;
}

tickmlp_client_status tickmlp_client_window_advance(tickmlp_client* client, uint32_t window, uint64_t deadline_ns,
                                                    tickmlp_client_answer* answer) {
  Window* asked = nullptr;
  const Model* model = nullptr;
  if (answer != nullptr) *answer = tickmlp_client_answer{};
  if (const auto status = find(client, window, &asked, &model)) return status;
  if (asked->in_doubt) return TICKMLP_CLIENT_WINDOW_EMPTY;
  const Question question = {tickmlp::shared::kAdvance, asked->handle, window, false, 0, nullptr, 0, 0, 0};
  const auto status = ask(client, asked, question, nullptr, deadline_ns, answer);
  if (status == TICKMLP_CLIENT_DEADLINE) asked->in_doubt = true;
  return status;
}

}  // extern "C"
