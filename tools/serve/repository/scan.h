// SPDX-License-Identifier: Apache-2.0
// What lies in a repository: single blobs, and published folders with their `current`.
#ifndef TICKMLP_SERVE_REPOSITORY_SCAN_H_
#define TICKMLP_SERVE_REPOSITORY_SCAN_H_
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/refusal.h"

namespace tickmlp::serve {

struct Found {
  std::string name;        // of the model: the file's stem, or the name before the generation of a published blob
  std::string path;        // the blob, or the folder
  bool published = false;  // a folder with `current`
};

// Letters, digits and . _ + -, 63 at most, and the first neither '.' nor '-': as published names are. What is no such
// name is no model's, so no spelling of a path gets past this.
bool is_model_name(std::string_view name);
bool is_name_letter(char c);  // that stands in some

// NAME-GENERATION-SHA8.blob
struct PublishedName {
  std::string name;
  std::uint64_t generation;
};
std::optional<PublishedName> read_published_name(std::string_view file);

// The models of a folder: itself published; or *.blob files and published folders, one level down. Symbolic links are
// left out. Refused: no folder, or nothing that is a model.
Refusal scan(const std::string& folder, std::vector<Found>* out);

// The blobs of a published folder, newest generation first.
struct PublishedBlob {
  std::uint64_t generation;
  std::string path;
};
std::vector<PublishedBlob> published_blobs(const std::string& folder, std::string_view name);
// The file that `current` names; empty where it cannot be read.
std::string current_file(const std::string& folder);

}  // namespace tickmlp::serve
#endif
