// SPDX-License-Identifier: Apache-2.0
// Everything that the system can refuse, refused once, for every N: each call into libc that a load or a creation makes
// fails at its turn (the linker's --wrap stands in between). A named error or what is documented as best effort;
// nothing leaked; the model that was loaded before still gives its outputs.
#include <map>

#include "loaded.h"
#include "refused_calls.h"
#include "team_model.h"

using namespace tickmlp::testing;

namespace {

// What a call that takes this refusal has to return; TICKMLP_OK where it is best effort.
using Expected = std::map<std::string, tickmlp_status>;
const Expected kOfAnyLoad = {{"malloc", TICKMLP_OUT_OF_MEMORY},   {"open", TICKMLP_FILE_OPEN},
                             {"fstat", TICKMLP_FILE_READ},        {"pread", TICKMLP_FILE_READ},
                             {"mprotect", TICKMLP_OUT_OF_MEMORY}, {"madvise", TICKMLP_OK},
                             {"open of /proc", TICKMLP_OK},       {"read of /proc", TICKMLP_OK}};

// Runs `work(error)`, which frees what it made, with its Nth call refused, for every N until none is left. Returns
// which functions were refused.
template <class Work>
std::map<std::string, int> refuse_each(const tickmlp_model* good, const Expected& expected, Work work) {
  std::map<std::string, int> refused;
  for (int n = 0;; ++n) {
    tickmlp_error error = {TICKMLP_STATUS_COUNT, ""};
    system_calls = {true, 0, n, nullptr, 0, 0, 0};
    const tickmlp_status status = work(&error);
    system_calls.armed = false;
    CAPTURE(n);
    CHECK(system_calls.blocks == 0);
    CHECK(system_calls.mapped_bytes == 0);
    CHECK(system_calls.descriptors == 0);
    CHECK(golden_holds(good));
    if (system_calls.failed == nullptr) {
      CHECK(status == TICKMLP_OK);
      return refused;
    }
    ++refused[system_calls.failed];
    const std::string name = system_calls.failed;
    CAPTURE(name);
    REQUIRE(expected.count(name) == 1);
    CHECK(std::string(tickmlp_status_name(status)) == tickmlp_status_name(expected.at(name)));
    if (status != TICKMLP_OK) CHECK((error.status == status && error.message[0] != 0));
  }
}

std::map<std::string, int> refuse_each_in_load(const char* name, tickmlp_load_options options, Expected expected) {
  Loaded good(weights_path("strategic-float32"));
  REQUIRE(good.status == TICKMLP_OK);
  const std::string path = weights_path(name);
  return refuse_each(good.model, expected, [&](tickmlp_error* error) {
    tickmlp_model* model = nullptr;
    const tickmlp_status status = tickmlp_model_load(path.c_str(), &options, &model, error);
    if (status != TICKMLP_OK && model != nullptr) return TICKMLP_STATUS_COUNT;
    tickmlp_model_free(model);
    return status;
  });
}

Expected with(Expected all, const Expected& more) {
  for (const auto& [name, status] : more) all[name] = status;
  return all;
}

}  // namespace

TEST_CASE("a load to private memory, with each of its calls refused") {
  for (const char* name : kBundled) {
    const auto refused =
        refuse_each_in_load(name, {}, with(kOfAnyLoad, {{"mmap", TICKMLP_OUT_OF_MEMORY}, {"mlock", TICKMLP_OK}}));
    for (const char* function : {"malloc", "mmap", "mprotect", "madvise", "mlock", "open", "fstat", "pread"})
      CHECK_MESSAGE(refused.count(function) == 1, function);
    CHECK(refused.at("malloc") == 2);  // the handle, the golden scratch
  }
}

TEST_CASE("a load that requires locked memory, with each of its calls refused") {
  const tickmlp_load_options required = {nullptr, TICKMLP_COPY, 1, nullptr};
  tickmlp_lock lock = TICKMLP_UNLOCKED;
  {
    Loaded locked(weights_path("tactical-int8"), required);
    if (locked.status == TICKMLP_OK) lock = tickmlp_model_describe(locked.model)->lock;
  }
  if (lock == TICKMLP_UNLOCKED) {
    std::printf("SKIP a load that requires locked memory: this box locks none\n");
    return;
  }
  // A huge page that cannot be locked has the blob's own pages to fall back on.
  const tickmlp_status of_mlock = lock == TICKMLP_LOCKED_HUGE_PAGE ? TICKMLP_OK : TICKMLP_NOT_LOCKED;
  const Expected more = {{"mmap", TICKMLP_OUT_OF_MEMORY},
                         {"mlock", of_mlock},
                         // Without the huge page, or not knowing of it, the pages are locked.
                         {"madvise", TICKMLP_OK}};
  CHECK(refuse_each_in_load("tactical-int8", required, with(kOfAnyLoad, more)).at("mlock") == 1);
}

TEST_CASE("a load from the file's mapping, with each of its calls refused") {
  const auto refused = refuse_each_in_load("tactical-float32", {nullptr, TICKMLP_MAPPED, 0, nullptr},
                                           with(kOfAnyLoad, {{"mmap", TICKMLP_FILE_READ}}));
  CHECK(refused.at("mmap") == 1);
  CHECK(refused.count("pread") == 0);
}

TEST_CASE("a load from bytes, with each of its calls refused") {
  Loaded good(weights_path("strategic-float32"));
  const std::vector<uint8_t> bytes = bundled("tactical-int8");
  const Expected expected = with(kOfAnyLoad, {{"mmap", TICKMLP_OUT_OF_MEMORY}, {"mlock", TICKMLP_OK}});
  const auto refused = refuse_each(good.model, expected, [&](tickmlp_error* error) {
    tickmlp_model* model = nullptr;
    const tickmlp_status status = tickmlp_model_load_bytes(bytes.data(), bytes.size(), nullptr, &model, error);
    tickmlp_model_free(model);
    return status;
  });
  CHECK(refused.at("malloc") == 2);
  CHECK(refused.count("open") == 0);
}

namespace {

// Any object that is made from a model and session options.
template <class Object>
void refuse_creation(tickmlp_status (*create)(const tickmlp_model*, const tickmlp_session_options*, Object**,
                                              tickmlp_error*),
                     void (*release)(Object*)) {
  Loaded good(weights_path("tactical-int8"));
  REQUIRE(good.status == TICKMLP_OK);
  for (tickmlp_non_finite non_finite : {TICKMLP_STRICT, TICKMLP_FLUSH}) {
    const tickmlp_session_options options = {non_finite, 0};
    const auto refused = refuse_each(good.model, {{"malloc", TICKMLP_OUT_OF_MEMORY}}, [&](tickmlp_error* error) {
      Object* made = nullptr;
      const tickmlp_status status = create(good.model, &options, &made, error);
      if (status != TICKMLP_OK && made != nullptr) return TICKMLP_STATUS_COUNT;
      release(made);
      return status;
    });
    CHECK(refused.at("malloc") == 1);
  }
}

}  // namespace

TEST_CASE("a session, a window, sparse updates: with their memory refused") {
  refuse_creation(tickmlp_session_create, tickmlp_session_free);
  refuse_creation(tickmlp_window_create, tickmlp_window_free);
  refuse_creation(tickmlp_sparse_create, tickmlp_sparse_free);
}

TEST_CASE("a team of three, with its memory and its threads refused") {
  Loaded good(weights_path("tactical-int8"));
  REQUIRE(good.status == TICKMLP_OK);
  const std::vector<int> cores = some_cores(2);
  const tickmlp_team_options options = {cores.data(), cores.size(), kGenerousNs, kYieldAfter, {}};
  const Expected expected = {{"malloc", TICKMLP_OUT_OF_MEMORY}, {"pthread_create", TICKMLP_TEAM_THREAD}};
  const auto refused = refuse_each(good.model, expected, [&](tickmlp_error* error) {
    tickmlp_team* team = nullptr;
    const tickmlp_status status = tickmlp_team_create(good.model, &options, &team, error);
    if (status != TICKMLP_OK && team != nullptr) return TICKMLP_STATUS_COUNT;
    tickmlp_team_free(team);
    return status;
  });
  CHECK(refused.at("malloc") == 1);
  CHECK(refused.at("pthread_create") == 2);
}
