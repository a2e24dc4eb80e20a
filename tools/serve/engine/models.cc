// SPDX-License-Identifier: Apache-2.0
#include "serve/engine/models.h"
#include "serve/steady_clock.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace tickmlp::serve {

Reader::Reader(std::shared_ptr<Slot> slot, const std::string& thread_name) : slot_(std::move(slot)) {
  tickmlp_error error{};
  if (tickmlp_reader_create(slot_->swap(), nullptr, thread_name.c_str(), &reader_, &error) != TICKMLP_OK)
    throw std::runtime_error(error.message);
}
Reader::~Reader() { tickmlp_reader_free(reader_); }
Reader::Reader(Reader&& other) noexcept
    : slot_(std::move(other.slot_)), reader_(std::exchange(other.reader_, nullptr)) {}

bool ThreadModel::has_version(std::uint64_t generation) const {
  const tickmlp_held* held = tickmlp_reader_take(current.get());
  const bool is_current = held->generation == generation;
  tickmlp_reader_release(current.get());
  return is_current ||
         std::any_of(others.begin(), others.end(), [&](const auto& other) { return other.first == generation; });
}

void Models::refresh() {
  const std::uint64_t number = repository_.number();
  const std::uint64_t shadow_number = shadows_ != nullptr ? shadows_->number() : 0;
  if (number == number_ && shadow_number == shadow_number_) return;
  if (number != number_) follow_catalogue();
  if (shadows_ != nullptr) follow_shadows();
  number_ = number;
  shadow_number_ = shadow_number;
}

void Models::follow_shadows() {
  const auto current = shadows_->current();
  for (auto& [name, model] : models_) {
    const auto place = current.find(name);
    const std::shared_ptr<Shadow> next = place == current.end() ? nullptr : place->second;
    if (next != model.shadow.owner()) model.shadow = ShadowSeat(next);
  }
}

void Models::follow_catalogue() {
  const std::shared_ptr<const Catalogue> catalogue = repository_.catalogue();
  std::erase_if(models_, [&](const auto& model) { return !catalogue->contains(model.first); });
  for (const auto& [name, served] : *catalogue) {
    auto place = models_.find(name);
    // The same name with another slot is another model: it was unloaded and loaded again.
    if (place != models_.end() && place->second.served->current != served->current) {
      models_.erase(place);
      place = models_.end();
    }
    if (place == models_.end())
      place = models_
                  .emplace(name, ThreadModel{served,
                                             Reader(served->current, name_),
                                             {},
                                             std::make_unique<Breaker>(breaker_, served->current->breaker)})
                  .first;
    ThreadModel& model = place->second;
    model.generation = served->current->state().generation;
    if (model.figures == nullptr && metrics_ != nullptr) model.figures = &metrics_->model(*figures_, name);
    model.served = served;
    std::vector<std::pair<std::uint64_t, Reader>> others;
    for (const auto& [generation, slot] : served->others) {
      const auto kept = std::find_if(model.others.begin(), model.others.end(),
                                     [&slot = slot](const auto& other) { return other.second.slot() == slot; });
      others.emplace_back(generation, kept != model.others.end() ? std::move(kept->second) : Reader(slot, name_));
    }
    model.others.swap(others);
  }
}

ThreadModel* Models::find(std::string_view name) {
  const auto place = models_.find(name);
  return place == models_.end() ? nullptr : &place->second;
}

namespace {

Refusal refused(tickmlp_status status, std::size_t state) {
  switch (status) {
    case TICKMLP_OK: return {};
    case TICKMLP_NON_FINITE_INPUT:
      return {Code::bad_request, "non-finite-input: state " + std::to_string(state) +
                                     " has a NaN or an infinity: expected finite numbers"};
    case TICKMLP_NON_FINITE_OUTPUT:
      return {Code::internal, "non-finite-output: state " + std::to_string(state) + " drives the model to an infinity"};
    default: return {Code::internal, tickmlp_status_name(status)};
  }
}

}  // namespace

// Of the model that is held: out of the cache, or computed. Releases it.
Inferred Models::ask(const ThreadModel& model, tickmlp_reader* reader, const tickmlp_held* held,
                     std::span<const float> inputs, std::size_t states, float* outputs, bool timed) {
  const Shape& shape = model.served->shape;
  Inferred out;
  out.generation = held->generation;
  const auto now = [&] { return timed ? ticks() : 0; };
  out.begin = out.computing = now();
  Cache::Question question{tickmlp_model_describe(held->model)->blob_sha256, inputs, states * shape.outputs};
  const bool asks_cache = cache_ && Cache::fits(question);  // whose inputs nobody changes: not those of a ring
  if (asks_cache) {
    question.hash = cache_->hash_of(question);
    const float* found = cache_->find(question, now_ns_);
    if (found != nullptr) std::copy_n(found, question.outputs, outputs);
    out.cached = found != nullptr;
    out.end = out.computing = now();
    if (model.figures != nullptr) model.figures->looked_up(out.generation, out.cached, ns(out.begin, out.end));
  }
  if (!out.cached) {
    std::size_t done = 0;
    const tickmlp_status status =
        states == 1 ? tickmlp_infer(held->session, inputs.data(), shape.inputs, outputs, shape.outputs)
                    : tickmlp_infer_batch(held->session, inputs.data(), states, outputs, &done);
    out.end = now();
    out.status = status;
    out.done = done;
    if (status == TICKMLP_OK && asks_cache) cache_->insert(question, outputs, now_ns_);
  }
  tickmlp_reader_release(reader);
  out.refusal = refused(out.status, out.done);  // last: what throws holds no model
  return out;
}

Reader* reader_of(ThreadModel& model, std::optional<std::uint64_t> version) {
  if (version)
    for (auto& [generation, reader] : model.others)
      if (generation == *version) return &reader;
  return &model.current;
}

std::vector<std::uint64_t> versions_of(const ThreadModel& model) {
  std::vector<std::uint64_t> out{model.served->current->state().generation};
  for (const auto& [generation, reader] : model.others)  // the current one may be among them
    if (generation != out.front()) out.push_back(generation);
  return out;
}

void offer_to_shadow(const ThreadModel& model, const float* inputs, std::size_t states, const float* outputs) {
  if (model.shadow.get() == nullptr) return;
  const Shape& shape = model.served->shape;
  for (std::size_t i = 0; i < states; ++i)
    tickmlp_shadow_offer(model.shadow.get(), inputs + i * shape.inputs, outputs + i * shape.outputs);
}

// The newest generation below this one.
Reader* Models::fallback(ThreadModel& model, std::uint64_t generation) const {
  std::pair<std::uint64_t, Reader>* best = nullptr;
  for (auto& other : model.others)
    if (other.first < generation && (best == nullptr || other.first > best->first)) best = &other;
  return best == nullptr ? nullptr : &best->second;
}

Inferred Models::infer(ThreadModel& model, std::optional<std::uint64_t> version, std::span<const float> inputs,
                       std::size_t states, float* outputs, bool timed) {
  tickmlp_reader* reader = model.current.get();
  const tickmlp_held* held = tickmlp_reader_take(reader);
  if (version && *version != held->generation) {
    tickmlp_reader_release(reader);
    const auto other =
        std::find_if(model.others.begin(), model.others.end(), [&](const auto& one) { return one.first == *version; });
    if (other == model.others.end())
      return {{Code::not_found, "model " + model.served->name + " has no version " + std::to_string(*version)}};
    reader = other->second.get();
    return ask(model, reader, tickmlp_reader_take(reader), inputs, states, outputs, timed);
  }
  const std::uint64_t generation = held->generation;
  Breaker& breaker = *model.breaker;
  const bool allowed = breaker.allows(held->number, steady_ns);
  if (version || allowed) {  // who asks for this very generation gets no other
    const bool probe = breaker.state() != Breaker::State::closed;
    Inferred inferred = ask(model, reader, held, inputs, states, outputs, timed);
    if (inferred.refusal.code != Code::internal) {
      if (!inferred.refusal) breaker.succeeded();
      inferred.watched = !inferred.refusal;
      return inferred;
    }
    breaker.failed(steady_ns);
    if (version || !probe) return inferred;
  } else {
    tickmlp_reader_release(reader);
  }
  Reader* older = fallback(model, generation);
  if (older == nullptr)
    return {{Code::unavailable, "model " + model.served->name + ": the breaker over generation " +
                                    std::to_string(generation) +
                                    " is open, and no older one is loaded: try again later"}};
  model.served->current->breaker.fallbacks.fetch_add(1, std::memory_order_relaxed);
  return ask(model, older->get(), tickmlp_reader_take(older->get()), inputs, states, outputs, timed);
}

}  // namespace tickmlp::serve
