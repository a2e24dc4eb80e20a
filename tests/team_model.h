// SPDX-License-Identifier: Apache-2.0
// Teams for the tests: of random models of any shape, on whatever cores this box has.
#pragma once

#include <sched.h>

#include "../runtime/team.h"
#include "kernel_runs.h"

namespace tickmlp::testing {

// Boxes with fewer cores than the team: waiting gives the core away.
inline constexpr uint32_t kYieldAfter = 100;
// Long enough for a busy box and a sanitizer: nobody is late unless a test holds him.
inline constexpr uint64_t kGenerousNs = 1'000'000'000;

// `count` cores of those that this process may use, the same one again where they are too few.
inline std::vector<int> some_cores(size_t count) {
  cpu_set_t set;
  std::vector<int> allowed, cores;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int core = 0; core < CPU_SETSIZE; ++core)
      if (CPU_ISSET(core, &set)) allowed.push_back(core);
  for (size_t i = 0; i < count; ++i) cores.push_back(allowed.empty() ? 0 : allowed[i % allowed.size()]);
  return cores;
}

// What a load would have made of a random network: as much of it as sessions and teams read.
struct RandomModel {
  RandomNetwork random;
  BlobHeader header{};  // of no golden vectors
  tickmlp_model model{};
  RandomModel(ElementType type, uint32_t inputs, std::vector<HeadShape> shapes, uint32_t seed, const Kernel* kernel)
      : random(type, inputs, std::move(shapes), seed) {
    model.allocator = {[](void*, size_t bytes) { return std::malloc(bytes); },
                       [](void*, void* memory) { std::free(memory); }, nullptr};
    model.region.bytes = reinterpret_cast<uint8_t*>(&header);
    model.kernel = kernel;
    model.network = random.network;
    model.info.type = static_cast<tickmlp_element_type>(type);
    model.info.inputs = inputs;
    model.info.outputs = random.network.outputs;
  }
  RandomModel(const RandomModel&) = delete;
};

// A team, a session of the same model, and the outputs that both have to give.
struct Side {
  tickmlp_team* team = nullptr;
  tickmlp_session* session = nullptr;
  size_t inputs, outputs;
  tickmlp_error error = {};

  Side(const tickmlp_model& model, const tickmlp_team_options& options)
      : inputs(model.info.inputs), outputs(model.info.outputs) {
    tickmlp_status status = TICKMLP_TEAM_THREAD;  // "did not run within 1 s": a box that is busy with other tests
    for (int i = 0; i < 5 && status == TICKMLP_TEAM_THREAD; ++i)
      status = tickmlp_team_create(&model, &options, &team, &error);
    REQUIRE_MESSAGE(status == TICKMLP_OK, std::string(error.message));
    REQUIRE(tickmlp_session_create(&model, &options.session, &session, nullptr) == TICKMLP_OK);
  }
  Side(const tickmlp_model& model, size_t members, uint64_t deadline_ns = kGenerousNs,
       tickmlp_session_options options = {})
      : Side(model, {some_cores(members).data(), members, deadline_ns, kYieldAfter, options}) {}
  ~Side() {
    tickmlp_team_free(team);
    tickmlp_session_free(session);
  }
  Side(const Side&) = delete;

  std::vector<float> alone(const std::vector<float>& input) {
    std::vector<float> output(outputs, -7.0f);
    REQUIRE(tickmlp_infer(session, input.data(), inputs, output.data(), outputs) == TICKMLP_OK);
    return output;
  }
  // Whether the team gives these bits.
  bool gives(const std::vector<float>& input, const std::vector<float>& expected) {
    std::vector<float> output(outputs, -7.0f);
    return tickmlp_team_infer(team, input.data(), inputs, output.data(), outputs) == TICKMLP_OK &&
           std::memcmp(output.data(), expected.data(), outputs * sizeof(float)) == 0;
  }
  tickmlp_team_counters counters() const {
    tickmlp_team_counters counters;
    tickmlp_team_read_counters(team, &counters);
    return counters;
  }
};

}  // namespace tickmlp::testing
