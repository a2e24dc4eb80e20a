// SPDX-License-Identifier: Apache-2.0
// What lies in a published folder, and which of it is kept.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "folder.h"
#include "names.h"
#include "publish.h"

namespace tickmlp::publish {

inline constexpr std::size_t kMostBlobBytes = std::size_t{256} << 20;  // as the loader
inline constexpr std::size_t kMostCurrent = 512;
inline constexpr std::size_t kMostSignature = 4096;

struct Contents {
  std::optional<Current> current;
  std::vector<PublishedName> blobs;
  std::set<std::string> withdrawn;  // file names of blobs
  bool any_published = false;       // `highest` counts
  uint64_t highest = 0;             // of what was ever current, as far as `current` tells

  bool is_withdrawn(const PublishedName& name) const { return withdrawn.count(name.file()) != 0; }
};

// Without `current` any other blob may have been published: then the highest generation of those counts. So it does
// where `current` cannot be read and `repair` is set. Causes: damaged-folder, cannot-write.
Contents read_contents(const Folder& folder, const PublishedName& candidate, bool repair);

// After a publication: keeps `keep` generations (at least 2; 0: all) that are not withdrawn, counted from the current
// one downwards, and everything above; takes back the mark of the current one, and what lost its blob. What cannot be
// removed becomes a warning: the publication stands.
void clean_up(Folder* folder, const Current& current, uint64_t keep, Outcome* outcome);

}  // namespace tickmlp::publish
