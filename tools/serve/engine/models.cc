// SPDX-License-Identifier: Apache-2.0
#include "serve/engine/models.h"

#include <algorithm>
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
  if (number == number_) return;
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
      place = models_.emplace(name, ThreadModel{served, Reader(served->current, name_), {}}).first;
    ThreadModel& model = place->second;
    model.served = served;
    std::vector<std::pair<std::uint64_t, Reader>> others;
    for (const auto& [generation, slot] : served->others) {
      const auto kept = std::find_if(model.others.begin(), model.others.end(),
                                     [&](const auto& other) { return other.second.slot() == slot; });
      others.emplace_back(generation, kept != model.others.end() ? std::move(kept->second) : Reader(slot, name_));
    }
    model.others.swap(others);
  }
  number_ = number;
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

Inferred Models::infer(ThreadModel& model, std::optional<std::uint64_t> version, std::span<const float> inputs,
                       std::size_t states, float* outputs) {
  tickmlp_reader* reader = model.current.get();
  const tickmlp_held* held = tickmlp_reader_take(reader);
  if (version && *version != held->generation) {
    tickmlp_reader_release(reader);
    const auto other =
        std::find_if(model.others.begin(), model.others.end(), [&](const auto& one) { return one.first == *version; });
    if (other == model.others.end())
      return {{Code::not_found, "model " + model.served->name + " has no version " + std::to_string(*version)}};
    reader = other->second.get();
    held = tickmlp_reader_take(reader);
  }
  const std::uint64_t generation = held->generation;
  const Shape& shape = model.served->shape;
  std::size_t done = 0;
  const tickmlp_status status = states == 1
                                    ? tickmlp_infer(held->session, inputs.data(), shape.inputs, outputs, shape.outputs)
                                    : tickmlp_infer_batch(held->session, inputs.data(), states, outputs, &done);
  tickmlp_reader_release(reader);
  return {refused(status, done), generation, status, done};
}

}  // namespace tickmlp::serve
