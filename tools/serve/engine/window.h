// SPDX-License-Identifier: Apache-2.0
// The tick path for somebody outside: rows that a serving thread keeps, and the library's window over them.
#ifndef TICKMLP_SERVE_ENGINE_WINDOW_H_
#define TICKMLP_SERVE_ENGINE_WINDOW_H_
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "serve/engine/models.h"

namespace tickmlp::serve {

// Follows its model's publications: the first call after one makes the library's window anew from the rows that are
// kept here, as a reader with rows of its own does it. Holds no model in between, and keeps none alive. One serving
// thread's, but its end may be another's once that has let it go.
//
// Each answers for the model's current generation or for `version`; Inferred::status says why not: WINDOW_EMPTY before
// the first reset, NO_WINDOW, OTHER_MODEL where the model has another window now. Then the window is as it was. Neither
// cache nor breaker are asked: no older generation's window stands ready.
class Window {
 public:
  // `state` is the model's, [inputs].
  Inferred reset(ThreadModel& model, std::optional<std::uint64_t> version, std::span<const float> state);
  // `row` [columns()], outputs [the model's].
  Inferred tick(ThreadModel& model, std::optional<std::uint64_t> version, const float* row, float* outputs, bool timed);
  Inferred advance(ThreadModel& model, std::optional<std::uint64_t> version);

  std::size_t columns() const { return columns_; }       // 0 before the first reset
  std::span<const float> rows() const { return rows_; }  // of the last call that succeeded, oldest first

 private:
  struct Free {
    void operator()(tickmlp_window* window) const { tickmlp_window_free(window); }
  };
  using Made = std::unique_ptr<tickmlp_window, Free>;
  bool is_over(const tickmlp_held& held, const std::shared_ptr<Slot>& slot) const;
  tickmlp_status follow(const tickmlp_held& held, const std::shared_ptr<Slot>& slot);

  Made made_;
  std::weak_ptr<Slot> slot_;  // over which it was made, and over which publication there
  std::uint64_t number_ = 0;
  std::size_t columns_ = 0;
  std::vector<float> rows_;
};

}  // namespace tickmlp::serve
#endif
