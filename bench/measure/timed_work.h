// SPDX-License-Identifier: Apache-2.0
// The kinds of timed region. prepare() runs before the clock is read, timed() between the readings.
#ifndef TICKMLP_BENCH_TIMED_WORK_H_
#define TICKMLP_BENCH_TIMED_WORK_H_
#include <cstdint>
#include <utility>
#include <vector>

#include "measure/comparator.h"
#include "measure/subject.h"

namespace tickmlp::bench {

struct TimerWork {
  tickmlp_status status = TICKMLP_OK;
  void prepare() {}
  void timed() {}
};

struct MemoryWork {
  const Subject& subject;
  tickmlp_status status = TICKMLP_OK;
  explicit MemoryWork(const Subject& of) : subject(of) {}
  void prepare() {}
  void timed() { subject.memory_floor(subject.model->weights, subject.model->weight_bytes); }
};

// The state's cache lines are read before the clock is: whoever computes features has just written them. They are
// read and not copied, since a kernel would wait for stores that are still on their way to the cache.
struct StateWork {
  const Subject& subject;
  std::vector<float> output;
  const float* state = nullptr;
  std::uint64_t next = 0;
  tickmlp_status status = TICKMLP_OK;

  explicit StateWork(const Subject& of) : subject(of), output(of.model->outputs) {}
  void prepare() {
    state = subject.states + next * subject.model->inputs;
    next = next + 1 == subject.count ? 0 : next + 1;
    for (std::uint32_t i = 0; i < subject.model->inputs; i += 16) {
      const float touched = *static_cast<const volatile float*>(state + i);
      static_cast<void>(touched);
    }
  }
};

struct FullWork : StateWork {
  using StateWork::StateWork;
  void timed() { status = tickmlp_infer(subject.session, state, subject.model->inputs, output.data(), output.size()); }
  void touch() { status = tickmlp_session_touch(subject.session); }
};

// Another system. What it throws leaves the timed loop.
struct OtherWork : StateWork {
  Comparator other;
  OtherWork(const Subject& of, Comparator system) : StateWork(of), other(std::move(system)) {}
  void timed() { other.infer(state, output.data()); }
};

// The window holds the first state's older rows; the newest row of each state in turn is ticked.
struct TickWork {
  const Subject& subject;
  std::vector<float> output;
  const float* row = nullptr;
  std::uint64_t next = 0;
  tickmlp_status status = TICKMLP_OK;

  explicit TickWork(const Subject& of) : subject(of), output(of.model->outputs) {
    if (of.window != nullptr) status = tickmlp_window_reset(of.window, of.states, of.model->inputs);
  }
  void prepare() {
    row = subject.states + (next + 1) * subject.model->inputs - subject.model->window_columns;
    next = next + 1 == subject.count ? 0 : next + 1;
    const float touched = *static_cast<const volatile float*>(row) +
                          *static_cast<const volatile float*>(row + subject.model->window_columns - 1);
    static_cast<void>(touched);
  }
  void timed() {
    status = tickmlp_window_tick(subject.window, row, subject.model->window_columns, output.data(), output.size());
  }
  void touch() { status = tickmlp_window_touch(subject.window); }
};

}  // namespace tickmlp::bench
#endif
