// SPDX-License-Identifier: Apache-2.0
#include "serve/repository/repository.h"

namespace tickmlp::serve {

Refusal Repository::rollback(std::string_view name, std::optional<std::uint64_t> version) {
  const std::lock_guard lock(loading_);
  const auto place = entries_.find(name);
  if (place == entries_.end() || place->second.served == nullptr)
    return {Code::not_found, "no model " + quote(name) + " is served"};
  Entry& entry = place->second;
  if (!entry.found.published)
    return {Code::conflict, "model " + entry.found.name + " is a single blob: expected a published folder"};
  const Slot& slot = *entry.served->current;
  const std::uint64_t running = slot.state().generation;
  for (const PublishedBlob& blob : published_blobs(entry.found.path, entry.found.name)) {
    if (version ? blob.generation != *version : blob.generation >= running) continue;
    Model model;
    if (const Refusal refusal = load_file(blob.path, &model)) return refusal;
    if (tickmlp_model_describe(model.get())->generation != blob.generation)
      return {Code::conflict, "blob-generation: " + blob.path + " holds generation " +
                                  std::to_string(tickmlp_model_describe(model.get())->generation) +
                                  ": expected the one in its name"};
    const tickmlp_publish_options options{1};
    tickmlp_error error{};
    const auto status = tickmlp_swap_publish(slot.swap(), model.get(), &options, &error);
    if (status != TICKMLP_OK) return refused(status, error);
    (void)model.release();  // the slot's now
    entry.pinned = true;
    entry.reason = "rolled back from generation " + std::to_string(running);
    refresh_versions(&entry);
    publish();
    return {};
  }
  return {Code::not_found, "model " + entry.found.name + " has no generation " +
                               (version ? std::to_string(*version) : "below " + std::to_string(running)) +
                               " in its folder"};
}

}  // namespace tickmlp::serve
