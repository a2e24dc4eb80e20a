// SPDX-License-Identifier: Apache-2.0
// Teams of one to four cores against a session, bit for bit; refusals, non-finite values, the float environment.
#include <sys/wait.h>
#include <unistd.h>

#include <cfenv>
#include <cfloat>
#include <csignal>

#include "loaded.h"
#include "team_model.h"

using namespace tickmlp;
using namespace tickmlp::testing;

TEST_CASE("the split: every group once, in order, nobody idle, nobody far behind") {
  for (uint32_t groups : {1u, 2u, 3u, 14u, 15u, 38u, 128u, 512u})
    for (uint32_t cores = 1; cores <= std::min(groups, kMaxMembers + 1); ++cores)
      for (uint64_t bytes : {208u, 6720u, 26880u, 1u << 18}) {
        const Split split = split_lanes(groups, bytes, cores);
        uint32_t next = 0, fewest = groups, most = 0;
        for (uint32_t core = 0; core < cores; ++core) {
          REQUIRE(split.share[core].begin == next);
          REQUIRE(split.share[core].end > next);
          const uint32_t count = split.share[core].end - next;
          if (core != 0) fewest = std::min(fewest, count), most = std::max(most, count);
          next = split.share[core].end;
        }
        REQUIRE(next == groups);
        if (cores == 1) continue;
        REQUIRE(most - fewest <= 1);  // members among themselves
        const uint64_t caller = split.share[0].end * bytes, member = fewest * bytes + kHandOverBytes;
        REQUIRE(caller <= member + bytes);
        if (most > 1) REQUIRE(caller + bytes >= most * bytes + kHandOverBytes - bytes);
      }
  CHECK(split_lanes(14, 6720, 2).share[0].end == 8);   // tactical int8
  CHECK(split_lanes(14, 26880, 2).share[0].end == 7);  // tactical float32
}

TEST_CASE("a team equals a session over shapes, kernels and numbers of cores") {
  std::mt19937 random(41);
  for (ElementType type : kTypes)
    for (uint32_t inputs : {1u, 13u, 33u, 420u})
      for (uint32_t hidden : {33u, 224u, 608u}) {
        std::vector<const Kernel*> kernels = kernels_here(type);
        kernels.push_back(&oracle(type));
        for (const Kernel* kernel : kernels) {
          RandomModel model(type, inputs, {{hidden, 3, true, 6.0f}, {20, 1, false, kInfinity}},
                            static_cast<uint32_t>(random()), kernel);
          for (size_t cores = 1; cores <= 4; ++cores) {
            CAPTURE(kernel->name);
            CAPTURE(cores);
            Side side(model.model, cores - 1);
            for (int call = 0; call < 12; ++call) {
              const std::vector<float> input = random_input(inputs, random, 1.3f);
              REQUIRE(side.gives(input, side.alone(input)));
            }
            tickmlp_counters session;
            tickmlp_session_counters(side.session, &session);
            REQUIRE(side.counters().inferences == 12);
            REQUIRE(side.counters().clipped == session.clipped);
            REQUIRE(side.counters().alone == 0);
          }
        }
      }
}

TEST_CASE("the golden vectors of the bundled models, on two cores") {
  for (const char* name : kBundled) {
    Loaded loaded(weights_path(name));
    REQUIRE(loaded.status == TICKMLP_OK);
    Side side(*loaded.model, 1);
    const float *inputs, *outputs;
    const uint32_t count = tickmlp_model_golden(loaded.model, &inputs, &outputs);
    for (uint32_t v = 0; v < count; ++v) {
      const std::vector<float> input(inputs + v * side.inputs, inputs + (v + 1) * side.inputs);
      CHECK(side.gives(input, std::vector<float>(outputs + v * side.outputs, outputs + (v + 1) * side.outputs)));
    }
  }
}

TEST_CASE("wrong counts, pointers, overlap") {
  Loaded loaded(weights_path("tactical-int8"));
  Side side(*loaded.model, 1);
  std::vector<float> input(500, 0.25f), output(10, -7.0f);
  CHECK(tickmlp_team_infer(side.team, input.data(), 419, output.data(), 10) == TICKMLP_INPUT_COUNT);
  CHECK(tickmlp_team_infer(side.team, input.data(), 420, output.data(), 9) == TICKMLP_OUTPUT_COUNT);
  CHECK(tickmlp_team_infer(nullptr, input.data(), 420, output.data(), 10) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_team_infer(side.team, nullptr, 420, output.data(), 10) == TICKMLP_BAD_ARGUMENT);
  const auto* shifted = reinterpret_cast<const float*>(reinterpret_cast<const char*>(input.data()) + 2);
  CHECK(tickmlp_team_infer(side.team, shifted, 420, output.data(), 10) == TICKMLP_MISALIGNED);
  CHECK(output == std::vector<float>(10, -7.0f));
  const std::vector<float> expected = side.alone(std::vector<float>(input.begin(), input.begin() + 420));
  REQUIRE(tickmlp_team_infer(side.team, input.data(), 420, input.data() + 5, 10) == TICKMLP_OK);
  CHECK(std::memcmp(input.data() + 5, expected.data(), 40) == 0);
}

TEST_CASE("non-finite inputs: strict refuses and writes nothing, flush counts; both go on") {
  for (const char* name : {"tactical-int8", "tactical-float32"}) {
    Loaded loaded(weights_path(name));
    Side strict(*loaded.model, 1), flush(*loaded.model, 1, kGenerousNs, {TICKMLP_FLUSH, 0});
    std::vector<float> clean(420, 0.5f), dirty = clean, output(10, -7.0f);
    dirty[3] = NAN, clean[3] = 0.0f;
    dirty[419] = -NAN, clean[419] = 0.0f;
    for (int round = 1; round <= 3; ++round) {
      REQUIRE(tickmlp_team_infer(strict.team, dirty.data(), 420, output.data(), 10) == TICKMLP_NON_FINITE_INPUT);
      REQUIRE(output == std::vector<float>(10, -7.0f));
      REQUIRE(strict.gives(clean, strict.alone(clean)));
      REQUIRE(flush.gives(dirty, strict.alone(clean)));
      REQUIRE(strict.counters().refused == static_cast<uint64_t>(round));
      REQUIRE(flush.counters().flushed == 2 * static_cast<uint64_t>(round));
    }
    CHECK(flush.counters().refused == 0);
    CHECK(std::isnan(dirty[3]));
  }
}

TEST_CASE("the creating thread's float environment reaches no member") {
  Loaded loaded(weights_path("tactical-float32"));
  std::fesetround(FE_UPWARD);
  Side side(*loaded.model, 1);
  std::fesetround(FE_TONEAREST);
  std::mt19937 random(5);
  for (int call = 0; call < 50; ++call) {
    const std::vector<float> input = random_input(420, random, 1.0f), expected = side.alone(input);
    if (call % 2) std::fesetround(FE_DOWNWARD);
    const bool same = side.gives(input, expected);
    const int after = std::fegetround();
    std::fesetround(FE_TONEAREST);
    REQUIRE(same);
    REQUIRE(after == (call % 2 ? FE_DOWNWARD : FE_TONEAREST));
  }
}

TEST_CASE("every refusal has its name, and leaves nothing behind") {
  Loaded loaded(weights_path("tactical-int8"));
  const int here = some_cores(1)[0];
  tickmlp_team* team = nullptr;
  tickmlp_error error;
  const auto create = [&](std::vector<int> cores, uint64_t deadline = 0, int non_finite = TICKMLP_STRICT) {
    tickmlp_team_options options = {cores.data(), cores.size(), deadline, 0, {}};
    std::memcpy(&options.session.non_finite, &non_finite, sizeof non_finite);
    return tickmlp_team_create(loaded.model, &options, &team, &error);
  };
  CHECK(create({8191}) == TICKMLP_PIN_FAILED);
  CHECK(std::string(error.message).find("core 8191") != std::string::npos);
  CHECK(create({here, 8191}) == TICKMLP_PIN_FAILED);  // the first member is stopped again
  CHECK(create({-1}) == TICKMLP_PIN_FAILED);
  CHECK(create({1 << 20}) == TICKMLP_PIN_FAILED);
  CHECK(create({here, here}) == TICKMLP_TEAM_CORE_TWICE);
  CHECK(create(std::vector<int>(14, here)) == TICKMLP_TEAM_TOO_LARGE);  // 14 groups: 13 members at most
  CHECK(create(std::vector<int>(16, here)) == TICKMLP_TEAM_TOO_LARGE);
  CHECK(create({here}, 1'000'000'001) == TICKMLP_TEAM_DEADLINE);
  CHECK(create({here}, 0, 7) == TICKMLP_BAD_ARGUMENT);
  const tickmlp_team_options no_list = {nullptr, 1, 0, 0, {}};
  CHECK(tickmlp_team_create(loaded.model, &no_list, &team, &error) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_team_create(nullptr, nullptr, &team, &error) == TICKMLP_BAD_ARGUMENT);
  CHECK(team == nullptr);
  tickmlp_team_free(nullptr);
  REQUIRE(tickmlp_team_create(loaded.model, nullptr, &team, &error) == TICKMLP_OK);  // the caller alone
  tickmlp_team_free(team);
}

TEST_CASE("members take no signal, and the creating thread keeps its mask and its cores") {
  cpu_set_t before, after;
  sigset_t mask_before, mask_after;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  pthread_sigmask(SIG_SETMASK, nullptr, &mask_before);
  Loaded loaded(weights_path("tactical-int8"));
  Side side(*loaded.model, 2);
  REQUIRE(sched_getaffinity(0, sizeof after, &after) == 0);
  pthread_sigmask(SIG_SETMASK, nullptr, &mask_after);
  CHECK(CPU_EQUAL(&before, &after));
  CHECK(sigismember(&mask_before, SIGTERM) == sigismember(&mask_after, SIGTERM));
  cpu_set_t member;
  REQUIRE(pthread_getaffinity_np(side.team->members[0].thread, sizeof member, &member) == 0);
  CHECK(CPU_COUNT(&member) == 1);
  CHECK(CPU_ISSET(some_cores(1)[0], &member));
  char name[16];
  REQUIRE(pthread_getname_np(side.team->members[0].thread, name, sizeof name) == 0);
  CHECK(std::string(name) == "tickmlp-" + std::to_string(some_cores(1)[0]));
}

TEST_CASE("in a child after fork the caller finishes alone, and free does not wait") {
  Loaded loaded(weights_path("tactical-int8"));
  Side side(*loaded.model, 1, 20'000);
  const std::vector<float> input(420, 0.125f), expected = side.alone(input);
  const pid_t child = fork();
  if (child == 0) {
    std::vector<float> output(10);
    const bool good = tickmlp_team_infer(side.team, input.data(), 420, output.data(), 10) == TICKMLP_OK &&
                      tickmlp_team_infer(side.team, input.data(), 420, output.data(), 10) == TICKMLP_OK &&
                      std::memcmp(output.data(), expected.data(), 40) == 0 && side.counters().alone >= 2;
    tickmlp_team_free(side.team);
    _exit(good ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(side.gives(input, expected));
}

TEST_CASE("many teams, one after the other and side by side") {
  Loaded loaded(weights_path("strategic-int8"));
  const std::vector<float> input(13, 0.5f);
  for (int round = 0; round < 10; ++round) {
    Side one(*loaded.model, 1), other(*loaded.model, 1);
    const std::vector<float> expected = one.alone(input);
    REQUIRE(one.gives(input, expected));
    REQUIRE(other.gives(input, expected));
  }
}
