// SPDX-License-Identifier: Apache-2.0
// What a slot and its readers are doing, for whoever looks after them.
#include <time.h>

#include <cstring>

#include "counters.h"
#include "error.h"
#include "swap/swap.h"

namespace tickmlp::swap {

uint64_t steady_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

namespace {

void describe(const tickmlp_swap& swap, const tickmlp_reader& reader, tickmlp_reader_info* out) {
  *out = {};
  std::memcpy(out->name, reader.name, sizeof out->name);
  out->thread = reader.thread;
  out->alive = is_alive(reader);
  out->takes = load(reader.takes);
  const uint64_t held = out->alive ? lowest_held(reader.announced) : kIdle;
  if (held < swap.oldest || held > swap.newest) return;  // idle, dead, or about to take its first
  out->number = held;
  out->generation = publication(swap, held).content->model->info.generation;
  if (held < swap.newest) out->behind_ns = steady_ns() - publication(swap, held + 1).published_ns;
  out->stalled = out->behind_ns >= swap.stall_ns;
}

}  // namespace
}  // namespace tickmlp::swap

using namespace tickmlp;
using namespace tickmlp::swap;

extern "C" {

void tickmlp_swap_status(const tickmlp_swap* swap, tickmlp_swap_state* out) {
  if (swap == nullptr || out == nullptr) return;
  const Locked locked(*swap);
  *out = {};
  out->model = publication(*swap, swap->newest).content->model;
  out->generation = out->model->info.generation;
  out->number = swap->newest;
  out->refused = swap->refused;
  out->retired = swap->newest - swap->oldest;
  for (const tickmlp_reader* reader : swap->readers) {
    if (reader == nullptr) continue;
    tickmlp_reader_info info;
    describe(*swap, *reader, &info);
    out->readers += 1;
    out->stalled += info.stalled != 0;
    out->dead += info.alive == 0;
  }
}

tickmlp_status tickmlp_swap_reader(const tickmlp_swap* swap, size_t index, tickmlp_reader_info* out) {
  if (swap == nullptr || out == nullptr) return TICKMLP_BAD_ARGUMENT;
  const Locked locked(*swap);
  for (const tickmlp_reader* reader : swap->readers)
    if (reader != nullptr && index-- == 0) {
      describe(*swap, *reader, out);
      return TICKMLP_OK;
    }
  return TICKMLP_BAD_ARGUMENT;
}

}  // extern "C"
