// SPDX-License-Identifier: Apache-2.0
// Loading through the public interface: modes, allocators, locking, kernels by name.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cfenv>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "counting_allocator.h"
#include "loaded.h"

using namespace tickmlp;
using namespace tickmlp::testing;

TEST_CASE("what the bundled models say of themselves") {
  Loaded loaded(weights_path("tactical-int8"));
  REQUIRE_MESSAGE(loaded.status == TICKMLP_OK, std::string(loaded.error.message));
  const tickmlp_model_info& info = *tickmlp_model_describe(loaded.model);
  CHECK(std::string(info.name) == "tactical");
  CHECK(info.inputs == 420);
  CHECK(info.outputs == 10);
  CHECK(info.heads == 4);
  CHECK(info.lanes == 224);
  CHECK(info.window_rows == 60);
  CHECK(info.window_columns == 7);
  CHECK(info.weight_bytes == 420 * 224 + 4 * (3 * 64 * 3 + 32));
  CHECK(reinterpret_cast<uintptr_t>(info.weights) % 64 == 0);
  tickmlp_head_info head;
  REQUIRE(tickmlp_model_head(loaded.model, 3, &head) == TICKMLP_OK);
  CHECK(std::string(head.name) == "critic");
  CHECK(head.hidden == 32);
  CHECK(head.output_begin == 9);
  CHECK(head.activation == TICKMLP_IDENTITY);
  CHECK(tickmlp_model_head(loaded.model, 4, &head) == TICKMLP_BAD_ARGUMENT);
}

TEST_CASE("every bundled blob on every kernel of its type, in both modes") {
  for (const char* name : kBundled)
    for (tickmlp_load_mode mode : {TICKMLP_COPY, TICKMLP_MAPPED})
      for (size_t k = 0; k < tickmlp_kernel_count(); ++k) {
        tickmlp_kernel_info kernel;
        REQUIRE(tickmlp_kernel_get(k, &kernel) == TICKMLP_OK);
        CAPTURE(name);
        CAPTURE(kernel.name);
        Loaded loaded(weights_path(name), {kernel.name, mode, 0, nullptr});
        const bool same_type =
            std::string(name).find(kernel.type == TICKMLP_INT8 ? "int8" : "float32") != std::string::npos;
        if (!same_type) CHECK(loaded.status == TICKMLP_KERNEL_TYPE);
        else if (!kernel.available) CHECK(loaded.status == TICKMLP_KERNEL_UNAVAILABLE);
        else CHECK((loaded.status == TICKMLP_OK && golden_holds(loaded.model)));
      }
  CHECK(Loaded(weights_path("tactical-int8"), {"int8-abacus", TICKMLP_COPY, 0, nullptr}).status ==
        TICKMLP_KERNEL_UNKNOWN);
}

TEST_CASE("from bytes at any alignment, and damaged bytes") {
  const std::vector<uint8_t> good = bundled("strategic-float32");
  for (size_t shift : {0u, 1u, 3u, 8u, 63u}) {
    std::vector<uint8_t> shifted(good.size() + shift);
    std::memcpy(shifted.data() + shift, good.data(), good.size());
    tickmlp_model* model = nullptr;
    REQUIRE(tickmlp_model_load_bytes(shifted.data() + shift, good.size(), nullptr, &model, nullptr) == TICKMLP_OK);
    std::fill(shifted.begin(), shifted.end(), uint8_t{0});
    CHECK(golden_holds(model));
    tickmlp_model_free(model);
  }
  tickmlp_model* model = nullptr;
  CHECK(tickmlp_model_load_bytes(good.data(), good.size() - 1, nullptr, &model, nullptr) == TICKMLP_BLOB_TRUNCATED);
  CHECK(tickmlp_model_load_bytes(good.data(), 0, nullptr, &model, nullptr) == TICKMLP_FILE_SIZE);
  CHECK(tickmlp_model_load_bytes(nullptr, 10, nullptr, &model, nullptr) == TICKMLP_BAD_ARGUMENT);
  CHECK(model == nullptr);
}

TEST_CASE("every allocation fails once: a named error, nothing leaked") {
  for (int n = 0;; ++n) {
    Counting counting;
    counting.fail_at = n;
    tickmlp_session* session = nullptr;
    tickmlp_status status;
    {
      Loaded loaded(weights_path("tactical-float32"), {nullptr, TICKMLP_COPY, 0, &counting.allocator});
      status = loaded.status;
      if (status == TICKMLP_OK) status = tickmlp_session_create(loaded.model, nullptr, &session, nullptr);
      tickmlp_session_free(session);
    }
    CHECK(counting.held == 0);
    if (counting.calls <= n) {
      CHECK(status == TICKMLP_OK);
      CHECK(n == 3);  // the handle, the golden scratch, the session
      break;
    }
    CHECK(status == TICKMLP_OUT_OF_MEMORY);
  }
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TICKMLP_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TICKMLP_SANITIZED 1
#endif
#endif

TEST_CASE("locking denied: degraded and said, or refused where the host requires it") {
#ifdef TICKMLP_SANITIZED
  std::printf("SKIP locking denied: sanitizers make mlock a no-op\n");
  return;
#endif
  const pid_t child = fork();
  if (child == 0) {  // RLIMIT_MEMLOCK cannot be given back, so in a child; root needs to lose its privilege first
    const rlimit none = {0, 0};
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0) _exit(10);
    if (geteuid() == 0 && setuid(65534) != 0) _exit(11);
    Loaded degraded(weights_path("strategic-int8"));
    if (degraded.status == TICKMLP_FILE_OPEN) _exit(12);
    if (degraded.status != TICKMLP_OK || tickmlp_model_describe(degraded.model)->lock != TICKMLP_UNLOCKED) _exit(1);
    Loaded refused(weights_path("strategic-int8"), {nullptr, TICKMLP_COPY, 1, nullptr});
    _exit(refused.status == TICKMLP_NOT_LOCKED ? 0 : 2);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) >= 10)
    std::printf("SKIP locking denied: cannot give up privilege here, code %d\n", WEXITSTATUS(status));
  else CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("arguments that contradict each other") {
  tickmlp_model* model = nullptr;
  tickmlp_error error = {};
  CHECK(tickmlp_model_load(nullptr, nullptr, &model, &error) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_model_load("x", nullptr, nullptr, &error) == TICKMLP_BAD_ARGUMENT);
  tickmlp_load_options unknown_mode = {};
  const int seven = 7;
  std::memcpy(&unknown_mode.mode, &seven, sizeof seven);
  CHECK(tickmlp_model_load(weights_path("tactical-int8").c_str(), &unknown_mode, &model, &error) ==
        TICKMLP_BAD_ARGUMENT);
  CHECK(Loaded(weights_path("tactical-int8"), {nullptr, TICKMLP_MAPPED, 1, nullptr}).status == TICKMLP_BAD_ARGUMENT);
  const tickmlp_allocator half = {Counting::allocate, nullptr, nullptr};
  CHECK(Loaded(weights_path("tactical-int8"), {nullptr, TICKMLP_COPY, 0, &half}).status == TICKMLP_BAD_ARGUMENT);
  tickmlp_model_free(nullptr);
  tickmlp_session_free(nullptr);
}

TEST_CASE("every status has a name of its own") {
  std::map<std::string, int> names;
  for (int s = 0; s < TICKMLP_STATUS_COUNT; ++s) ++names[tickmlp_status_name(static_cast<tickmlp_status>(s))];
  CHECK(names.size() == TICKMLP_STATUS_COUNT);
  CHECK(std::string(tickmlp_status_name(TICKMLP_STATUS_COUNT)) == "unknown");
}

TEST_CASE("loading under another rounding mode and FTZ gives the same model") {
  std::fesetround(FE_UPWARD);
  {
    Loaded loaded(weights_path("tactical-int8"));
    CHECK(loaded.status == TICKMLP_OK);
  }
  CHECK(std::fegetround() == FE_UPWARD);
  std::fesetround(FE_TONEAREST);
}
