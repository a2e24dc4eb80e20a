// SPDX-License-Identifier: Apache-2.0
#include "contents.h"

#include <algorithm>
#include <functional>

#include "cause.h"

namespace tickmlp::publish {
namespace {

constexpr uint64_t kLeastKept = 2;  // the current one, and one to go back to

std::string without(const std::string& text, std::string_view suffix) {
  return text.substr(0, text.size() - suffix.size());
}

// The blob's file name of a signature or a mark; "" for anything else.
std::string blob_of(const std::string& file) {
  for (const std::string_view suffix : {kSignatureSuffix, kWithdrawnSuffix})
    if (file.ends_with(suffix) && parse_name(without(file, suffix))) return without(file, suffix);
  return {};
}

std::optional<Current> read_current(const Folder& folder, bool repair) {
  try {
    const auto text = folder.read(std::string(kCurrent), kMostCurrent);
    if (!text) return {};
    if (const auto current = parse_current(*text)) return current;
    refuse(kDamagedFolder, folder.path() + "/current is no line \"NAME-GENERATION-SHA8.blob\"");
  } catch (const Refusal& refusal) {
    if (repair) return {};
    refuse(kDamagedFolder, refusal.message + "; --repair publishes over it, above every generation in the folder");
  }
}

// Below it nothing is kept: the generation of the last one that counts.
uint64_t lowest_kept(const Contents& contents, const Current& current, uint64_t keep) {
  std::vector<uint64_t> kept;
  for (const PublishedName& blob : contents.blobs)
    if (blob.generation <= current.blob.generation && !contents.is_withdrawn(blob)) kept.push_back(blob.generation);
  std::sort(kept.begin(), kept.end(), std::greater<>());
  return kept.size() < keep ? 0 : kept[keep - 1];
}

}  // namespace

Contents read_contents(const Folder& folder, const PublishedName& candidate, bool repair) {
  Contents contents;
  for (const std::string& file : folder.files()) {
    if (const auto name = parse_name(file)) contents.blobs.push_back(*name);
    else if (file.ends_with(kWithdrawnSuffix) && !blob_of(file).empty()) contents.withdrawn.insert(blob_of(file));
  }
  contents.current = read_current(folder, repair);
  if (contents.current) {
    contents.any_published = true;
    contents.highest = contents.current->highest();
    return contents;
  }
  for (const PublishedName& blob : contents.blobs) {
    if (blob == candidate) continue;
    contents.any_published = true;
    contents.highest = std::max(contents.highest, blob.generation);
  }
  return contents;
}

void clean_up(Folder* folder, const Current& current, uint64_t keep, Outcome* outcome) {
  try {
    const Contents contents = read_contents(*folder, current.blob, false);
    const uint64_t lowest = keep == 0 ? 0 : lowest_kept(contents, current, std::max(keep, kLeastKept));
    std::set<std::string> left;
    for (const PublishedName& blob : contents.blobs) {
      if (blob.generation >= lowest || blob == current.blob) {
        left.insert(blob.file());
        continue;
      }
      folder->remove(blob.file());
      outcome->removed.push_back(blob.file());
    }
    for (const std::string& file : folder->files()) {
      const std::string blob = blob_of(file);
      const bool own_mark = file == current.blob.file() + std::string(kWithdrawnSuffix);
      if (own_mark || (!blob.empty() && left.count(blob) == 0)) folder->remove(file);
      if (file == current.blob.file() + std::string(kSignatureSuffix)) outcome->is_signed = true;
    }
  } catch (const Refusal& refusal) {
    outcome->warnings.push_back("published; older generations were not all removed: " + refusal.message);
  }
}

}  // namespace tickmlp::publish
