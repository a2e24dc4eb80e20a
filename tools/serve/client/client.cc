// SPDX-License-Identifier: Apache-2.0
// What is done once: opening, closing, finding models.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client.h"

namespace tickmlp::client {

tickmlp_client_status fail(tickmlp_client_error* error, tickmlp_client_status status, const char* format, ...) {
  if (error != nullptr) {
    error->status = status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
  }
  return status;
}

namespace {

constexpr uint32_t kSlots = 4, kInputFloats = 8192, kOutputFloats = 2048;
constexpr uint64_t kConnectNs = 1'000'000'000;

shared::Geometry geometry_of(const tickmlp_client_options& options) {
  return {options.slots != 0 ? options.slots : kSlots, options.input_floats != 0 ? options.input_floats : kInputFloats,
          options.output_floats != 0 ? options.output_floats : kOutputFloats};
}

// Sends the question and waits for its one answer, which is then in client->reply.
tickmlp_client_status ask(tickmlp_client* client, const shared::Message& question, uint64_t end_ns,
                          tickmlp_client_error* error) {
  if (!send_message(client, question))
    return fail(error, TICKMLP_CLIENT_SERVER_GONE, "the server at %s ended", client->address.sun_path);
  client->replies_due = 1;
  client->link = Link::kJoining;
  return wait_for_link(client, end_ns, error);
}

void take_name(const tickmlp_client* client, char* name) {
  strncpy(name, client->reply.text, TICKMLP_CLIENT_NAME_BYTES - 1);
  name[TICKMLP_CLIENT_NAME_BYTES - 1] = 0;
}

// Once there is a server, that it is not there is news of its end.
tickmlp_client_status ready(tickmlp_client* client, uint64_t end_ns, tickmlp_client_error* error) {
  const auto status = wait_for_link(client, end_ns, error);
  if (status != TICKMLP_CLIENT_NO_SERVER) return status;
  if (error != nullptr) error->status = TICKMLP_CLIENT_SERVER_GONE;
  return TICKMLP_CLIENT_SERVER_GONE;
}

// The model's handle; model_count where it is new.
uint32_t known_handle(const tickmlp_client* client, const char* name, uint64_t version) {
  uint32_t i = 0;
  while (i < client->model_count && (client->models[i].version != version || strcmp(client->models[i].name, name) != 0))
    ++i;
  return i;
}

}  // namespace
}  // namespace tickmlp::client

extern "C" {

using namespace tickmlp::client;

tickmlp_client_status tickmlp_client_open(const char* path, const tickmlp_client_options* options,
                                          tickmlp_client** client, tickmlp_client_error* error) {
  if (path == nullptr || client == nullptr) return fail(error, TICKMLP_CLIENT_BAD_ARGUMENT, "path or client is NULL");
  const tickmlp_client_options wanted = options != nullptr ? *options : tickmlp_client_options{};
  const tickmlp::shared::Geometry geometry = geometry_of(wanted);
  if (!geometry.valid())
    return fail(error, TICKMLP_CLIENT_BAD_ARGUMENT, "%u slots of %u and %u floats; expected up to %u of up to %u",
                geometry.slots, geometry.input_floats, geometry.output_floats, tickmlp::shared::kMaxSlots,
                tickmlp::shared::kMaxFloats);
  auto* made = static_cast<tickmlp_client*>(calloc(1, sizeof(tickmlp_client)));
  if (made == nullptr) return fail(error, TICKMLP_CLIENT_OUT_OF_MEMORY, "%zu bytes", sizeof(tickmlp_client));
  made->socket = -1;
  made->geometry = geometry;
  made->address.sun_family = AF_UNIX;
  tickmlp_client_status status = TICKMLP_CLIENT_OK;
  if (path[0] == 0 || strlen(path) >= sizeof made->address.sun_path)
    status = fail(error, TICKMLP_CLIENT_BAD_ARGUMENT, "a path of %zu bytes; expected 1 to %zu", strlen(path),
                  sizeof made->address.sun_path - 1);
  else strcpy(made->address.sun_path, path);
  const uint64_t limit = wanted.connect_ns != 0 ? wanted.connect_ns : kConnectNs;
  if (status == TICKMLP_CLIENT_OK) status = wait_for_link(made, later(now_ns(), limit), error);
  if (status != TICKMLP_CLIENT_OK) {
    tickmlp_client_close(made);
    return status;
  }
  *client = made;
  return TICKMLP_CLIENT_OK;
}

void tickmlp_client_close(tickmlp_client* client) {
  if (client == nullptr) return;
  drop_link(client);
  free(client);
}

tickmlp_client_status tickmlp_client_find(tickmlp_client* client, const char* name, uint64_t generation,
                                          uint64_t deadline_ns, tickmlp_client_model* out,
                                          tickmlp_client_error* error) {
  if (client == nullptr || name == nullptr || out == nullptr || name[0] == 0 ||
      strlen(name) >= tickmlp::shared::kNameBytes)
    return fail(error, TICKMLP_CLIENT_BAD_ARGUMENT, "a NULL, or a name that is not 1 to %u bytes long",
                tickmlp::shared::kNameBytes - 1);
  const uint32_t handle = known_handle(client, name, generation);
  if (handle == tickmlp::shared::kMaxHandles)
    return fail(error, TICKMLP_CLIENT_BAD_ARGUMENT, "more than %u models", tickmlp::shared::kMaxHandles);
  const uint64_t end_ns = later(now_ns(), deadline_ns);
  if (const auto status = ready(client, end_ns, error)) return status;
  Model& model = client->models[handle];
  if (handle == client->model_count) {
    model = Model{};
    strcpy(model.name, name);
    model.version = generation;
    client->model_count += 1;
  }
  if (const auto status = ask(client, resolve_message(client, handle), end_ns, error)) return status;
  const tickmlp::shared::Message& reply = client->reply;
  if (reply.status != TICKMLP_CLIENT_OK) {
    if (handle + 1 == client->model_count && model.inputs == 0) client->model_count -= 1;
    return fail(error, status_of(reply.status), "%s", reply.text);
  }
  model.inputs = reply.inputs;
  model.outputs = reply.outputs;
  model.columns = reply.columns;
  model.arms = reply.arms;
  model.changed = false;
  *out = {handle, model.inputs, model.outputs, model.generation, reply.rows, reply.columns, reply.arms};
  return TICKMLP_CLIENT_OK;
}

tickmlp_client_status tickmlp_client_list(tickmlp_client* client, uint32_t index, uint64_t deadline_ns, char* name,
                                          tickmlp_client_error* error) {
  if (client == nullptr || name == nullptr) return fail(error, TICKMLP_CLIENT_BAD_ARGUMENT, "client or name is NULL");
  const uint64_t end_ns = later(now_ns(), deadline_ns);
  if (const auto status = ready(client, end_ns, error)) return status;
  const auto question = make_message(tickmlp::shared::kList, index, "");
  if (const auto status = ask(client, question, end_ns, error)) return status;
  if (client->reply.status != TICKMLP_CLIENT_OK)
    return fail(error, TICKMLP_CLIENT_NO_MODEL, "the server has no model number %u", index);
  take_name(client, name);
  return TICKMLP_CLIENT_OK;
}

tickmlp_client_status tickmlp_client_arm(tickmlp_client* client, uint32_t handle, uint32_t arm, uint64_t deadline_ns,
                                         char* name, tickmlp_client_error* error) {
  if (client == nullptr || name == nullptr || handle >= client->model_count)
    return fail(error, TICKMLP_CLIENT_BAD_ARGUMENT, "client or name is NULL, or an unknown handle");
  const uint64_t end_ns = later(now_ns(), deadline_ns);
  if (const auto status = ready(client, end_ns, error)) return status;
  auto question = make_message(tickmlp::shared::kArm, handle, "");
  question.inputs = arm;
  if (const auto status = ask(client, question, end_ns, error)) return status;
  if (client->reply.status != TICKMLP_CLIENT_OK)
    return fail(error, TICKMLP_CLIENT_NO_MODEL, "%s has no arm number %u", client->models[handle].name, arm);
  take_name(client, name);
  return TICKMLP_CLIENT_OK;
}

}  // extern "C"
