// SPDX-License-Identifier: Apache-2.0
// A whole history through one window: reset once, then for each bar a few ticks and advance(). Every tick equals the
// full path over the same rows, and every kernel the others, bit for bit.
//
// TICKMLP_REPLAY names a folder with rows.npy [bars, columns] and the blobs int8.blob and float32.blob
// (tests/states/test_replay_states.py makes it); without it the bundled models and a random history are taken.
#include <cstdlib>
#include <cstring>
#include <random>

#include "loaded.h"
#include "npy.h"

using namespace tickmlp::testing;
using tickmlp::bench::Matrix;

namespace {

constexpr std::uint64_t kBarsWithoutFolder = 700;

const char* folder() { return std::getenv("TICKMLP_REPLAY"); }

std::string blob_of(const std::string& dtype) {
  return folder() != nullptr ? std::string(folder()) + "/" + dtype + ".blob" : weights_path("tactical-" + dtype);
}

Matrix read_history(const tickmlp_model_info& model) {
  if (folder() != nullptr) return tickmlp::bench::read_npy(std::string(folder()) + "/rows.npy", model.window_columns);
  Matrix history{kBarsWithoutFolder, model.window_columns, {}};
  std::mt19937 random(20240607);
  std::uniform_real_distribution<float> unit(-1.1f, 1.1f);
  for (std::uint64_t i = 0; i < history.rows * history.columns; ++i) history.values.push_back(unit(random));
  return history;
}

const tickmlp_model_info& description_of(const Loaded& loaded) {
  REQUIRE_MESSAGE(loaded.status == TICKMLP_OK, std::string(loaded.error.message));
  return *tickmlp_model_describe(loaded.model);
}

struct Replay {
  Loaded loaded;
  const tickmlp_model_info& model;
  tickmlp_session* session = nullptr;
  tickmlp_window* window = nullptr;
  std::uint64_t ticks = 0, different = 0;
  std::vector<float> seen, expected;

  Replay(const std::string& blob, const char* kernel)
      : loaded(blob, {kernel, TICKMLP_COPY, 0, nullptr}), model(description_of(loaded)) {
    REQUIRE(tickmlp_session_create(loaded.model, nullptr, &session, nullptr) == TICKMLP_OK);
    REQUIRE(tickmlp_window_create(loaded.model, nullptr, &window, nullptr) == TICKMLP_OK);
    seen.resize(model.outputs);
    expected.resize(model.outputs);
  }
  ~Replay() {
    tickmlp_window_free(window);
    tickmlp_session_free(session);
  }
  void compare(const float* with) { different += std::memcmp(seen.data(), with, seen.size() * sizeof(float)) != 0; }
  void tick(const float* row) {
    REQUIRE(tickmlp_window_tick(window, row, model.window_columns, seen.data(), seen.size()) == TICKMLP_OK);
    ++ticks;
  }
  void tick_and_compare_with_full(const float* row, std::vector<float>& state) {
    tick(row);
    std::memcpy(state.data() + state.size() - model.window_columns, row, model.window_columns * sizeof(float));
    REQUIRE(tickmlp_infer(session, state.data(), state.size(), expected.data(), expected.size()) == TICKMLP_OK);
    compare(expected.data());
  }
};

// Rows as they may have been while the bar was open: the last bar's still, halfway, and with two features overdrawn.
std::vector<std::vector<float>> rows_within_the_bar(const float* before, const float* final, std::uint32_t columns) {
  std::vector<std::vector<float>> rows(3, std::vector<float>(before, before + columns));
  for (std::uint32_t c = 0; c < columns; ++c) {
    rows[1][c] = 0.5f * (before[c] + final[c]);
    rows[2][c] = c % 3 == 2 ? -1.5f * final[c] : final[c];
  }
  return rows;
}

// The outputs at each bar's end [bars - rows + 1][outputs]. With `full` every tick, those within a bar too, is compared
// with the full path. The full path of the scalar kernels would take a minute; their outputs are compared instead.
std::vector<float> replay(Replay& run, const Matrix& history, bool full) {
  const tickmlp_model_info& model = run.model;
  const std::uint32_t columns = model.window_columns;
  std::vector<float> outputs, state(model.inputs);
  REQUIRE(history.rows > model.window_rows);
  REQUIRE(tickmlp_window_reset(run.window, history.values.data(), model.inputs) == TICKMLP_OK);
  for (std::uint64_t bar = model.window_rows - 1; bar < history.rows; ++bar) {
    const float* const newest = history.values.data() + bar * columns;
    if (full) {
      std::memcpy(state.data(), newest + columns - model.inputs, model.inputs * sizeof(float));
      for (const std::vector<float>& row : rows_within_the_bar(newest - columns, newest, columns))
        run.tick_and_compare_with_full(row.data(), state);
      run.tick_and_compare_with_full(newest, state);
    } else {
      run.tick(newest);
    }
    outputs.insert(outputs.end(), run.seen.begin(), run.seen.end());
    REQUIRE(tickmlp_window_advance(run.window) == TICKMLP_OK);
  }
  return outputs;
}

void replay_on_every_kernel(const std::string& dtype) {
  std::vector<float> first;
  std::string names;
  for (size_t k = 0; k < tickmlp_kernel_count(); ++k) {
    tickmlp_kernel_info kernel;
    REQUIRE(tickmlp_kernel_get(k, &kernel) == TICKMLP_OK);
    if (!kernel.available || std::string(kernel.name).find(dtype) != 0) continue;
    CAPTURE(kernel.name);
    Replay run(blob_of(dtype), kernel.name);
    const Matrix history = read_history(run.model);
    const bool full = kernel.name != dtype + "-scalar";
    const std::vector<float> outputs = replay(run, history, full);
    const std::uint64_t bars = history.rows - run.model.window_rows + 1;
    CHECK(run.ticks == (full ? 4 : 1) * bars);
    CHECK(run.different == 0);
    CHECK(outputs.size() == bars * run.model.outputs);
    if (first.empty()) first = outputs;
    CHECK(std::memcmp(outputs.data(), first.data(), first.size() * sizeof(float)) == 0);
    names += std::string(" ") + kernel.name;
  }
  MESSAGE("the same bits from:" << names);
  CHECK(names.find("-scalar") != std::string::npos);
}

}  // namespace

TEST_CASE("a whole history in int8: ticks equal the full path, kernels each other") { replay_on_every_kernel("int8"); }

TEST_CASE("a whole history in float32: ticks equal the full path, kernels each other") {
  replay_on_every_kernel("float32");
}
