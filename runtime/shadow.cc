// SPDX-License-Identifier: Apache-2.0
// The shadow: the hot thread's copy, and the other thread's comparison.
#include "shadow.h"

#include <cmath>
#include <cstring>
#include <new>

#include "counters.h"
#include "error.h"
#include "swap/content.h"
#include "team.h"

namespace tickmlp {
namespace {

uint32_t index_of_largest(const float* values, uint32_t count) {
  uint32_t largest = 0;
  for (uint32_t i = 1; i < count; ++i)
    if (values[i] > values[largest]) largest = i;
  return largest;
}

// Doubles among the figures are written by one thread and read by any, as the counters are.
void raise(double& figure, double value) {
  if (value > figure) __atomic_store(&figure, &value, __ATOMIC_RELAXED);
}
double load(const double& figure) {
  double value;
  __atomic_load(&figure, &value, __ATOMIC_RELAXED);
  return value;
}

void compare(tickmlp_shadow& shadow, const float* primary, const float* candidate) {
  bool same_argmax = true;
  for (uint32_t h = 0; h < shadow.heads; ++h) {
    const tickmlp_head_info& head = shadow.head[h];
    const float *one = primary + head.output_begin, *other = candidate + head.output_begin;
    const bool softmax = head.activation == TICKMLP_SOFTMAX;
    double largest = 0;
    for (uint32_t i = 0; i < head.outputs; ++i) {  // not fmax: GCC 12 for AArch64 fails to vectorise that one here
      const double difference = std::fabs(static_cast<double>(one[i]) - static_cast<double>(other[i]));
      if (difference > largest) largest = difference;
    }
    raise(softmax ? shadow.figures.largest_probability_difference : shadow.figures.largest_value_difference, largest);
    if (softmax && index_of_largest(one, head.outputs) != index_of_largest(other, head.outputs)) same_argmax = false;
  }
  add(shadow.figures.same_argmax, same_argmax);
  add(shadow.figures.identical, std::memcmp(primary, candidate, shadow.outputs * sizeof(float)) == 0);
  add(shadow.figures.compared, 1);
}

void compute(tickmlp_shadow& shadow, const uint8_t* place) {
  const auto* input = reinterpret_cast<const float*>(place);
  const uint64_t begin = tickmlp_clock_begin();
  const tickmlp_status status = tickmlp_infer(shadow.session, input, shadow.inputs, shadow.answer, shadow.outputs);
  const uint64_t end = tickmlp_clock_end();
  if (status != TICKMLP_OK) {
    add(shadow.figures.refused, 1);
    return;
  }
  if (end >= begin) tickmlp_recorder_record(&shadow.recorder, tickmlp_clock_ns(&shadow.clock, end - begin));
  compare(shadow, reinterpret_cast<const float*>(place + shadow.outputs_at), shadow.answer);
}

void fill(tickmlp_shadow& shadow, const tickmlp_model& candidate, uint64_t places, uint32_t sample_every) {
  shadow.mask = places - 1;
  shadow.inputs = candidate.info.inputs;
  shadow.outputs = candidate.info.outputs;
  shadow.outputs_at = whole_lines(shadow.inputs * sizeof(float));
  shadow.stride = shadow.outputs_at + whole_lines(shadow.outputs * sizeof(float));
  shadow.heads = candidate.info.heads;
  for (uint32_t h = 0; h < shadow.heads; ++h) tickmlp_model_head(&candidate, h, &shadow.head[h]);
  shadow.left = shadow.sample_every = sample_every != 0 ? sample_every : 1;
  shadow.allocator = candidate.allocator;
  tickmlp_recorder_reset(&shadow.recorder);
}

}  // namespace
}  // namespace tickmlp

using namespace tickmlp;

extern "C" {

tickmlp_status tickmlp_shadow_create(const tickmlp_model* primary, const tickmlp_model* candidate,
                                     const tickmlp_shadow_options* given, tickmlp_shadow** out, tickmlp_error* error) {
  if (primary == nullptr || candidate == nullptr || out == nullptr)
    return fail(error, TICKMLP_BAD_ARGUMENT, "a model or shadow is NULL; expected all");
  tickmlp_shadow_options options = {};
  if (given != nullptr) std::memcpy(&options, given, sizeof options);
  if (options.capacity > TICKMLP_SHADOW_CAPACITY)
    return fail(error, TICKMLP_BAD_ARGUMENT, "capacity is %u; expected %d at most, or 0 for %u", options.capacity,
                TICKMLP_SHADOW_CAPACITY, kDefaultShadowCapacity);
  if (auto s = swap::check_same_answers(*primary, *candidate, error)) return s;
  tickmlp_clock clock;
  if (auto s = tickmlp_clock_calibrate(&clock, error)) return s;
  const uint32_t capacity = options.capacity != 0 ? options.capacity : kDefaultShadowCapacity;
  uint64_t places = 1;
  while (places < capacity) places *= 2;
  const size_t head_bytes = whole_lines(sizeof(tickmlp_shadow)) + kShadowApart;
  const size_t answer_bytes = whole_lines(candidate->info.outputs * sizeof(float));
  const size_t ring_bytes = places * (whole_lines(candidate->info.inputs * sizeof(float)) + answer_bytes);
  void* allocation;
  void* memory = allocate_lines(candidate->allocator, head_bytes + answer_bytes + ring_bytes, &allocation);
  if (memory == nullptr)
    return fail(error, TICKMLP_OUT_OF_MEMORY, "no memory for a shadow of %llu questions, %zu bytes",
                static_cast<unsigned long long>(places), head_bytes + answer_bytes + ring_bytes);
  auto* shadow = new (swap::whole_apart(memory)) tickmlp_shadow{};
  fill(*shadow, *candidate, places, options.sample_every);
  shadow->clock = clock;
  shadow->allocation = allocation;
  auto* behind = reinterpret_cast<uint8_t*>(shadow) + whole_lines(sizeof(tickmlp_shadow));
  shadow->answer = reinterpret_cast<float*>(behind);
  shadow->ring = behind + answer_bytes;
  if (auto s = tickmlp_session_create(candidate, &options.session, &shadow->session, error)) {
    tickmlp_shadow_free(shadow);
    return s;
  }
  *out = shadow;
  return TICKMLP_OK;
}

void tickmlp_shadow_free(tickmlp_shadow* shadow) {
  if (shadow == nullptr) return;
  tickmlp_session_free(shadow->session);
  const tickmlp_allocator allocator = shadow->allocator;
  allocator.release(allocator.context, shadow->allocation);
}

int tickmlp_shadow_offer(tickmlp_shadow* shadow, const float* input, const float* output) {
  if (shadow == nullptr || input == nullptr || output == nullptr || --shadow->left != 0) return 0;
  shadow->left = shadow->sample_every;
  add(shadow->offered, 1);
  const uint64_t number = shadow->written.load(std::memory_order_relaxed);
  if (number - shadow->known_done > shadow->mask) {
    shadow->known_done = shadow->done.load(std::memory_order_acquire);
    if (number - shadow->known_done > shadow->mask) {
      add(shadow->dropped, 1);
      return 0;
    }
  }
  uint8_t* place = shadow->ring + (number & shadow->mask) * shadow->stride;
  std::memcpy(place, input, shadow->inputs * sizeof(float));
  std::memcpy(place + shadow->outputs_at, output, shadow->outputs * sizeof(float));
  shadow->written.store(number + 1, std::memory_order_release);
  // The other core has read the next place's lines. Stores that wait for them would hold up the next call's.
  own_lines(shadow->ring + ((number + 1) & shadow->mask) * shadow->stride, shadow->stride);
  return 1;
}

size_t tickmlp_shadow_work(tickmlp_shadow* shadow, size_t most) {
  if (shadow == nullptr) return 0;
  uint64_t number = shadow->done.load(std::memory_order_relaxed);
  size_t finished = 0;
  for (; finished < most; ++finished) {
    if (number == shadow->known_written) shadow->known_written = shadow->written.load(std::memory_order_acquire);
    if (number == shadow->known_written) break;
    compute(*shadow, shadow->ring + (number & shadow->mask) * shadow->stride);
    shadow->done.store(++number, std::memory_order_release);
  }
  return finished;
}

void tickmlp_shadow_read(const tickmlp_shadow* shadow, tickmlp_shadow_figures* out) {
  if (shadow == nullptr || out == nullptr) return;
  const tickmlp_shadow_figures& f = shadow->figures;
  *out = {load(shadow->offered),
          load(shadow->dropped),
          load(f.compared),
          load(f.refused),
          load(f.identical),
          load(f.same_argmax),
          load(f.largest_probability_difference),
          load(f.largest_value_difference)};
}

const tickmlp_recorder* tickmlp_shadow_recorder(const tickmlp_shadow* shadow) {
  return shadow != nullptr ? &shadow->recorder : nullptr;
}

const tickmlp_session* tickmlp_shadow_session(const tickmlp_shadow* shadow) {
  return shadow != nullptr ? shadow->session : nullptr;
}

}  // extern "C"
