// SPDX-License-Identifier: Apache-2.0
// The names in a published folder as the watcher and the publisher read them, against the table that
// tests/cycle/test_names.py holds the Python side to.
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "names.h"
#include "watch/publication.h"

using namespace tickmlp;
using nlohmann::json;

namespace {

json table(const char* part) {
  std::ifstream file(TICKMLP_SOURCE_ROOT "/tests/published_names.json");
  const json rows = json::parse(file).at(part);
  REQUIRE_GE(rows.size(), 10);
  return rows;
}

}  // namespace

TEST_CASE("names of models") {
  for (const json& row : table("names")) {
    const std::string name = row[0];
    CAPTURE(name);
    CHECK_EQ(watch::is_published_name(name.data(), name.size()), row[1].get<bool>());
    CHECK_EQ(publish::is_publishable(name), row[1].get<bool>());
  }
}

TEST_CASE("names of files") {
  for (const json& row : table("files")) {
    const std::string file = row[0];
    CAPTURE(file);
    watch::Publication seen = {};
    const auto parsed = publish::parse_name(file);
    REQUIRE_EQ(watch::read_published_file(file.data(), file.size(), &seen), !row[1].is_null());
    REQUIRE_EQ(parsed.has_value(), !row[1].is_null());
    if (!parsed) continue;
    CHECK_EQ(seen.file, file);
    CHECK_EQ(seen.name, row[1].at("name").get<std::string>());
    CHECK_EQ(seen.generation, row[1].at("generation").get<std::uint64_t>());
    CHECK_EQ(seen.sha8, row[1].at("sha8").get<std::string>());
    CHECK_FALSE(seen.rollback);
    CHECK_EQ(parsed->file(), file);
    CHECK(*parsed == publish::PublishedName{seen.name, seen.generation, seen.sha8});
  }
}

TEST_CASE("lines of current, and what is untouched by a line that is refused") {
  for (const json& row : table("lines")) {
    const std::string line = row[0];
    CAPTURE(line);
    watch::Publication seen = {};
    seen.generation = 77;
    const auto status = watch::read_publication(line.data(), line.size(), &seen, nullptr);
    const auto parsed = publish::parse_current(line);
    REQUIRE_EQ(status, row[1].is_null() ? TICKMLP_BAD_PUBLICATION : TICKMLP_OK);
    REQUIRE_EQ(parsed.has_value(), !row[1].is_null());
    if (!parsed) {
      CHECK_EQ(seen.generation, 77);
      continue;
    }
    const json& rollback = row[1].at("rollback_from");
    CHECK_EQ(seen.file, row[1].at("file").get<std::string>());
    CHECK_EQ(seen.rollback, !rollback.is_null());
    CHECK_EQ(parsed->blob.file(), seen.file);
    CHECK_EQ(parsed->rollback_from.has_value(), seen.rollback);
    if (seen.rollback) CHECK_EQ(seen.rollback_from, rollback.get<std::uint64_t>());
    if (seen.rollback) CHECK_EQ(*parsed->rollback_from, seen.rollback_from);
    CHECK_EQ(parsed->line(), line);
  }
}
