// SPDX-License-Identifier: Apache-2.0
#include "serve/engine/window.h"

#include <algorithm>
#include <new>

namespace tickmlp::serve {
namespace {

Code code_of(tickmlp_status status) {
  switch (status) {
    case TICKMLP_OK: return Code::ok;
    case TICKMLP_OUT_OF_MEMORY:
    case TICKMLP_NON_FINITE_OUTPUT: return Code::internal;
    default: return Code::bad_request;
  }
}

// `call` on what the version's reader holds. Nothing is held afterwards.
template <class Call>
Inferred with_held(ThreadModel& model, std::optional<std::uint64_t> version, const Call& call) {
  Inferred out;
  Reader* const reader = reader_of(model, version);
  if (reader == nullptr) {
    out.refusal.code = Code::not_found;
    return out;
  }
  const tickmlp_held& held = *tickmlp_reader_take(reader->get());
  out.generation = held.generation;
  if (version && *version != held.generation) out.refusal.code = Code::not_found;
  else {
    try {
      out.status = call(held, reader->slot(), out);
    } catch (const std::bad_alloc&) {
      out.status = TICKMLP_OUT_OF_MEMORY;
    }
    out.refusal.code = code_of(out.status);
  }
  tickmlp_reader_release(reader->get());
  return out;
}

}  // namespace

// Publications are numbered within a slot, and a slot that went gives its identity to nobody while this points at it.
bool Window::is_over(const tickmlp_held& held, const std::shared_ptr<Slot>& slot) const {
  return made_ != nullptr && held.number == number_ && !slot_.owner_before(slot) && !slot.owner_before(slot_);
}

tickmlp_status Window::follow(const tickmlp_held& held, const std::shared_ptr<Slot>& slot) {
  if (rows_.empty()) return TICKMLP_WINDOW_EMPTY;
  if (is_over(held, slot)) return TICKMLP_OK;
  const tickmlp_model_info& info = *tickmlp_model_describe(held.model);
  if (info.window_columns != columns_ || info.inputs != rows_.size()) return TICKMLP_OTHER_MODEL;
  tickmlp_window* made = nullptr;
  tickmlp_status status = tickmlp_window_create(held.model, nullptr, &made, nullptr);
  if (status != TICKMLP_OK) return status;
  Made next(made);
  status = tickmlp_window_reset(made, rows_.data(), rows_.size());
  if (status != TICKMLP_OK) return status;
  made_ = std::move(next);
  slot_ = slot;
  number_ = held.number;
  return TICKMLP_OK;
}

Inferred Window::reset(ThreadModel& model, std::optional<std::uint64_t> version, std::span<const float> state) {
  return with_held(model, version, [&](const tickmlp_held& held, const std::shared_ptr<Slot>& slot, Inferred&) {
    if (is_over(held, slot)) {
      const tickmlp_status status = tickmlp_window_reset(made_.get(), state.data(), state.size());
      if (status == TICKMLP_OK) std::copy(state.begin(), state.end(), rows_.begin());
      return status;
    }
    Window next;
    next.columns_ = tickmlp_model_describe(held.model)->window_columns;
    if (next.columns_ == 0) return TICKMLP_NO_WINDOW;
    next.rows_.assign(state.begin(), state.end());
    const tickmlp_status status = next.follow(held, slot);
    if (status == TICKMLP_OK) *this = std::move(next);
    return status;
  });
}

Inferred Window::tick(ThreadModel& model, std::optional<std::uint64_t> version, const float* row, float* outputs,
                      bool timed) {
  Inferred out =
      with_held(model, version, [&](const tickmlp_held& held, const std::shared_ptr<Slot>& slot, Inferred& out) {
        if (const tickmlp_status status = follow(held, slot); status != TICKMLP_OK) return status;
        if (timed) out.begin = out.computing = ticks();
        const tickmlp_status status =
            tickmlp_window_tick(made_.get(), row, columns_, outputs, model.served->shape.outputs);
        if (timed) out.end = ticks();
        return status;
      });
  if (out.refusal) return out;
  std::copy_n(row, columns_, rows_.end() - static_cast<std::ptrdiff_t>(columns_));
  out.watched = !version || *version == model.generation;
  return out;
}

Inferred Window::advance(ThreadModel& model, std::optional<std::uint64_t> version) {
  return with_held(model, version, [&](const tickmlp_held& held, const std::shared_ptr<Slot>& slot, Inferred&) {
    if (const tickmlp_status status = follow(held, slot); status != TICKMLP_OK) return status;
    const tickmlp_status status = tickmlp_window_advance(made_.get());
    if (status == TICKMLP_OK)
      std::copy(rows_.begin() + static_cast<std::ptrdiff_t>(columns_), rows_.end(), rows_.begin());
    return status;
  });
}

}  // namespace tickmlp::serve
