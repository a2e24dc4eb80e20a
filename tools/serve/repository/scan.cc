// SPDX-License-Identifier: Apache-2.0
#include "serve/repository/scan.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "serve/read_number.h"

namespace tickmlp::serve {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".blob";
constexpr std::size_t kMaxName = 63;

// Links are refused: a repository is what lies in it.
bool is_plain_file(const fs::path& path) {
  std::error_code error;
  return fs::symlink_status(path, error).type() == fs::file_type::regular;
}

void add_entry(const fs::path& path, std::vector<Found>* out) {
  const std::string file = path.filename().string();
  std::error_code error;
  if (is_plain_file(path) && file.ends_with(kSuffix)) {
    const std::string stem = file.substr(0, file.size() - kSuffix.size());
    if (is_model_name(stem)) out->push_back({stem, path.string(), false});
  } else if (fs::symlink_status(path, error).type() == fs::file_type::directory && is_plain_file(path / "current")) {
    if (const auto name = read_published_name(current_file(path.string()))) {
      out->push_back({name->name, path.string(), true});
    } else if (is_model_name(file)) {
      out->push_back({file, path.string(), true});  // its `current` is damaged: the load will say how
    }
  }
}

}  // namespace

bool is_name_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '+' || c == '-';
}

bool is_model_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && name[0] != '.' && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), is_name_letter);
}

std::optional<PublishedName> read_published_name(std::string_view file) {
  if (!file.ends_with(kSuffix)) return {};
  file.remove_suffix(kSuffix.size());
  const std::size_t second = file.rfind('-');
  if (second == std::string_view::npos || file.size() - second - 1 != 8) return {};
  const std::size_t first = file.rfind('-', second - 1);
  if (second == 0 || first == std::string_view::npos) return {};
  const std::string_view digits = file.substr(first + 1, second - first - 1);
  PublishedName out{std::string(file.substr(0, first)), 0};
  if (!read_number(digits, &out.generation) || !is_model_name(out.name)) return {};
  return out;
}

std::string current_file(const std::string& folder) {
  std::ifstream in(fs::path(folder) / "current");
  std::string file;
  in >> file;
  return file;
}

Refusal scan(const std::string& folder, std::vector<Found>* out) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (status.type() != fs::file_type::directory)
    return {Code::not_found, "repository " + folder + ": " +
                                 (status.type() == fs::file_type::not_found ? "no such folder" : "no folder") +
                                 ": expected a folder of blobs, or one with `current`"};
  if (is_plain_file(fs::path(folder) / "current")) {
    add_entry(folder, out);
  } else {
    for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::directory_iterator();
         entry.increment(error))
      add_entry(entry->path(), out);
    if (error) return {Code::not_found, "repository " + folder + ": " + error.message()};
  }
  if (out->empty())
    return {Code::not_found,
            "repository " + folder + ": no model: expected files *.blob, or folders with `current` in them"};
  std::sort(out->begin(), out->end(), [](const Found& a, const Found& b) { return a.name < b.name; });
  const auto twin =
      std::adjacent_find(out->begin(), out->end(), [](const Found& a, const Found& b) { return a.name == b.name; });
  if (twin != out->end())
    return {Code::conflict, "repository " + folder + ": " + twin->path + " and " + (twin + 1)->path +
                                " are both the model " + twin->name + ": expected one"};
  return {};
}

std::vector<PublishedBlob> published_blobs(const std::string& folder, std::string_view name) {
  std::vector<PublishedBlob> blobs;
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const auto published = read_published_name(entry->path().filename().string());
    if (published && published->name == name && is_plain_file(entry->path()))
      blobs.push_back({published->generation, entry->path().string()});
  }
  std::sort(blobs.begin(), blobs.end(), [](const auto& a, const auto& b) { return a.generation > b.generation; });
  return blobs;
}

}  // namespace tickmlp::serve
