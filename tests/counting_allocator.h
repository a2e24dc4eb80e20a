// SPDX-License-Identifier: Apache-2.0
// An allocator that fails at the Nth call and counts what is held.
#pragma once

#include <cstdlib>

#include "../runtime/tickmlp.h"

namespace tickmlp::testing {

struct Counting {
  int calls = 0, fail_at = -1, held = 0;
  tickmlp_allocator allocator = {allocate, release, this};
  Counting() = default;
  Counting(const Counting&) = delete;

  static void* allocate(void* context, size_t bytes) {
    auto* self = static_cast<Counting*>(context);
    if (self->calls++ == self->fail_at) return nullptr;
    ++self->held;
    return std::malloc(bytes);
  }
  static void release(void* context, void* memory) {
    --static_cast<Counting*>(context)->held;
    std::free(memory);
  }
};

}  // namespace tickmlp::testing
