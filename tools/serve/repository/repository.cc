// SPDX-License-Identifier: Apache-2.0
#include "serve/repository/repository.h"

#include <filesystem>

#include "serve/json_text.h"

namespace tickmlp::serve {

Refusal refused(tickmlp_status status, const tickmlp_error& error) {
  return {Code::conflict, std::string(tickmlp_status_name(status)) + ": " + error.message};
}

Refusal Repository::open() {
  std::vector<Found> found;
  if (const Refusal refusal = scan(options_.folder, &found)) return refusal;
  const std::lock_guard lock(loading_);
  for (Found& one : found) {
    std::string name = one.name;
    Entry& entry = entries_[std::move(name)];
    entry.found = std::move(one);
    entry.reason = load_entry(&entry).message;
    if (entry.served != nullptr) ++entry.taken;
    else note_refusal(&entry);
  }
  publish();
  return {};
}

Refusal Repository::load_file(const std::string& path, Model* out) const {
  tickmlp_load_options load{};
  load.kernel = options_.kernel.empty() ? nullptr : options_.kernel.c_str();
  tickmlp_model* model = nullptr;
  tickmlp_error error{};
  if (const auto status = tickmlp_model_load(path.c_str(), &load, &model, &error); status != TICKMLP_OK)
    return refused(status, error);
  out->reset(model);
  return {};
}

tickmlp_watch_options Repository::watch_options(tickmlp_load_options* load, const Slot* slot) const {
  load->kernel = options_.kernel.empty() ? nullptr : options_.kernel.c_str();
  tickmlp_watch_options options{};
  options.load = load;
  options.swap = slot != nullptr ? slot->swap() : nullptr;
  options.public_key = options_.public_key.empty() ? nullptr : options_.public_key.c_str();
  options.drift = options_.drift;
  return options;
}

// The first model of an entry: its slot, and for a published folder the watch over it.
Refusal Repository::first(Entry* entry, Model model) {
  auto served = std::make_shared<Served>();
  served->name = entry->found.name;
  served->quoted = json_text(served->name);
  served->shape = shape_of(model.get());
  std::string reason;
  served->current = Slot::make(std::move(model), &reason);
  if (served->current == nullptr) return {Code::internal, reason};
  if (const Refusal refusal = watch(entry, *served->current)) return refusal;
  entry->served = std::move(served);
  refresh_versions(entry);
  return {};
}

// A new watch takes what `current` names even if an earlier one has seen it.
Refusal Repository::watch(Entry* entry, const Slot& slot) const {
  if (!entry->found.published) return {};
  tickmlp_load_options load{};
  const tickmlp_watch_options options = watch_options(&load, &slot);
  tickmlp_watch* watch = nullptr;
  tickmlp_error error{};
  const auto status = tickmlp_watch_create(entry->found.path.c_str(), &options, &watch, &error);
  if (status != TICKMLP_OK) return refused(status, error);
  entry->watch.reset(watch);
  return {};
}

Refusal Repository::load_found(const Found& found, Model* out) const {
  if (std::error_code error; std::filesystem::is_symlink(found.path, error))
    return {Code::conflict,
            "file-kind: " + found.path + ": a symbolic link: expected what lies in the repository itself"};
  if (!found.published) return load_file(found.path, out);
  tickmlp_load_options load{};
  const tickmlp_watch_options options = watch_options(&load, nullptr);
  tickmlp_model* loaded = nullptr;
  tickmlp_watch_report report{};
  const auto status = tickmlp_watch_load_current(found.path.c_str(), &options, &loaded, &report);
  if (status != TICKMLP_OK) return refused(status, report.error);
  out->reset(loaded);
  return {};
}

Refusal Repository::load_entry(Entry* entry) {
  Model model;
  if (const Refusal refusal = load_found(entry->found, &model)) return refusal;
  return first(entry, std::move(model));
}

Model Repository::load_copy(std::string_view name) {
  const std::lock_guard lock(loading_);
  const auto place = entries_.find(name);
  Model model;
  if (place != entries_.end()) load_found(place->second.found, &model);
  return model;
}

// Published folders keep older generations: the newest few get slots of their own; so does the current one, so that it
// is there already when the next one takes its place.
void Repository::refresh_versions(Entry* entry) {
  if (!entry->found.published) return;
  const std::uint64_t current = entry->served->current->state().generation;
  auto served = std::make_shared<Served>(*entry->served);
  served->others.clear();
  std::size_t kept = 0;
  for (const PublishedBlob& blob : published_blobs(entry->found.path, entry->found.name)) {
    const bool is_current = blob.generation == current;
    if (served->others.contains(blob.generation)) continue;
    if (kept == options_.versions && !is_current) continue;
    if (options_.versions == 0) break;
    if (!is_current) ++kept;
    if (const auto had = entry->served->others.find(blob.generation); had != entry->served->others.end()) {
      served->others.insert(*had);
      continue;
    }
    Model model;
    std::string reason;
    // One that does not load, or is another kind of model, is no version: the current one is what must serve.
    if (load_file(blob.path, &model)) continue;
    if (tickmlp_model_describe(model.get())->generation != blob.generation) continue;
    if (auto slot = Slot::make(std::move(model), &reason)) served->others.emplace(blob.generation, std::move(slot));
  }
  entry->served = std::move(served);
}

Refusal Repository::reload(Entry* entry) {
  tickmlp_error error{};
  if (entry->watch != nullptr) {
    if (entry->pinned)
      if (const Refusal refusal = watch(entry, *entry->served->current)) return refusal;
    tickmlp_watch_report report{};
    const auto status = tickmlp_watch_poll(entry->watch.get(), &report);
    if (report.event == TICKMLP_WATCH_TAKEN) refresh_versions(entry);
    return status == TICKMLP_OK ? Refusal{} : refused(status, report.error);
  }
  Model model;
  if (const Refusal refusal = load_found(entry->found, &model)) return refusal;
  const Slot& slot = *entry->served->current;
  const tickmlp_model_info* next = tickmlp_model_describe(model.get());
  const tickmlp_model_info* running = tickmlp_model_describe(slot.state().model);
  if (std::equal(std::begin(next->blob_sha256), std::end(next->blob_sha256), running->blob_sha256)) return {};
  const auto status = tickmlp_swap_publish(slot.swap(), model.get(), nullptr, &error);
  if (status != TICKMLP_OK) return refused(status, error);
  (void)model.release();  // the slot's now
  return {};
}

// Of the slot: one more each time that a generation was taken. 0 where nothing serves.
std::uint64_t Repository::publication(const Entry& entry) {
  return entry.served == nullptr ? 0 : entry.served->current->state().number;
}

void Repository::note_refusal(Entry* entry) {
  ++entry->refused;
  const std::filesystem::path path = entry->found.path;
  entry->refused_file = entry->found.published ? current_file(path) : path.filename().string();
}

Refusal Repository::load(std::string_view name) {
  if (!is_model_name(name))
    return {Code::bad_request, quote(name) + " is no model's name: expected 1 to 63 of A-Z a-z 0-9 . _ + -"};
  const std::lock_guard lock(loading_);
  auto place = entries_.find(name);
  if (place == entries_.end()) {  // it may have come after the start
    std::vector<Found> found;
    if (const Refusal refusal = scan(options_.folder, &found)) return refusal;
    for (Found& one : found)
      if (one.name == name) {
        place = entries_.try_emplace(std::string(name)).first;
        place->second.found = std::move(one);
      }
    if (place == entries_.end()) return {Code::not_found, "no model " + quote(name) + " in the repository"};
  }
  Entry& entry = place->second;
  const std::uint64_t before = publication(entry);
  const Refusal refusal = entry.served != nullptr ? reload(&entry) : load_entry(&entry);
  entry.reason = refusal.message;
  if (refusal && entry.served == nullptr && !std::filesystem::exists(entry.found.path)) {
    entries_.erase(place);  // it is gone, and nothing of it serves
    publish();
    return refusal;
  }
  if (refusal) note_refusal(&entry);
  else entry.taken += publication(entry) != before;
  entry.unloaded = false;  // wanted again, so that a refusal shows in ready()
  if (!refusal) entry.pinned = false;
  publish();
  return refusal;
}

Refusal Repository::unload(std::string_view name) {
  const std::lock_guard lock(loading_);
  const auto place = entries_.find(name);
  if (place == entries_.end()) return {Code::not_found, "no model " + quote(name) + " in the repository"};
  place->second.watch.reset();
  place->second.served.reset();
  place->second.unloaded = true;
  place->second.reason = "unloaded";
  publish();
  return {};
}

std::vector<std::string> Repository::poll() {
  const std::lock_guard lock(loading_);
  std::vector<std::string> lines;
  const auto gone = [](const auto& one) {
    std::error_code error;
    return one.second.unloaded && std::filesystem::symlink_status(one.second.found.path, error).type() ==
                                      std::filesystem::file_type::not_found;
  };
  if (std::erase_if(entries_, gone) != 0) publish();
  for (auto& [name, entry] : entries_) {
    if (entry.served == nullptr) continue;
    tickmlp_swap_collect(entry.served->current->swap());
    if (entry.watch == nullptr || entry.pinned) continue;
    tickmlp_watch_report report{};
    tickmlp_watch_poll(entry.watch.get(), &report);
    if (report.event == TICKMLP_WATCH_SAME) continue;
    if (report.event == TICKMLP_WATCH_TAKEN) {
      refresh_versions(&entry);
      publish();
      entry.reason.clear();
      ++entry.taken;
      lines.push_back(name + ": generation " + std::to_string(report.running) + " serves");
    } else {
      entry.reason = refused(report.error.status, report.error).message;
      note_refusal(&entry);
      entry.refused_file = report.file;
      publish();
      lines.push_back(name + ": refused " + entry.reason);
    }
  }
  return lines;
}

}  // namespace tickmlp::serve
