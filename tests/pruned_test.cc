// SPDX-License-Identifier: Apache-2.0
// Pruned models through the public interface: every kernel and path gives, bit for bit, what the scalar kernel gives on
// the network that still has its rows of zeros.
#include "pruned_blob.h"

#include <cfloat>

#include "../runtime/tickmlp.h"
#include "team_model.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

// A pruned model loaded for one kernel, and the states that it is asked about.
struct Pruned {
  RandomNetwork& whole;
  const Mask kept;
  tickmlp_model* model = nullptr;
  uint32_t inputs, outputs, columns;

  Pruned(RandomNetwork& network, const Mask& mask, uint32_t window_columns, const std::vector<uint8_t>& bytes,
         const Kernel& kernel)
      : whole(network),
        kept(kept_of(mask, window_columns)),
        inputs(network.network.inputs),
        outputs(network.network.outputs),
        columns(window_columns) {
    tickmlp_load_options options = {};
    options.kernel = kernel.name;
    tickmlp_error error = {};
    const auto status = tickmlp_model_load_bytes(bytes.data(), bytes.size(), &options, &model, &error);
    REQUIRE_MESSAGE(status == TICKMLP_OK, std::string(error.message));
    REQUIRE(tickmlp_model_describe(model)->inputs == inputs);
    REQUIRE(tickmlp_model_describe(model)->kept_inputs == count_of(kept));
  }
  ~Pruned() { tickmlp_model_free(model); }
  Pruned(const Pruned&) = delete;

  // Sees that `output` is what the network with its zeros gives.
  void check(const float* input, const std::vector<float>& output, tickmlp_status status) const {
    const Result expected = run(oracle(whole.type), whole, input);
    REQUIRE(status == (expected.outcome == Outcome::kDone ? TICKMLP_OK : TICKMLP_NON_FINITE_OUTPUT));
    if (status == TICKMLP_OK) REQUIRE(std::memcmp(output.data(), expected.bits.data(), 4 * outputs) == 0);
  }
  uint64_t clips(const float* input, uint32_t begin, uint32_t end) const {
    uint64_t count = 0;
    for (uint32_t i = begin; i < end; ++i)
      count +=
          whole.type == ElementType::kInt8 && kept[i] && std::fabs(input[i] * whole.network.input_scale[i]) > 127.0f;
    return count;
  }
};

void check_session(const Pruned& p, const std::vector<float>& states) {
  tickmlp_session* session = nullptr;
  REQUIRE(tickmlp_session_create(p.model, nullptr, &session, nullptr) == TICKMLP_OK);
  const size_t count = states.size() / p.inputs;
  uint64_t clipped = 0;
  std::vector<float> output(p.outputs), outputs(count * p.outputs);
  for (size_t s = 0; s < count; ++s) {
    const float* input = states.data() + s * p.inputs;
    p.check(input, output, tickmlp_infer(session, input, p.inputs, output.data(), p.outputs));
    clipped += p.clips(input, 0, p.inputs);
  }
  size_t done = 0;
  REQUIRE(tickmlp_infer_batch(session, states.data(), count, outputs.data(), &done) == TICKMLP_OK);
  REQUIRE(done == count);
  for (size_t s = 0; s < count; ++s)
    p.check(
        states.data() + s * p.inputs,
        {outputs.begin() + static_cast<long>(s * p.outputs), outputs.begin() + static_cast<long>((s + 1) * p.outputs)},
        TICKMLP_OK);
  tickmlp_counters counters;
  tickmlp_session_counters(session, &counters);
  CHECK(counters.clipped == 2 * clipped);
  CHECK(counters.inferences == 2 * count);
  tickmlp_session_free(session);
}

// Ticks and bars that close, against the full path over the same rows.
void check_window(const Pruned& p, std::vector<float> state, std::mt19937& random) {
  tickmlp_window* window = nullptr;
  REQUIRE(tickmlp_window_create(p.model, nullptr, &window, nullptr) == TICKMLP_OK);
  REQUIRE(tickmlp_window_reset(window, state.data(), p.inputs) == TICKMLP_OK);
  const uint32_t newest = p.inputs - p.columns;
  uint64_t clipped = p.clips(state.data(), 0, p.inputs);
  std::vector<float> output(p.outputs);
  for (int step = 0; step < 6; ++step) {
    const std::vector<float> row = random_input(p.columns, random, 1.5f);
    std::copy(row.begin(), row.end(), state.begin() + newest);
    p.check(state.data(), output, tickmlp_window_tick(window, row.data(), p.columns, output.data(), p.outputs));
    clipped += p.clips(state.data(), newest, p.inputs);
    if (step % 2 == 0) continue;
    REQUIRE(tickmlp_window_advance(window) == TICKMLP_OK);
    std::copy(state.begin() + p.columns, state.end(), state.begin());
  }
  REQUIRE(tickmlp_window_touch(window) == TICKMLP_OK);
  tickmlp_counters counters;
  tickmlp_window_counters(window, &counters);
  CHECK(counters.clipped == clipped);
  tickmlp_window_free(window);
}

void check_sparse(const Pruned& p, std::vector<float> state, std::mt19937& random) {
  tickmlp_sparse* sparse = nullptr;
  REQUIRE(tickmlp_sparse_create(p.model, nullptr, &sparse, nullptr) == TICKMLP_OK);
  REQUIRE(tickmlp_sparse_reset(sparse, state.data(), p.inputs) == TICKMLP_OK);
  uint64_t clipped = p.clips(state.data(), 0, p.inputs);
  std::vector<float> output(p.outputs);
  for (uint32_t count : {0u, 1u, 2u, 7u, p.inputs / 2, p.inputs, 1u}) {
    std::vector<uint32_t> indices(count);
    for (uint32_t& index : indices) index = static_cast<uint32_t>(random()) % p.inputs;
    const std::vector<float> values = random_input(count, random, 1.5f);
    for (uint32_t k = 0; k < count; ++k) {
      state[indices[k]] = values[k];
      clipped += p.clips(state.data(), indices[k], indices[k] + 1);
    }
    p.check(state.data(), output,
            tickmlp_sparse_update(sparse, indices.data(), values.data(), count, output.data(), p.outputs));
  }
  tickmlp_counters counters;
  tickmlp_sparse_counters(sparse, &counters);
  CHECK(counters.clipped == clipped);
  tickmlp_sparse_free(sparse);
}

void check_team(const Pruned& p, const std::vector<float>& states) {
  const std::vector<int> cores = some_cores(1);
  tickmlp_team_options options = {};
  options.cores = cores.data();
  options.core_count = 1;
  options.deadline_ns = kGenerousNs;
  options.yield_after = kYieldAfter;
  tickmlp_team* team = nullptr;
  REQUIRE(tickmlp_team_create(p.model, &options, &team, nullptr) == TICKMLP_OK);
  std::vector<float> output(p.outputs);
  for (size_t at = 0; at < states.size(); at += p.inputs)
    p.check(states.data() + at, output,
            tickmlp_team_infer(team, states.data() + at, p.inputs, output.data(), p.outputs));
  tickmlp_team_free(team);
}

struct Case {
  uint32_t inputs, columns;
  Mask read;
};

// Random sets; the first or last inputs, whole rows and whole columns unread; only the two ends read.
std::vector<Case> cases(std::mt19937& random) {
  std::vector<Case> all = {{420, 7, random_mask(420, 0.25, random)}, {420, 7, random_mask(420, 0.9, random)},
                           {66, 6, random_mask(66, 0.5, random)},    {1029, 0, random_mask(1029, 0.5, random)},
                           {420, 20, random_mask(420, 0.5, random)}, {64, 32, random_mask(64, 0.9, random)}};
  const auto add = [&](uint32_t inputs, uint32_t columns, auto reads) {
    Case next{inputs, columns, Mask(inputs)};
    for (uint32_t i = 0; i < inputs; ++i) next.read[i] = reads(i);
    all.push_back(next);
  };
  add(420, 7, [](uint32_t i) { return i == 0 || i == 419; });
  add(420, 7, [](uint32_t i) { return i / 7 % 2 == 0; });                  // the newest row is unread
  add(420, 7, [](uint32_t i) { return i % 7 != 3 && i % 7 != 6; });        // columns, the last one among them
  add(420, 7, [](uint32_t i) { return i >= 413 || i == 200 || i == 0; });  // little but the newest row
  add(420, 7, [](uint32_t i) { return i >= 100 && i < 300 && i % 3 == 0; });
  add(420, 7, [](uint32_t i) { return i >= 413 && i != 415; });  // the newest row alone: not stored pruned
  add(66, 66, [](uint32_t i) { return i % 2 == 0; });            // and so it is here
  return all;
}

}  // namespace

TEST_CASE("every kernel and path of a pruned model gives the bits of the network with rows of zeros") {
  std::mt19937 random(61);
  const std::vector<HeadShape> wide = {{272, 2, true, 6.0f}, {200, 9, true, kInfinity}, {150, 1, false, 6.0f}};
  size_t pruned = 0;
  for (ElementType type : kTypes)
    for (const Case& c : cases(random)) {
      CAPTURE(c.inputs);
      RandomNetwork whole(type, c.inputs, c.inputs < 100 ? wide : kTactical, random());
      keep_only(whole, c.read);
      const Mask kept = kept_of(c.read, c.columns);
      const auto first = std::find(kept.begin(), kept.end(), true);
      const auto last = std::find(kept.rbegin(), kept.rend(), true).base();
      const auto between = static_cast<uint32_t>(std::count(first, last, false));
      const uint64_t row_bytes = whole.network.groups * kGroup * (type == ElementType::kInt8 ? 1 : 4);
      if (!is_stored_pruned(c.inputs, between, row_bytes)) continue;
      ++pruned;
      const std::vector<uint8_t> bytes = blob_of(whole, c.read, c.columns, true);
      std::vector<const Kernel*> kernels = kernels_here(type);
      kernels.push_back(&oracle(type));
      for (const Kernel* kernel : kernels) {
        CAPTURE(kernel->name);
        const Pruned p(whole, c.read, c.columns, bytes, *kernel);
        const std::vector<float> states = random_input(c.inputs * 67, random, 1.2f);
        check_session(p, states);
        check_team(p, {states.begin(), states.begin() + c.inputs * 3});
        if (c.columns != 0) check_window(p, {states.begin(), states.begin() + c.inputs}, random);
        if (type == ElementType::kInt8) check_sparse(p, {states.begin(), states.begin() + c.inputs}, random);
      }
    }
  CHECK(pruned == 2 * (cases(random).size() - 2));
}

TEST_CASE("float32 chains that overflow, subnormals and signed zeros meet the same links in both networks") {
  std::mt19937 random(62);
  const Mask read = random_mask(420, 0.4, random);
  RandomNetwork whole(ElementType::kFloat32, 420, kTactical, 63);
  keep_only(whole, read);
  const std::vector<uint8_t> bytes = blob_of(whole, read, 0, true);
  const float special[] = {0.0f, -0.0f, FLT_MAX, -FLT_MAX, FLT_MIN, -FLT_TRUE_MIN, 1e30f, -1e-30f};
  for (const Kernel* kernel : kernels_here(ElementType::kFloat32)) {
    const Pruned p(whole, read, 0, bytes, *kernel);
    tickmlp_session* session = nullptr;
    REQUIRE(tickmlp_session_create(p.model, nullptr, &session, nullptr) == TICKMLP_OK);
    std::vector<float> output(p.outputs);
    for (int round = 0; round < 500; ++round) {
      std::vector<float> input = random_input(420, random, 1.0f);
      for (float& x : input)
        if (random() % 4 == 0) x = special[random() % 8];
      p.check(input.data(), output, tickmlp_infer(session, input.data(), 420, output.data(), p.outputs));
    }
    tickmlp_session_free(session);
  }
}
