// SPDX-License-Identifier: Apache-2.0
// The readers: their hot path, and how they come and go.
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "counters.h"
#include "error.h"
#include "swap/swap.h"

namespace tickmlp::swap {
namespace {

// Cold: another publication than the last one, or the first after a release.
[[gnu::noinline]] const tickmlp_held* take_new(tickmlp_reader& reader) {
  const tickmlp_swap& swap = *reader.swap;
  const uint64_t number = reader.held != 0 ? take(swap.current, reader.announced, reader.held)
                                           : take_from_idle(swap.current, reader.announced, reader.last);
  reader.held = number;
  if (number == reader.last) return reader.now;  // back after a release, and nothing was published
  reader.last = number;
  const Content& content = *publication(swap, number).content;
  const ReaderParts& parts = content.parts[reader.index];
  tickmlp_held& held = reader.slots[reader.now == &reader.slots[0]];
  held = {content.model, parts.session, parts.window, content.model->info.generation, number};
  return reader.now = &held;
}

// For the current model and every one that may be selected.
tickmlp_status make_all_parts(tickmlp_swap& swap, const tickmlp_reader& reader, tickmlp_error* error) {
  const Content* const current = publication(swap, swap.newest).content;
  for (Content* content = swap.contents; content != nullptr; content = content->next)
    if (content == current || content->kept)
      if (auto s = make_parts(*content, reader, error)) return s;
  return TICKMLP_OK;
}

void free_all_parts(tickmlp_swap& swap, uint32_t index) {
  for (Content* content = swap.contents; content != nullptr; content = content->next) free_parts(*content, index);
}

}  // namespace

bool is_alive(const tickmlp_reader& reader) { return tgkill(getpid(), reader.thread, 0) == 0 || errno != ESRCH; }

}  // namespace tickmlp::swap

using namespace tickmlp;
using namespace tickmlp::swap;

extern "C" {

tickmlp_status tickmlp_reader_create(tickmlp_swap* swap, const tickmlp_session_options* given, const char* name,
                                     tickmlp_reader** out, tickmlp_error* error) {
  if (swap == nullptr || out == nullptr)
    return fail(error, TICKMLP_BAD_ARGUMENT, "slot or reader is NULL; expected both");
  tickmlp_session_options options;
  if (auto s = read_session_options(given, &options, error)) return s;
  const Locked locked(*swap);
  uint32_t index = 0;
  while (index < kMaxReaders && swap->readers[index] != nullptr) ++index;
  if (index == kMaxReaders)
    return fail(error, TICKMLP_READER_LIMIT, "%u readers exist; expected fewer than %u", kMaxReaders, kMaxReaders);
  void* allocation;
  void* memory = allocate_lines(swap->allocator, sizeof(tickmlp_reader) + kApart, &allocation);
  if (memory == nullptr) return fail(error, TICKMLP_OUT_OF_MEMORY, "no memory for a reader");
  auto* reader = new (whole_apart(memory)) tickmlp_reader{};
  reader->swap = swap;
  reader->index = index;
  reader->options = options;
  reader->thread = gettid();
  reader->allocation = allocation;
  std::strncpy(reader->name, name != nullptr ? name : "", sizeof reader->name - 1);
  if (auto s = make_all_parts(*swap, *reader, error)) {
    free_all_parts(*swap, index);
    swap->allocator.release(swap->allocator.context, allocation);
    return s;
  }
  swap->readers[index] = reader;
  *out = reader;
  return TICKMLP_OK;
}

void tickmlp_reader_free(tickmlp_reader* reader) {
  if (reader == nullptr) return;
  tickmlp_swap& swap = *reader->swap;
  const Locked locked(swap);
  swap.readers[reader->index] = nullptr;
  free_all_parts(swap, reader->index);
  swap.allocator.release(swap.allocator.context, reader->allocation);
}

const tickmlp_held* tickmlp_reader_take(tickmlp_reader* reader) {
  if (reader == nullptr) return nullptr;
  add(reader->takes, 1);
  if (reader->swap->current.load_acquire() == reader->held) [[likely]]
    return reader->now;
  return take_new(*reader);
}

void tickmlp_reader_release(tickmlp_reader* reader) {
  if (reader == nullptr) return;
  reader->held = 0;
  release(reader->announced);
}

}  // extern "C"
