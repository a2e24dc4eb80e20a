// SPDX-License-Identifier: Apache-2.0
#include "names.h"

#include "watch/publication.h"

namespace tickmlp::publish {
namespace {

PublishedName name_of(const watch::Publication& read) { return {read.name, read.generation, read.sha8}; }

}  // namespace

bool is_publishable(std::string_view name) { return watch::is_published_name(name.data(), name.size()); }

std::optional<PublishedName> parse_name(std::string_view file) {
  watch::Publication read;
  if (!watch::read_published_file(file.data(), file.size(), &read)) return {};
  return name_of(read);
}

std::string Current::line() const {
  std::string text = blob.file();
  if (rollback_from) text += " rollback-from " + std::to_string(*rollback_from);
  return text + "\n";
}

std::optional<Current> parse_current(std::string_view text) {
  watch::Publication read;
  if (watch::read_publication(text.data(), text.size(), &read, nullptr) != TICKMLP_OK) return {};
  Current current{name_of(read), {}};
  if (read.rollback) current.rollback_from = read.rollback_from;
  return current;
}

}  // namespace tickmlp::publish
