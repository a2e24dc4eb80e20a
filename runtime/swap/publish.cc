// SPDX-License-Identifier: Apache-2.0
// The publisher: what comes in, what goes out, and who is in the way.
#include <cstring>

#include "error.h"
#include "swap/content.h"

namespace tickmlp::swap {
namespace {

using Number = unsigned long long;  // for printf

void drop_publication(tickmlp_swap& swap, uint64_t number) {
  Content& content = *publication(swap, number).content;
  content.publications -= 1;
  if (content.publications == 0 && !content.kept) free_content(content);
}

// Room for one publication more.
tickmlp_status check_room(tickmlp_swap& swap, tickmlp_error* error) {
  if (swap.newest - swap.oldest < swap.retired_limit) return TICKMLP_OK;
  const Held held = collect(swap, true);
  if (held.retired < swap.retired_limit) return TICKMLP_OK;
  const uint64_t oldest = swap.oldest;
  const double waited_ms = static_cast<double>(steady_ns() - publication(swap, oldest + 1).published_ns) / 1e6;
  return fail(error, TICKMLP_READER_STALLED,
              "%llu retired publications wait, of at most %llu: reader %s (thread %d) has not left publication %llu, "
              "generation %llu, for %.3f ms; expected it to take the newer one",
              static_cast<Number>(held.retired), static_cast<Number>(swap.retired_limit), held.slowest->name,
              held.slowest->thread, static_cast<Number>(oldest),
              static_cast<Number>(publication(swap, oldest).content->model->info.generation), waited_ms);
}

void make_current(tickmlp_swap& swap, Content& content) {
  content.publications += 1;
  publication(swap, swap.newest + 1) = {&content, steady_ns()};
  swap.newest += 1;
  publish(swap.current, swap.newest);
}

const tickmlp_model& current_model(const tickmlp_swap& swap) { return *publication(swap, swap.newest).content->model; }

tickmlp_status publish_model(tickmlp_swap& swap, tickmlp_model* next, bool rollback, tickmlp_error* error) {
  const tickmlp_model& current = current_model(swap);
  if (auto s = check_same_kind(current, *next, error)) return s;
  if (next->info.generation <= current.info.generation && !rollback)
    return fail(error, TICKMLP_OLD_GENERATION, "generation %llu of %s while %llu is running; expected a higher one",
                static_cast<Number>(next->info.generation), next->info.name,
                static_cast<Number>(current.info.generation));
  if (auto s = check_room(swap, error)) return s;
  Content* content = nullptr;
  if (auto s = make_content(swap, next, &content, error)) return s;
  make_current(swap, *content);
  collect(swap, true);
  return TICKMLP_OK;
}

}  // namespace

Held collect(tickmlp_swap& swap, bool look_for_the_dead) {
  uint64_t lowest = swap.newest;
  const tickmlp_reader* slowest = nullptr;
  for (const tickmlp_reader* reader : swap.readers) {
    if (reader == nullptr) continue;
    const uint64_t held = lowest_held(reader->announced);
    if (held >= lowest || (look_for_the_dead && !is_alive(*reader))) continue;
    lowest = held;
    slowest = reader;
  }
  for (; swap.oldest < lowest; ++swap.oldest) drop_publication(swap, swap.oldest);
  return {swap.newest - swap.oldest, slowest};
}

}  // namespace tickmlp::swap

using namespace tickmlp;
using namespace tickmlp::swap;

extern "C" {

tickmlp_status tickmlp_swap_publish(tickmlp_swap* swap, tickmlp_model* next, const tickmlp_publish_options* options,
                                    tickmlp_error* error) {
  if (swap == nullptr || next == nullptr)
    return fail(error, TICKMLP_BAD_ARGUMENT, "slot or model is NULL; expected both");
  const Locked locked(*swap);
  const tickmlp_status status = publish_model(*swap, next, options != nullptr && options->rollback != 0, error);
  swap->refused += status != TICKMLP_OK;
  return status;
}

tickmlp_status tickmlp_swap_preload(tickmlp_swap* swap, tickmlp_model* model, tickmlp_preloaded** out,
                                    tickmlp_error* error) {
  if (swap == nullptr || model == nullptr || out == nullptr)
    return fail(error, TICKMLP_BAD_ARGUMENT, "slot, model or preloaded is NULL; expected all");
  const Locked locked(*swap);
  if (auto s = check_same_kind(current_model(*swap), *model, error)) return s;
  Content* content = nullptr;
  if (auto s = make_content(*swap, model, &content, error)) return s;
  content->kept = true;
  *out = content;
  return TICKMLP_OK;
}

tickmlp_status tickmlp_swap_select(tickmlp_swap* swap, tickmlp_preloaded* preloaded, tickmlp_error* error) {
  if (swap == nullptr || preloaded == nullptr || preloaded->swap != swap || !preloaded->kept)
    return fail(error, TICKMLP_BAD_ARGUMENT, "slot or preloaded is NULL, or of another slot; expected its own");
  const Locked locked(*swap);
  if (auto s = check_room(*swap, error)) {
    swap->refused += 1;
    return s;
  }
  make_current(*swap, *preloaded);
  return TICKMLP_OK;
}

void tickmlp_swap_unload(tickmlp_swap* swap, tickmlp_preloaded* preloaded) {
  if (swap == nullptr || preloaded == nullptr || preloaded->swap != swap) return;
  const Locked locked(*swap);
  collect(*swap, true);
  preloaded->kept = false;
  if (preloaded->publications == 0) free_content(*preloaded);
}

size_t tickmlp_swap_collect(tickmlp_swap* swap) {
  if (swap == nullptr) return 0;
  const Locked locked(*swap);
  return collect(*swap, true).retired;
}

}  // extern "C"
