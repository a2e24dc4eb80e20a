// SPDX-License-Identifier: Apache-2.0
// What a client's handles mean, and the names that it may ask for.
#include "serve/client/tickmlp_client.h"
#include "serve/shared/shared_server.h"

namespace tickmlp::shared {
namespace {

Message reply_of(Kind kind, std::uint32_t handle) {
  Message reply{};
  reply.magic = kMagic;
  reply.kind = kind;
  reply.handle = handle;
  return reply;
}

Message with(Message reply, tickmlp_client_status status, std::string_view text) {
  reply.status = status;
  text.copy(reply.text, sizeof reply.text - 1);
  return reply;
}

Meaning meaning_of(const std::string& name, std::optional<std::uint64_t> version, const serve::Splits& splits,
                   bool is_model) {
  Meaning out{name, version, nullptr, {}};
  const auto place = is_model ? splits.end() : splits.find(name);  // a model goes before a split of its name
  if (place != splits.end()) {
    out.split = &place->second;
    for (const std::string& arm : place->second.models) out.targets.push_back({arm});
  } else {
    out.targets.push_back({name});
  }
  return out;
}

}  // namespace

// Of a split the first arm speaks for what all have in common.
Message SharedServer::resolve(Attached* client, const Message& question) const {
  Message reply = reply_of(kResolved, question.handle);
  if (question.handle >= kMaxHandles) return with(reply, TICKMLP_CLIENT_BAD_ARGUMENT, "a handle above the largest");
  auto& known = client->meanings[question.handle];
  const auto catalogue = repository_.catalogue();
  const auto version = question.generation != 0 ? std::optional(question.generation) : std::nullopt;
  auto fresh = known != nullptr ? nullptr
                                : std::make_unique<Meaning>(meaning_of(question.text, version, options_.splits,
                                                                       catalogue->contains(question.text)));
  const Meaning& asked = known != nullptr ? *known : *fresh;
  const auto place = catalogue->find(asked.targets[0].name);
  const serve::Served* served = place == catalogue->end() ? nullptr : place->second.get();
  if (served != nullptr) reply.generation = served->current->state().generation;
  const bool has_version = served != nullptr && (!asked.version || *asked.version == reply.generation ||
                                                 served->others.contains(*asked.version));
  if (known == nullptr && (has_version || question.inputs != 0)) {
    known = std::move(fresh);
    client->has_meaning[question.handle].store(true, std::memory_order_release);
  }
  if (served == nullptr)
    return with(reply, TICKMLP_CLIENT_NO_MODEL, "no model " + serve::quote(question.text) + " is served");
  if (!has_version)
    return with(reply, TICKMLP_CLIENT_NO_VERSION, "the model has no version " + std::to_string(*asked.version));
  if (asked.version) reply.generation = *asked.version;
  reply.inputs = served->shape.inputs;
  reply.outputs = served->shape.outputs;
  reply.rows = served->shape.window_rows;
  reply.columns = served->shape.window_columns;
  if (asked.split != nullptr) reply.arms = static_cast<std::uint32_t>(asked.targets.size());
  return reply;
}

// Models by their number, then splits.
Message SharedServer::list(const Message& question) const {
  const Message reply = reply_of(kListed, question.handle);
  const auto catalogue = repository_.catalogue();
  std::size_t at = question.handle;
  if (at < catalogue->size()) return with(reply, TICKMLP_CLIENT_OK, std::next(catalogue->begin(), at)->first);
  at -= catalogue->size();
  if (at >= options_.splits.size()) return with(reply, TICKMLP_CLIENT_NO_MODEL, "");
  return with(reply, TICKMLP_CLIENT_OK, std::next(options_.splits.begin(), at)->first);
}

Message SharedServer::arm(const Attached& client, const Message& question) {
  const Message reply = reply_of(kListed, question.handle);
  const Meaning* meaning = question.handle < kMaxHandles ? client.meanings[question.handle].get() : nullptr;
  if (meaning == nullptr || question.inputs >= meaning->targets.size())
    return with(reply, TICKMLP_CLIENT_NO_MODEL, "no such arm");
  return with(reply, TICKMLP_CLIENT_OK, meaning->targets[question.inputs].name);
}

Message SharedServer::look_up(Attached* client, const Message& question) {
  Message reply;
  try {
    reply = question.kind == kResolve ? resolve(client, question)
            : question.kind == kList  ? list(question)
                                      : arm(*client, question);
  } catch (const std::exception&) {  // this question's end, and nobody else's
    reply = with(reply_of(question.kind == kResolve ? kResolved : kListed, question.handle),
                 TICKMLP_CLIENT_SERVER_ERROR, "out of memory");
  }
  if (question.kind == kResolve && reply.status != TICKMLP_CLIENT_OK)
    visits_.refused(client->who, reply.text, question.text);
  return reply;
}

}  // namespace tickmlp::shared
