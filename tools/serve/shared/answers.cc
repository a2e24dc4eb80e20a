// SPDX-License-Identifier: Apache-2.0
// One request of a ring and its answer.
#include <algorithm>

#include "serve/client/tickmlp_client.h"
#include "serve/shared/poller.h"

namespace tickmlp::shared {
namespace {

// Floats before a row. The int8 tick's masked loads begin up to 60 bytes before it, and where those lie in a page that
// nobody has touched yet, the CPU takes 130 ns for lanes that are masked out.
constexpr std::size_t kBefore = 16;

std::uint32_t status_of(const serve::Inferred& inferred) {
  switch (inferred.refusal.code) {
    case serve::Code::ok: return TICKMLP_CLIENT_OK;
    case serve::Code::not_found: return TICKMLP_CLIENT_NO_VERSION;
    case serve::Code::unavailable: return TICKMLP_CLIENT_UNAVAILABLE;
    default: break;
  }
  switch (inferred.status) {
    case TICKMLP_NON_FINITE_INPUT: return TICKMLP_CLIENT_NON_FINITE_INPUT;
    case TICKMLP_NON_FINITE_OUTPUT: return TICKMLP_CLIENT_NON_FINITE_OUTPUT;
    case TICKMLP_NO_WINDOW: return TICKMLP_CLIENT_NO_WINDOW;
    case TICKMLP_WINDOW_EMPTY: return TICKMLP_CLIENT_WINDOW_EMPTY;
    case TICKMLP_OTHER_MODEL: return TICKMLP_CLIENT_MODEL_CHANGED;
    default: return TICKMLP_CLIENT_SERVER_ERROR;
  }
}

// The first lines of the states, all at once: the kernel reads them one after another, 250 ns more for a tactical state
// where the client's core is far. What comes behind them comes by itself.
void fetch(const float* inputs, std::size_t count) {
  constexpr std::size_t kLine = 64 / sizeof(float), kMost = 32 * kLine;
  for (std::size_t i = 0; i < std::min(count, kMost); i += kLine) __builtin_prefetch(inputs + i);
}

}  // namespace

void Poller::refuse(const Asked& asked, std::uint32_t status, const Answer& answer) {
  asked.client->ring->answer(asked.slot, {0, status, answer.generation, answer.failed_state, answer.arm, 0}, nullptr,
                             0);
}

void Poller::refuse(const Asked& asked, const Chosen& chosen, std::uint32_t status, const Answer& answer) {
  Tally::refused(*chosen.model, answer.generation);
  refuse(asked, status, answer);
}

// The outputs that were computed, or why there are none; then, when the answer is out, what watches the model gets it.
void Poller::give(const Asked& asked, const Chosen& chosen, const serve::Inferred& inferred, std::size_t states) {
  if (inferred.refusal)
    return refuse(asked, chosen, status_of(inferred),
                  {0, 0, inferred.generation, static_cast<std::uint16_t>(inferred.done), chosen.arm, 0});
  const std::uint32_t outputs = states == 0 ? 0 : chosen.model->served->shape.outputs;
  asked.client->ring->answer(asked.slot, {0, TICKMLP_CLIENT_OK, inferred.generation, 0, chosen.arm, outputs},
                             outputs_.data(), states * outputs);
  if (states != 0) tally_->answered(*chosen.model, states, inferred, asked.begin);
}

void Poller::make_room(std::size_t inputs, std::size_t outputs) {
  if (inputs_.size() < inputs) inputs_.resize(inputs);
  if (outputs_.size() < outputs) outputs_.resize(outputs);
}

bool Poller::choose_arm(const Asked& asked, std::uint8_t handle, std::uint16_t arm, Chosen* out) {
  Meaning& meaning = *asked.client->meanings[handle];
  Meaning::Target& target = meaning.targets[arm];
  if (target.catalogue != models_->number()) {
    target.model = models_->find(target.name);
    target.catalogue = models_->number();
  }
  *out = {&meaning, target.model, arm};
  if (target.model != nullptr) return true;
  refuse(asked, meaning.split == nullptr ? TICKMLP_CLIENT_NO_MODEL : TICKMLP_CLIENT_UNAVAILABLE, {0, 0, 0, 0, arm, 0});
  return false;
}

bool Poller::choose(const Asked& asked, bool keyed, Chosen* out) {
  const Request& request = asked.request;
  if (request.handle >= kMaxHandles) return refuse(asked, TICKMLP_CLIENT_BAD_ARGUMENT), false;
  if (!asked.client->has_meaning[request.handle].load(std::memory_order_acquire))
    return refuse(asked, TICKMLP_CLIENT_NO_MODEL), false;
  std::uint32_t arm = 0;
  if (const serve::Split* split = asked.client->meanings[request.handle]->split; split != nullptr) {
    if (!keyed) return refuse(asked, TICKMLP_CLIENT_KEY_EXPECTED), false;
    arm = tickmlp_split_choose(&split->split, asked.client->ring->key(asked.slot));
  }
  return choose_arm(asked, request.handle, static_cast<std::uint16_t>(arm), out);
}

void Poller::answer(Attached* client, std::uint32_t slot) {
  const std::uint64_t begin = tally_->begin();
  const Asked asked{client, slot, client->ring->take(slot), begin};
  try {
    models_->refresh();  // what was loaded before this request was sent answers it
    answer(asked);
  } catch (const std::exception&) {  // out of memory: this request's end, and nobody else's
    refuse(asked, TICKMLP_CLIENT_SERVER_ERROR);
  }
}

// Whatever throws does so before the answer is out.
void Poller::answer(const Asked& asked) {
  switch (asked.request.kind) {
    case kInfer:
    case kKeyedInfer: return infer(asked);
    case kReset: return reset(asked);
    case kTick: return tick(asked);
    case kAdvance: return advance(asked);
    case kClose: return close(asked);
    default: return refuse(asked, TICKMLP_CLIENT_BAD_ARGUMENT);
  }
}

// States are computed from where the client wrote them: their lines come while layer 1 is under way, a state's 80 ns
// sooner than by a copy, sixteen's 900. A client that writes there meanwhile gets what none of its states gives, and
// nothing else comes of it: no kernel goes anywhere by an input's value, a lane is clamped whatever its sum is, and
// outputs that are not finite are refused. What a shadow sees has to last until the answer is out, when the client may
// write the next.
void Poller::infer(const Asked& asked) {
  const Request& request = asked.request;
  const bool keyed = request.kind == kKeyedInfer;
  Chosen chosen;
  if (request.states == 0 || request.states > kMaxStates) return refuse(asked, TICKMLP_CLIENT_BAD_ARGUMENT);
  if (!choose(asked, keyed, &chosen)) return;
  Ring& ring = *asked.client->ring;
  const serve::Shape& shape = chosen.model->served->shape;
  if (request.inputs != shape.inputs) return refuse(asked, chosen, TICKMLP_CLIENT_MODEL_CHANGED);
  const std::size_t inputs = std::size_t{request.states} * shape.inputs;
  const std::size_t outputs = std::size_t{request.states} * shape.outputs;
  if (inputs > ring.geometry().input_floats || outputs > ring.geometry().output_floats)
    return refuse(asked, chosen, TICKMLP_CLIENT_TOO_LARGE);
  make_room(0, outputs);
  const float* states = ring.inputs(asked.slot, keyed);
  if (chosen.model->shadow.get() != nullptr) {
    make_room(inputs, 0);
    ring.copy_inputs(asked.slot, keyed, inputs, inputs_.data());
    states = inputs_.data();
  } else {
    fetch(states, inputs);
  }
  const serve::Inferred inferred = models_->infer(*chosen.model, chosen.meaning->version, {states, inputs},
                                                  request.states, outputs_.data(), asked.begin != 0);
  give(asked, chosen, inferred, request.states);
  if (inferred.watched) serve::offer_to_shadow(*chosen.model, states, request.states, outputs_.data());
}

// Opens the window where it is not open yet; it may be over another model than before.
void Poller::reset(const Asked& asked) {
  const Request& request = asked.request;
  Attached& client = *asked.client;
  Chosen chosen;
  if (request.states >= windows_) return refuse(asked, TICKMLP_CLIENT_WINDOW_LIMIT);
  if (!choose(asked, true, &chosen)) return;
  const serve::Shape& shape = chosen.model->served->shape;
  if (request.inputs != shape.inputs) return refuse(asked, chosen, TICKMLP_CLIENT_MODEL_CHANGED);
  if (shape.inputs > client.ring->geometry().input_floats) return refuse(asked, chosen, TICKMLP_CLIENT_TOO_LARGE);
  make_room(shape.inputs, 0);
  client.ring->copy_inputs(asked.slot, true, shape.inputs, inputs_.data());
  auto next = client.windows[request.states] != nullptr ? nullptr : std::make_unique<OpenWindow>();
  OpenWindow& window = next != nullptr ? *next : *client.windows[request.states];
  const serve::Inferred inferred =
      window.window.reset(*chosen.model, chosen.meaning->version, {inputs_.data(), shape.inputs});
  if (!inferred.refusal) {
    window.handle = request.handle;
    window.arm = chosen.arm;
    if (next != nullptr) client.windows[request.states] = std::move(next);
  }
  give(asked, chosen, inferred, 0);
}

bool Poller::find_window(const Asked& asked, OpenWindow** window, Chosen* chosen) {
  const std::uint32_t number = asked.request.states;
  if (number >= kMaxWindows) return refuse(asked, TICKMLP_CLIENT_BAD_ARGUMENT), false;
  *window = asked.client->windows[number].get();
  if (*window == nullptr) return refuse(asked, TICKMLP_CLIENT_WINDOW_EMPTY), false;
  return choose_arm(asked, (*window)->handle, (*window)->arm, chosen);
}

void Poller::tick(const Asked& asked) {
  OpenWindow* window = nullptr;
  Chosen chosen;
  if (!find_window(asked, &window, &chosen)) return;
  Ring& ring = *asked.client->ring;
  const std::size_t columns = window->window.columns(), outputs = chosen.model->served->shape.outputs;
  if (asked.request.inputs != columns) return refuse(asked, chosen, TICKMLP_CLIENT_MODEL_CHANGED);
  if (columns > ring.geometry().input_floats || outputs > ring.geometry().output_floats)
    return refuse(asked, chosen, TICKMLP_CLIENT_TOO_LARGE);
  make_room(kBefore + columns, outputs);
  float* const row = inputs_.data() + kBefore;
  ring.copy_inputs(asked.slot, false, columns, row);
  const serve::Inferred inferred =
      window->window.tick(*chosen.model, chosen.meaning->version, row, outputs_.data(), asked.begin != 0);
  give(asked, chosen, inferred, 1);
  if (inferred.watched) serve::offer_to_shadow(*chosen.model, window->window.rows().data(), 1, outputs_.data());
}

void Poller::advance(const Asked& asked) {
  OpenWindow* window = nullptr;
  Chosen chosen;
  if (find_window(asked, &window, &chosen))
    give(asked, chosen, window->window.advance(*chosen.model, chosen.meaning->version), 0);
}

// What is not open is closed too.
void Poller::close(const Asked& asked) {
  if (asked.request.states >= kMaxWindows) return refuse(asked, TICKMLP_CLIENT_BAD_ARGUMENT);
  asked.client->windows[asked.request.states].reset();
  asked.client->ring->answer(asked.slot, {0, TICKMLP_CLIENT_OK, 0, 0, 0, 0}, nullptr, 0);
}

}  // namespace tickmlp::shared
