// SPDX-License-Identifier: Apache-2.0
// A look: what `current` names, whether that is new, whether it may run, and what is told of it.
#include "watch/watch_state.h"

#include <cstring>
#include <new>

#include "error.h"
#include "swap/content.h"
#include "watch/drift.h"

namespace tickmlp::watch {
namespace {

const tickmlp_model& running_model(const tickmlp_swap& slot) {
  const swap::Locked locked(slot);
  return *swap::publication(slot, slot.newest).content->model;
}

bool is_running(const tickmlp_model_info& running, const Publication& publication) {
  char sha8[9];
  for (int i = 0; i < 4; ++i)
    for (int half = 0; half < 2; ++half)
      sha8[2 * i + half] = "0123456789abcdef"[running.blob_sha256[i] >> (half == 0 ? 4 : 0) & 15];
  sha8[8] = 0;
  return running.generation == publication.generation && std::strcmp(running.name, publication.name) == 0 &&
         std::strcmp(sha8, publication.sha8) == 0;
}

// What may pass without any change to the files.
bool may_pass(tickmlp_status status) {
  switch (status) {
    case TICKMLP_FILE_OPEN:
    case TICKMLP_FILE_READ:
    case TICKMLP_OUT_OF_MEMORY:
    case TICKMLP_NOT_LOCKED:
    case TICKMLP_READER_STALLED: return true;
    default: return false;
  }
}

// From a checked model to the slot.
tickmlp_status publish(tickmlp_watch& watch, tickmlp_model* next, bool back, tickmlp_watch_report* report) {
  const tickmlp_model& running = running_model(*watch.swap);
  if (auto s = swap::check_same_kind(running, *next, &report->error)) return s;
  if (auto s = check_drift(running, *next, watch.policy.drift, &report->drift, &report->error)) return s;
  const tickmlp_publish_options options = {back};
  return tickmlp_swap_publish(watch.swap, next, &options, &report->error);
}

tickmlp_status take(tickmlp_watch& watch, const Publication& publication, tickmlp_watch_report* report) {
  const tickmlp_model_info& running = running_model(*watch.swap).info;
  if (is_running(running, publication)) return TICKMLP_OK;
  if (std::strcmp(running.name, publication.name) != 0)
    return fail(&report->error, TICKMLP_OTHER_MODEL, "model %s is published; expected %s, which is running",
                publication.name, running.name);
  bool back;
  if (auto s = check_generation(publication, running.generation, watch.policy.generations, &back, &report->error))
    return s;
  tickmlp_model* next = nullptr;
  if (auto s = load_publication(watch.folder, publication, watch.policy, &next, &report->error)) return s;
  report->has_signature = watch.policy.wants_signature;
  if (auto s = publish(watch, next, back, report)) {
    tickmlp_model_free(next);
    return s;
  }
  report->event = TICKMLP_WATCH_TAKEN;
  return TICKMLP_OK;
}

bool is_decided(const tickmlp_watch& watch, const Current& current) {
  const Decision& decision = watch.decision;
  if (!decision.made || current.bytes != decision.current.bytes ||
      std::memcmp(current.text, decision.current.text, current.bytes) != 0)
    return false;
  if (decision.report.error.status == TICKMLP_OK) return true;  // it runs, whatever becomes of the files
  Publication publication;
  if (read_publication(current.text, current.bytes, &publication, nullptr) != TICKMLP_OK) return true;
  return stamp_of(watch.folder, publication.file) == decision.blob &&
         stamp_of(watch.folder, SignatureName(publication).text) == decision.signature;
}

// Fills what a look finds out, and not its counts and times.
tickmlp_status look(tickmlp_watch& watch, tickmlp_watch_report* report) {
  Current current;
  if (auto s = refresh_folder(watch.path, &watch.folder, &report->error)) return s;
  if (auto s = read_current(watch.folder, &current, &report->error)) return s;
  if (is_decided(watch, current)) {
    *report = watch.decision.report;
    report->event = TICKMLP_WATCH_SAME;
    return report->error.status;
  }
  Decision& decision = watch.decision;
  decision = {};
  decision.current = current;
  Publication publication;
  tickmlp_status status = read_publication(current.text, current.bytes, &publication, &report->error);
  if (status == TICKMLP_OK) {
    describe(publication, report);
    decision.blob = stamp_of(watch.folder, publication.file);
    decision.signature = stamp_of(watch.folder, SignatureName(publication).text);
    status = take(watch, publication, report);
  }
  if (status == TICKMLP_OK) report->error = {};  // a sentence of something that was passed over
  decision.report = *report;
  decision.made = !may_pass(status);
  return status;
}

// The same refusal once more. Two kinds of sentence count what goes on: for how long a reader has stalled, and how far
// the reading came.
bool is_repeated(const tickmlp_watch_report& last, const tickmlp_watch_report& now) {
  const tickmlp_status status = now.error.status;
  const bool counts = status == TICKMLP_READER_STALLED || status == TICKMLP_FILE_READ;
  return last.error.status == status && std::strcmp(last.file, now.file) == 0 &&
         (counts || std::strcmp(last.error.message, now.error.message) == 0);
}

// Times and counts, and whether there is anything to tell.
bool finish(tickmlp_watch& watch, uint64_t begin_ns, uint64_t begun_unix_ns, tickmlp_watch_report* report) {
  tickmlp_swap_collect(watch.swap);
  report->running = running_model(*watch.swap).info.generation;
  report->looked_at_ns = begun_unix_ns;
  const Locked locked(&watch.state_lock);
  const tickmlp_watch_report& last = watch.last;
  if (report->error.status != TICKMLP_OK && !is_repeated(last, *report)) report->event = TICKMLP_WATCH_REFUSED;
  const bool recovered = last.error.status != TICKMLP_OK && report->error.status == TICKMLP_OK;
  report->looks = last.looks + 1;
  report->taken = last.taken + (report->event == TICKMLP_WATCH_TAKEN);
  report->refused = last.refused + (report->event == TICKMLP_WATCH_REFUSED);
  report->took_ns = monotonic_ns() - begin_ns;
  watch.last = *report;
  return report->event != TICKMLP_WATCH_SAME || recovered;
}

tickmlp_status check_arguments(const char* folder, const tickmlp_watch_options* options, tickmlp_watch** out,
                               tickmlp_error* error) {
  if (folder == nullptr || options == nullptr || options->swap == nullptr || out == nullptr)
    return fail(error, TICKMLP_BAD_ARGUMENT, "folder, options, their slot or watch is NULL; expected all");
  return TICKMLP_OK;
}

}  // namespace
}  // namespace tickmlp::watch

using namespace tickmlp;
using namespace tickmlp::watch;

extern "C" {

tickmlp_status tickmlp_watch_create(const char* folder, const tickmlp_watch_options* options, tickmlp_watch** out,
                                    tickmlp_error* error) {
  if (auto s = check_arguments(folder, options, out, error)) return s;
  Policy policy;
  if (auto s = read_policy(*options, &policy, error)) return s;
  const size_t path_bytes = std::strlen(folder) + 1, bytes = sizeof(tickmlp_watch) + path_bytes;
  void* memory = policy.allocator.allocate(policy.allocator.context, bytes);
  if (memory == nullptr) return fail(error, TICKMLP_OUT_OF_MEMORY, "no memory for a watch of %zu bytes", bytes);
  auto* made = new (memory) tickmlp_watch{};
  made->policy = policy;
  made->swap = options->swap;
  made->on_report = options->on_report;
  made->context = options->context;
  made->path = static_cast<char*>(std::memcpy(made + 1, folder, path_bytes));
  pthread_mutex_init(&made->look_lock, nullptr);
  pthread_mutex_init(&made->state_lock, nullptr);
  pthread_condattr_t steady;
  pthread_condattr_init(&steady);
  pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
  pthread_cond_init(&made->wake, &steady);
  pthread_condattr_destroy(&steady);
  *out = made;
  return TICKMLP_OK;
}

void tickmlp_watch_free(tickmlp_watch* watch) {
  if (watch == nullptr) return;
  tickmlp_watch_stop(watch);
  close_folder(&watch->folder);
  pthread_cond_destroy(&watch->wake);
  pthread_mutex_destroy(&watch->state_lock);
  pthread_mutex_destroy(&watch->look_lock);
  const tickmlp_allocator allocator = watch->policy.allocator;
  allocator.release(allocator.context, watch);
}

tickmlp_status tickmlp_watch_poll(tickmlp_watch* watch, tickmlp_watch_report* out) {
  if (watch == nullptr) return TICKMLP_BAD_ARGUMENT;
  const Locked locked(&watch->look_lock);
  const uint64_t begin_ns = monotonic_ns(), begun_unix_ns = unix_ns();
  tickmlp_watch_report report = {};
  const tickmlp_status status = look(*watch, &report);
  const bool tell = finish(*watch, begin_ns, begun_unix_ns, &report);
  if (out != nullptr) *out = report;
  if (tell && watch->on_report != nullptr) watch->on_report(watch->context, &report);
  return status;
}

tickmlp_status tickmlp_watch_last(const tickmlp_watch* watch, tickmlp_watch_report* report) {
  if (watch == nullptr || report == nullptr) return TICKMLP_BAD_ARGUMENT;
  const Locked locked(&watch->state_lock);
  *report = watch->last;
  return TICKMLP_OK;
}

}  // extern "C"
