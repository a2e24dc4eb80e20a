// SPDX-License-Identifier: Apache-2.0
// A watch, look by look: what it takes, what it refuses, and what it tells of it.
#include <cmath>

#include "published_folder.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

constexpr const char* kName = "strategic-int8";

struct Told {
  std::vector<tickmlp_watch_report> reports;
  static void keep(void* context, const tickmlp_watch_report* report) {
    static_cast<Told*>(context)->reports.push_back(*report);
  }
};

}  // namespace

TEST_CASE("a new publication is taken, once, and its reader gets it") {
  PublishedFolder folder;
  Told told;
  tickmlp_watch_options options = {};
  options.on_report = Told::keep;
  options.context = &told;
  Watched watched(folder, load_variant(kName, 1, 1), options);
  tickmlp_reader* reader = watched.slot.reader();
  REQUIRE(tickmlp_reader_take(reader)->generation == 1);
  folder.publish(variant(kName, 1, 1));  // what runs already
  CHECK(watched.look() == TICKMLP_OK);
  CHECK(watched.report.event == TICKMLP_WATCH_SAME);
  CHECK(told.reports.empty());
  const std::string name = folder.publish(variant(kName, 2, 2));
  CHECK(watched.takes(2));
  CHECK(watched.report.file == name);
  CHECK(watched.report.generation == 2);
  CHECK(watched.report.drift.states == 16);
  CHECK(watched.report.took_ns > 0);
  CHECK(watched.report.looked_at_ns > 1'600'000'000'000'000'000);
  for (int i = 0; i < 3; ++i) {
    CHECK(watched.look() == TICKMLP_OK);
    CHECK(watched.report.event == TICKMLP_WATCH_SAME);
    CHECK(watched.report.file == name);
  }
  REQUIRE(told.reports.size() == 1);
  CHECK(told.reports[0].event == TICKMLP_WATCH_TAKEN);
  CHECK(watched.report.looks == 5);
  CHECK(watched.report.taken == 1);
  CHECK(tickmlp_reader_take(reader)->generation == 2);
  watched.look();
  CHECK(watched.slot.state().retired == 0);  // a look collects
  tickmlp_watch_report last;
  CHECK(tickmlp_watch_last(watched.watch, &last) == TICKMLP_OK);
  CHECK(last.looks == 6);
}

TEST_CASE("generations rise, unless a rollback from the running one is asked for") {
  PublishedFolder folder;
  Watched watched(folder, load_variant(kName, 7, 1));
  std::string name[10];
  for (uint64_t g : {3, 4, 6, 7, 8, 9}) name[g] = folder.put(variant(kName, g, static_cast<uint32_t>(g)));
  folder.point(name[6]);
  CHECK(watched.refuses(TICKMLP_OLD_GENERATION, "generation 6 is published while 7 is running"));
  folder.point(name[7]);  // the same number with other bytes
  CHECK(watched.refuses(TICKMLP_OLD_GENERATION, "7 is published while 7"));
  folder.point(name[6] + " rollback-from 7");
  CHECK(watched.takes(6));
  CHECK(watched.report.rollback == 1);
  folder.point(name[4] + " rollback-from 5");  // an old line again: 6 is past it
  CHECK(watched.refuses(TICKMLP_OLD_GENERATION, "a rollback from 5 to 4 while 6 is running"));
  folder.point(name[4] + " rollback-from 8");  // meant for those that run 8: this one did not get so far
  CHECK(watched.takes(4));
  folder.point(name[9] + " rollback-from 12");  // it rises here
  CHECK(watched.takes(9));
  folder.point(name[8]);
  CHECK(watched.refuses(TICKMLP_OLD_GENERATION));
  CHECK(watched.generation() == 9);
}

TEST_CASE("a host may forbid rollbacks, and ask for a least generation") {
  PublishedFolder folder;
  tickmlp_watch_options options = {};
  options.forbid_rollback = 1;
  options.least_generation = 5;
  Watched watched(folder, load_variant(kName, 7, 1), options);
  const std::string six = folder.put(variant(kName, 6, 6)), four = folder.put(variant(kName, 4, 4));
  folder.point(six + " rollback-from 7");
  CHECK(watched.refuses(TICKMLP_OLD_GENERATION, "the host forbids rollbacks"));
  folder.point(four + " rollback-from 7");
  CHECK(watched.refuses(TICKMLP_OLD_GENERATION, "expected 5 or above"));
  tickmlp_model* model = nullptr;
  tickmlp_watch_report report;
  CHECK(tickmlp_watch_load_current(folder.path.c_str(), &options, &model, &report) == TICKMLP_OLD_GENERATION);
  CHECK(model == nullptr);
  CHECK(report.event == TICKMLP_WATCH_REFUSED);
}

TEST_CASE("the first model comes from the folder too") {
  PublishedFolder folder;
  const std::string name = folder.publish(variant(kName, 3, 1));
  tickmlp_model* model = nullptr;
  tickmlp_watch_report report;
  REQUIRE(tickmlp_watch_load_current(folder.path.c_str(), nullptr, &model, &report) == TICKMLP_OK);
  CHECK(report.event == TICKMLP_WATCH_TAKEN);
  CHECK(report.file == name);
  CHECK(report.generation == 3);
  CHECK(golden_holds(model));
  Watched watched(folder, model);
  CHECK(watched.look() == TICKMLP_OK);
  CHECK(watched.report.event == TICKMLP_WATCH_SAME);
  CHECK(watched.slot.state().number == 1);
}

TEST_CASE("models of another kind, and blobs that are not what their file's name says") {
  PublishedFolder folder;
  Watched watched(folder, load_variant(kName, 1, 1));
  folder.publish(variant("tactical-int8", 2, 1));
  CHECK(watched.refuses(TICKMLP_OTHER_MODEL, "model tactical is published; expected strategic"));
  std::vector<uint8_t> other = variant("tactical-int8", 2, 1);  // other dimensions under the same name
  std::strcpy(header_of(other).name, "strategic");
  std::memset(header_of(other).name + 9, 0, sizeof header_of(other).name - 9);
  stamp(other);
  folder.publish(other);
  CHECK(watched.refuses(TICKMLP_OTHER_MODEL, "inputs; expected 13"));
  const std::vector<uint8_t> good = variant(kName, 2, 2);
  const std::string name = PublishedFolder::name_of(good), text(good.begin(), good.end());
  for (const auto& [from, to] : {std::pair("-2-", "-3-"), std::pair("strategic-", "tactical-")}) {
    std::string wrong = name;
    wrong.replace(wrong.find(from), std::strlen(from), to);
    folder.put(wrong, text);
    folder.point(wrong);
    if (to[1] == '3') CHECK(watched.refuses(TICKMLP_BAD_PUBLICATION, "the blob is strategic of generation 2"));
    else CHECK(watched.refuses(TICKMLP_OTHER_MODEL));
  }
  folder.publish(good);
  CHECK(watched.takes(2));
}

TEST_CASE("a refusal is told once, not tried again, and seen to be mended") {
  PublishedFolder folder;
  Told told;
  tickmlp_watch_options options = {};
  options.on_report = Told::keep;
  options.context = &told;
  Watched watched(folder, load_variant(kName, 1, 1), options);
  const std::vector<uint8_t> good = variant(kName, 2, 2);
  std::vector<uint8_t> damaged = good;
  damaged[damaged.size() / 2] ^= 1;
  const std::string name = PublishedFolder::name_of(good);
  folder.put(name, std::string(damaged.begin(), damaged.end()));
  folder.point(name);
  CHECK(watched.refuses(TICKMLP_BLOB_DIGEST, "expected " + name.substr(name.size() - 13, 8)));
  for (int i = 0; i < 3; ++i) {
    CHECK(watched.look() == TICKMLP_BLOB_DIGEST);  // it stands
    CHECK(watched.report.event == TICKMLP_WATCH_SAME);
    CHECK(watched.report.file == name);
  }
  CHECK(told.reports.size() == 1);
  CHECK(watched.report.refused == 1);
  folder.put(name, std::string(good.begin(), good.end()));
  CHECK(watched.takes(2));
  CHECK(told.reports.size() == 2);
}

TEST_CASE("a folder that vanishes, is another one, or is nobody's") {
  PublishedFolder folder;
  Told told;
  tickmlp_watch_options options = {};
  options.on_report = Told::keep;
  options.context = &told;
  Watched watched(folder, load_variant(kName, 1, 1), options);
  CHECK(watched.refuses(TICKMLP_FILE_OPEN, "cannot open current: No such file"));
  folder.publish(variant(kName, 1, 1));
  CHECK(watched.look() == TICKMLP_OK);
  REQUIRE(told.reports.size() == 2);  // the refusal, and that it is gone
  CHECK(told.reports[1].event == TICKMLP_WATCH_SAME);
  CHECK(told.reports[1].error.status == TICKMLP_OK);
  const fs::path away = folder.path.string() + "-away";
  fs::rename(folder.path, away);
  CHECK(watched.refuses(TICKMLP_FILE_OPEN, "cannot open the published folder"));
  write_text(folder.path, "a file\n");
  CHECK(watched.refuses(TICKMLP_FILE_KIND, "is no folder"));
  fs::remove(folder.path);
  fs::create_directory(folder.path);  // another one
  folder.publish(variant(kName, 2, 2));
  CHECK(watched.takes(2));
  fs::permissions(folder.path, fs::perms(0777));
  CHECK(watched.refuses(TICKMLP_FILE_WRITABLE, "mode 777"));
  fs::permissions(folder.path, fs::perms(0755));
  CHECK(watched.look() == TICKMLP_OK);
  fs::remove_all(folder.path);
  fs::rename(away, folder.path);  // the first one again, with the older generation
  CHECK(watched.refuses(TICKMLP_OLD_GENERATION));
  CHECK(watched.generation() == 2);
}

TEST_CASE("what cannot be watched, or taken as options") {
  PublishedFolder folder;
  Slot slot(load_variant(kName, 1, 1));
  tickmlp_watch* watch = nullptr;
  tickmlp_error error;
  tickmlp_watch_options good = {};
  good.swap = slot.swap;
  const auto refused = [&](const char* path, const tickmlp_watch_options* options, const char* words) {
    CHECK(tickmlp_watch_create(path, options, &watch, &error) == TICKMLP_BAD_ARGUMENT);
    INFO(error.message);
    CHECK(std::string(error.message).find(words) != std::string::npos);
    CHECK(watch == nullptr);
  };
  refused(nullptr, &good, "NULL");
  refused(folder.path.c_str(), nullptr, "NULL");
  const tickmlp_load_options mapped = {nullptr, TICKMLP_MAPPED, 0, nullptr};
  tickmlp_watch_options options = good;
  options.load = &mapped;
  refused(folder.path.c_str(), &options, "expected TICKMLP_COPY");
  const std::string key = Signer(1).public_line(), cut = key.substr(1), other = "A" + key.substr(1);
  for (const char* bad : {"", "RW", cut.c_str(), other.c_str()}) {
    options = good;
    options.public_key = bad;
    refused(folder.path.c_str(), &options, "public key");
  }
  for (const tickmlp_drift_limits& limits : {tickmlp_drift_limits{std::nan(""), 0, 0}, {0, 0, 1.01}}) {
    options = good;
    options.drift = limits;
    refused(folder.path.c_str(), &options, "drift limits");
  }
  CHECK(tickmlp_watch_poll(nullptr, nullptr) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_watch_last(nullptr, nullptr) == TICKMLP_BAD_ARGUMENT);
  tickmlp_watch_free(nullptr);
  tickmlp_watch_stop(nullptr);
}
