// SPDX-License-Identifier: Apache-2.0
// The cost model against sums by hand: every part, the edges of the caches, growth in every dimension; and the
// synthetic models that it is measured with.
#include "growth/cost_model.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "growth/synthetic_blob.h"

using namespace tickmlp::bench;

namespace {

// A CPU of round numbers: a line takes 0.5 ns in L1 (32 KiB), 1 in L2 (1 MiB), 2 in L3 (32 MiB), 8 in memory.
CpuProfile round_profile() {
  constexpr std::uint64_t kKiB = 1024, kMiB = 1024 * kKiB;
  CpuProfile profile;
  profile.caches = {32 * kKiB, kMiB, 32 * kMiB};
  profile.forward = {{32 * kKiB, 0.5}, {64 * kKiB, 1}, {kMiB, 1}, {2 * kMiB, 2}, {32 * kMiB, 2}, {64 * kMiB, 8}};
  profile.turning = {{32 * kKiB, 0.5}, {64 * kKiB, 0.75}, {kMiB, 1}, {2 * kMiB, 1.5}, {32 * kMiB, 2}, {64 * kMiB, 5}};
  KernelCost kernel;
  kernel.name = "round";
  kernel.type = TICKMLP_INT8;
  kernel.call_ns = 50;
  kernel.tick_call_ns = 40;
  kernel.input_ns = 0.125;
  kernel.group_ns = 3;
  kernel.pass_ns = 2;
  kernel.block_ns = 30;
  kernel.step_ns = 4;
  kernel.line_ns = 1;
  profile.kernels = {kernel};
  return profile;
}

Dimensions int8_model(std::uint32_t inputs, std::uint32_t hidden, std::uint32_t outputs = 3) {
  return {TICKMLP_INT8, inputs, {{hidden, outputs}}, 0};
}

Prediction full(const Dimensions& model, const CpuProfile& profile = round_profile()) {
  return predict(profile, profile.kernels[0], model, Path::kFull);
}

}  // namespace

TEST_CASE("the smallest model, by hand") {
  // 8 inputs: 2 steps of at least 4 ns and 8 x 0.125. 1 group: 3 ns. Nothing leaves L1.
  const Prediction p = full(int8_model(8, 16));
  CHECK_EQ(p.ns, 50 + 3 + (2 * 4 + 1));
  CHECK_EQ(p.call_ns, 50);
  CHECK_EQ(p.lanes_ns, 3);
  CHECK_EQ(p.blocks_ns, 0);
  CHECK_EQ(p.multiply_ns, 8);
  CHECK_EQ(p.inputs_ns, 1);
  CHECK_EQ(p.read_ns, 2 * 0.5);
  CHECK_EQ(p.layer1_ns, 9);
  CHECK_EQ(p.beyond_l1_ns, 0);
  CHECK_EQ(p.weight_bytes, 2 * 64 + 3 * 64);
  CHECK_EQ(p.working_set, 2 * 64 + 3 * 64 + 16 * 12 + 8 * 9);
  CHECK(p.bound == Bound::kOverhead);
  // A unit and an input more than a group and a step hold take a whole one.
  CHECK_EQ(full(int8_model(9, 17)).ns, 50 + 2 * 3 + (3 * 4 + 9 * 0.125));
}

TEST_CASE("wide tiles take line after line; float32 takes a step an input") {
  // 10 groups: a step is 10 lines of 1 ns, more than the 4 that it must wait.
  CHECK_EQ(full(int8_model(8, 160)).multiply_ns, 2 * 10);
  // 40 groups are tiles of 14, 13 and 13.
  CHECK_EQ(full(int8_model(8, 640)).multiply_ns, 2 * 40);
  Dimensions model = int8_model(8, 160);
  model.type = TICKMLP_FLOAT32;
  const Prediction p = full(model);
  CHECK_EQ(p.multiply_ns, 8 * 10);
  CHECK_EQ(p.weight_bytes, 8 * 10 * 64 + 10 * 3 * 64);
  CHECK_EQ(p.working_set, p.weight_bytes + 160 * 8 + 8 * 4);
}

TEST_CASE("outputs and heads come in fours") {
  CHECK_EQ(full(int8_model(8, 32, 4)).lanes_ns, 2 * 3);
  const Prediction five = full(int8_model(8, 32, 5));
  CHECK_EQ(five.lanes_ns, 2 * 3 + 2 * 2);
  CHECK_EQ(five.blocks_ns, 30);
  // Heads 0-3 need two blocks for the one with 8 outputs, head 4 one: two beyond the first.
  const Dimensions heads{TICKMLP_INT8, 8, {{16, 3}, {16, 8}, {16, 3}, {16, 3}, {16, 3}}, 0};
  CHECK_EQ(full(heads).blocks_ns, 2 * 30);
  CHECK_EQ(full(heads).lanes_ns, 5 * 3 + 1 * 2);
}

TEST_CASE("a tick is its columns' share of layer 1") {
  // 420 inputs, 7 columns: they begin at 413, inside the step of 412-415, so two steps.
  Dimensions model{TICKMLP_INT8, 420, {{64, 3}}, 7};
  CpuProfile profile = round_profile();
  const Prediction int8 = predict(profile, profile.kernels[0], model, Path::kTick);
  CHECK_EQ(int8.ns, 40 + 4 * 3 + (2 * 4 + 7 * 0.125));
  CHECK_EQ(int8.weight_bytes, 2 * 4 * 64 + 4 * 3 * 64);
  model.type = TICKMLP_FLOAT32;
  CHECK_EQ(predict(profile, profile.kernels[0], model, Path::kTick).multiply_ns, 7 * 4);
}

TEST_CASE("a pruned model is its kept inputs and one look at each; its tick is that of any other") {
  CpuProfile profile = round_profile();
  profile.kernels[0].gather_ns = 0.25;
  Dimensions model{TICKMLP_INT8, 420, {{48, 3}}, 7, 315};
  const Prediction p = full(model, profile), smaller = full(int8_model(315, 48), profile);
  CHECK_EQ(p.gather_ns, 420 * 0.25);
  CHECK_EQ(p.ns, smaller.ns + 420 * 0.25);
  CHECK_EQ(p.weight_bytes, smaller.weight_bytes);
  CHECK_EQ(p.working_set, smaller.working_set + 420 * 4);
  // Kept inputs 308 to 314: steps 77 and 78.
  const Prediction tick = predict(profile, profile.kernels[0], model, Path::kTick);
  CHECK_EQ(tick.gather_ns, 0);
  CHECK_EQ(tick.multiply_ns, 2 * 4);
  model.kept_inputs = 420;
  CHECK_EQ(full(model, profile).ns, full(int8_model(420, 48), profile).ns);
}

TEST_CASE("beyond L1 the read is the longer one, and everything else comes from further away too") {
  // 4,096 x 512: 2 MiB of weights and more, so 2 ns a line: 1.5 more than from L1.
  CpuProfile profile = round_profile();
  const Prediction p = full(int8_model(4096, 512), profile);
  CHECK_EQ(p.read_ns, 1024 * 32 * 2);
  CHECK_EQ(p.layer1_ns, p.read_ns);
  CHECK_EQ(p.beyond_l1_ns, (32 * 3 * 64 + 512 * 12 + 4096 * 9) / 64 * 1.5);
  CHECK(p.bound == Bound::kL3);
  CHECK(full(int8_model(1024, 512), profile).bound == Bound::kL2);
  CHECK(full(int8_model(4096, 4096), profile).bound == Bound::kL3);
  Dimensions huge = int8_model(4096, 4096);
  huge.type = TICKMLP_FLOAT32;
  CHECK(full(huge, profile).bound == Bound::kMemory);
  // Slow multiply-adds hide the read.
  profile.kernels[0].line_ns = 3;
  CHECK(full(int8_model(4096, 512), profile).bound == Bound::kArithmetic);
  CHECK_EQ(full(int8_model(4096, 512), profile).layer1_ns, 1024 * 32 * 3 + 4096 * 0.125);
}

TEST_CASE("the read curve: level at its ends, straight over the logarithm between two points") {
  const ReadCurve curve{{1024, 1}, {4096, 3}, {16384, 3}};
  CHECK_EQ(read_ns_per_line(curve, 0), 1);
  CHECK_EQ(read_ns_per_line(curve, 1024), 1);
  CHECK_EQ(read_ns_per_line(curve, 2048), doctest::Approx(2));
  CHECK_EQ(read_ns_per_line(curve, 4096), 3);
  CHECK_EQ(read_ns_per_line(curve, 1 << 30), 3);
  CHECK_EQ(read_ns_per_line({}, 1024), 0);
}

TEST_CASE("turning back saves what the turning reads save, strips only as far as whole ones fit") {
  CpuProfile profile = round_profile();
  const auto line = [&](Turn turn, std::uint32_t inputs, std::uint32_t lanes) {
    profile.kernels[0].turn = turn;
    const Prediction p = full(int8_model(inputs, lanes), profile);
    return p.read_ns / (inputs / 4 * (lanes / 16));
  };
  // About 1.06 MiB in four tiles: less than the turning reads of 2 MiB, more than those of 1 MiB.
  CHECK_GT(line(Turn::kNever, 1024, 1024), line(Turn::kChunks, 1024, 1024));
  CHECK_GE(line(Turn::kChunks, 1024, 1024), 1);
  // 4,096 x 512 is two strips of 1 MiB. One of them fits an L2 of 1.25 MiB beside the rest, four fifths of it; none
  // fits 1 MiB; and a single strip has no order to turn.
  CHECK_EQ(line(Turn::kNever, 4096, 512), 2);
  CHECK_LT(line(Turn::kChunks, 4096, 512), 2);
  CHECK_EQ(line(Turn::kStrips, 4096, 512), 2);
  profile.caches.l2 += profile.caches.l2 / 4;
  CHECK_EQ(line(Turn::kStrips, 4096, 512), doctest::Approx(2 - 0.8 * (2 - line(Turn::kChunks, 4096, 512))));
  CHECK_EQ(line(Turn::kStrips, 1024, 256), line(Turn::kNever, 1024, 256));
  // What fits L1 has no end to find again.
  CHECK_EQ(line(Turn::kStrips, 64, 64), 0.5);
}

TEST_CASE("a larger model is never faster") {
  CpuProfile profile = round_profile();
  for (const Turn turn : {Turn::kNever, Turn::kChunks}) {
    profile.kernels[0].turn = turn;
    for (const auto type : {TICKMLP_INT8, TICKMLP_FLOAT32}) {
      double last = 0;
      for (std::uint32_t inputs = 1; inputs <= 4096; inputs += 1 + inputs / 50) {
        Dimensions model{type, inputs, {{96, 3}, {64, 2}}, 0};
        CAPTURE(inputs);
        CHECK_GE(full(model, profile).ns, last);
        last = full(model, profile).ns;
      }
      last = 0;
      for (std::uint32_t hidden = 1; hidden <= 4096; hidden += 1 + hidden / 50) {
        CAPTURE(hidden);
        CHECK_GE(full({type, 420, {{hidden, 3}, {64, 2}}, 0}, profile).ns, last);
        last = full({type, 420, {{hidden, 3}, {64, 2}}, 0}, profile).ns;
      }
      last = 0;
      for (std::uint32_t outputs = 1; outputs <= 64; ++outputs) {
        CHECK_GE(full({type, 420, {{64, 3}, {64, outputs}}, 0}, profile).ns, last);
        last = full({type, 420, {{64, 3}, {64, outputs}}, 0}, profile).ns;
      }
      last = 0;
      for (std::size_t heads = 1; heads <= 16; ++heads) {
        const Dimensions model{type, 420, std::vector<HeadSize>(heads, {32, 3}), 0};
        CHECK_GE(full(model, profile).ns, last);
        last = full(model, profile).ns;
      }
    }
  }
}

TEST_CASE("kernels are found by name, and the first of a type is the best") {
  CpuProfile profile = round_profile();
  profile.kernels.push_back({});
  profile.kernels[1].name = "other";
  profile.kernels[1].type = TICKMLP_FLOAT32;
  CHECK(find_kernel(profile, "other") == &profile.kernels[1]);
  CHECK(find_kernel(profile, "none") == nullptr);
  CHECK(best_kernel(profile, TICKMLP_INT8) == &profile.kernels[0]);
  CHECK(best_kernel(profile, TICKMLP_FLOAT32) == &profile.kernels[1]);
  profile.kernels.pop_back();
  CHECK(best_kernel(profile, TICKMLP_FLOAT32) == nullptr);
}

TEST_CASE("synthetic models load on every kernel, golden vectors and all, and are as large as the model says") {
  for (const Shape& shape : {Shape{TICKMLP_INT8, 1, 1, 16, 1, 0}, Shape{TICKMLP_INT8, 413, 3, 96, 3, 7},
                             Shape{TICKMLP_FLOAT32, 37, 16, 16, 64, 0}, Shape{TICKMLP_FLOAT32, 420, 4, 64, 3, 7},
                             Shape{TICKMLP_INT8, 319, 2, 48, 3, 0, 4}, Shape{TICKMLP_FLOAT32, 163, 2, 32, 3, 0, 2}}) {
    const std::vector<std::uint8_t> blob = synthetic_blob(shape);
    for (std::size_t k = 0; k < tickmlp_kernel_count(); ++k) {
      tickmlp_kernel_info kernel{};
      REQUIRE(tickmlp_kernel_get(k, &kernel) == TICKMLP_OK);
      if (!kernel.available || kernel.type != shape.type) continue;
      CAPTURE(kernel.name);
      tickmlp_load_options options{};
      options.kernel = kernel.name;
      tickmlp_model* model = nullptr;
      tickmlp_error error{};
      CHECK_MESSAGE(tickmlp_model_load_bytes(blob.data(), blob.size(), &options, &model, &error) == TICKMLP_OK,
                    error.message);
      if (model == nullptr) continue;
      CHECK_EQ(tickmlp_model_describe(model)->lanes, shape.lanes());
      CHECK_EQ(tickmlp_model_describe(model)->window_columns, shape.window_columns);
      const Dimensions dimensions{shape.type, shape.inputs,
                                  std::vector<HeadSize>(shape.heads, {shape.hidden, shape.outputs}), 0,
                                  tickmlp_model_describe(model)->kept_inputs};
      CHECK_EQ(dimensions.kept_inputs, shape.kept_inputs());
      CHECK_EQ(full(dimensions).weight_bytes, tickmlp_model_describe(model)->weight_bytes);
      tickmlp_model_free(model);
    }
  }
}
