// SPDX-License-Identifier: Apache-2.0
// The first model: one look without a slot.
#include "error.h"
#include "model.h"
#include "watch/policy.h"

namespace tickmlp::watch {
namespace {

tickmlp_status load_from(const Folder& folder, const Policy& policy, tickmlp_model** model,
                         tickmlp_watch_report* report) {
  Current current;
  Publication publication;
  if (auto s = read_current(folder, &current, &report->error)) return s;
  if (auto s = read_publication(current.text, current.bytes, &publication, &report->error)) return s;
  describe(publication, report);
  if (auto s = check_least(publication, policy.generations, &report->error)) return s;
  if (auto s = load_publication(folder, publication, policy, model, &report->error)) return s;
  report->has_signature = policy.wants_signature;
  report->event = TICKMLP_WATCH_TAKEN;
  return TICKMLP_OK;
}

tickmlp_status load_current(const char* path, const tickmlp_watch_options* options, tickmlp_model** model,
                            tickmlp_watch_report* report) {
  if (path == nullptr || model == nullptr)
    return fail(&report->error, TICKMLP_BAD_ARGUMENT, "folder or model is NULL; expected both");
  Policy policy;
  if (auto s = read_policy(options != nullptr ? *options : tickmlp_watch_options{}, &policy, &report->error)) return s;
  Folder folder;
  if (auto s = refresh_folder(path, &folder, &report->error)) return s;
  const tickmlp_status status = load_from(folder, policy, model, report);
  close_folder(&folder);
  return status;
}

}  // namespace
}  // namespace tickmlp::watch

extern "C" tickmlp_status tickmlp_watch_load_current(const char* folder, const tickmlp_watch_options* options,
                                                     tickmlp_model** model, tickmlp_watch_report* out) {
  using namespace tickmlp::watch;
  tickmlp_watch_report report = {};
  report.looked_at_ns = unix_ns();
  const uint64_t begin_ns = monotonic_ns();
  const tickmlp_status status = load_current(folder, options, model, &report);
  report.took_ns = monotonic_ns() - begin_ns;
  report.looks = 1;
  report.taken = status == TICKMLP_OK;
  report.refused = status != TICKMLP_OK;
  if (status != TICKMLP_OK) report.event = TICKMLP_WATCH_REFUSED;
  if (out != nullptr) *out = report;
  return status;
}
