// SPDX-License-Identifier: Apache-2.0
// A slot's life, and what stands in it: models with the parts that every reader needs for them.
#include "swap/swap.h"

#include <new>

#include "error.h"
#include "swap/content.h"

namespace tickmlp::swap {
namespace {

void unlink(Content& content) {
  Content** at = &content.swap->contents;
  while (*at != &content) at = &(*at)->next;
  *at = content.next;
}

// The slot's memory alone.
void release_slot(tickmlp_swap* swap) {
  const tickmlp_allocator allocator = swap->allocator;
  pthread_mutex_destroy(&swap->lock);
  allocator.release(allocator.context, swap->ring_allocation);
  allocator.release(allocator.context, swap->allocation);
}

tickmlp_status make_slot(const tickmlp_allocator& allocator, const tickmlp_swap_options& options, tickmlp_swap** out,
                         tickmlp_error* error) {
  const uint64_t limit = options.retired_limit != 0 ? options.retired_limit : kDefaultRetired;
  uint64_t places = 1;  // for the current publication and `limit` retired ones
  while (places < limit + 1) places *= 2;
  void *allocation, *ring_allocation;
  void* memory = allocate_lines(allocator, sizeof(tickmlp_swap) + kApart, &allocation);
  if (memory == nullptr) return fail(error, TICKMLP_OUT_OF_MEMORY, "no memory for a slot");
  void* ring = allocate_lines(allocator, places * sizeof(Publication), &ring_allocation);
  if (ring == nullptr) {
    allocator.release(allocator.context, allocation);
    return fail(error, TICKMLP_OUT_OF_MEMORY, "no memory for a slot of %llu publications",
                static_cast<unsigned long long>(places));
  }
  auto* swap = new (whole_apart(memory)) tickmlp_swap{};
  swap->ring = static_cast<Publication*>(ring);
  swap->mask = places - 1;
  swap->newest = swap->oldest = 1;
  swap->retired_limit = limit;
  swap->stall_ns = options.stall_ns != 0 ? options.stall_ns : kDefaultStallNs;
  swap->allocator = allocator;
  swap->allocation = allocation;
  swap->ring_allocation = ring_allocation;
  pthread_mutex_init(&swap->lock, nullptr);
  *out = swap;
  return TICKMLP_OK;
}

}  // namespace

tickmlp_status make_parts(Content& content, const tickmlp_reader& reader, tickmlp_error* error) {
  ReaderParts parts = {};
  if (auto s = tickmlp_session_create(content.model, &reader.options, &parts.session, error)) return s;
  if (content.model->info.window_rows != 0)
    if (auto s = tickmlp_window_create(content.model, &reader.options, &parts.window, error)) {
      tickmlp_session_free(parts.session);
      return s;
    }
  content.parts[reader.index] = parts;
  return TICKMLP_OK;
}

void free_parts(Content& content, uint32_t index) {
  tickmlp_session_free(content.parts[index].session);
  tickmlp_window_free(content.parts[index].window);
  content.parts[index] = {};
}

tickmlp_status make_content(tickmlp_swap& swap, tickmlp_model* model, Content** out, tickmlp_error* error) {
  void* allocation;
  void* memory = allocate_lines(swap.allocator, sizeof(Content), &allocation);
  if (memory == nullptr) return fail(error, TICKMLP_OUT_OF_MEMORY, "no memory for a publication");
  auto* content = new (memory) Content{};
  content->model = model;
  content->swap = &swap;
  content->allocation = allocation;
  content->next = swap.contents;
  swap.contents = content;
  for (const tickmlp_reader* reader : swap.readers)
    if (reader != nullptr)
      if (auto s = make_parts(*content, *reader, error)) {
        content->model = nullptr;  // stays the caller's
        free_content(*content);
        return s;
      }
  *out = content;
  return TICKMLP_OK;
}

void free_content(Content& content) {
  unlink(content);
  for (uint32_t i = 0; i < kMaxReaders; ++i) free_parts(content, i);
  tickmlp_model_free(content.model);
  const tickmlp_allocator allocator = content.swap->allocator;
  allocator.release(allocator.context, content.allocation);
}

}  // namespace tickmlp::swap

using namespace tickmlp;
using namespace tickmlp::swap;

extern "C" {

tickmlp_status tickmlp_swap_create(tickmlp_model* first, const tickmlp_swap_options* given, tickmlp_swap** out,
                                   tickmlp_error* error) {
  if (first == nullptr || out == nullptr)
    return fail(error, TICKMLP_BAD_ARGUMENT, "model or slot is NULL; expected both");
  tickmlp_swap_options options = {};
  if (given != nullptr) options = *given;
  if (options.retired_limit > TICKMLP_SWAP_RETIRED)
    return fail(error, TICKMLP_BAD_ARGUMENT, "retired_limit is %u; expected %d at most, or 0 for %u",
                options.retired_limit, TICKMLP_SWAP_RETIRED, kDefaultRetired);
  tickmlp_swap* swap = nullptr;
  if (auto s = make_slot(first->allocator, options, &swap, error)) return s;
  Content* content = nullptr;
  if (auto s = make_content(*swap, first, &content, error)) {
    release_slot(swap);
    return s;
  }
  content->publications = 1;
  publication(*swap, 1) = {content, steady_ns()};
  *out = swap;
  return TICKMLP_OK;
}

void tickmlp_swap_free(tickmlp_swap* swap) {
  if (swap == nullptr) return;
  while (swap->contents != nullptr) free_content(*swap->contents);
  for (tickmlp_reader* reader : swap->readers)
    if (reader != nullptr) swap->allocator.release(swap->allocator.context, reader->allocation);
  release_slot(swap);
}

}  // extern "C"
