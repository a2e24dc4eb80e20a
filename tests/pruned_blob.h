// SPDX-License-Identifier: Apache-2.0
// Random models of which some inputs are unread: the network with its rows of zeros, as the reference, and the blob
// that it makes.
#pragma once

#include "blob_bytes.h"
#include "kernel_runs.h"

namespace tickmlp::testing {

using Mask = std::vector<bool>;

inline size_t count_of(const Mask& read) { return static_cast<size_t>(std::count(read.begin(), read.end(), true)); }

// What a blob keeps: the inputs that are read, and those of a window's newest row.
inline Mask kept_of(Mask read, uint32_t columns) {
  std::fill(read.end() - columns, read.end(), true);
  return read;
}

// Every input but those of a random share; the first and the last are always read.
inline Mask random_mask(uint32_t inputs, double share, std::mt19937& random) {
  Mask read(inputs);
  for (uint32_t i = 0; i < inputs; ++i)
    read[i] = i == 0 || i + 1 == inputs || std::uniform_real_distribution<>()(random) >= share;
  return read;
}

// No lane reads the others.
inline void keep_only(RandomNetwork& model, const Mask& read) {
  for (uint32_t lane = 0; lane < model.network.groups * kGroup; ++lane)
    for (uint32_t i = 0; i < model.network.inputs; ++i)
      if (!read[i]) drop_weight(model, lane, i);
  model.bind();
}

// The same range for every row of a window, and the input scales of these ranges in the network too.
inline std::vector<float> set_ranges(RandomNetwork& model, uint32_t features) {
  std::vector<float> ranges;
  for (uint32_t f = 0; f < features; ++f) {
    const float high = 0.5f + 0.01f * static_cast<float>(f % 50), scale = 127.0f / high;
    ranges.insert(ranges.end(), {-high, high});
    for (uint32_t i = f; i < model.network.inputs; i += features)
      model.input_scale.as<float>()[i] = high * scale > 127.0f ? std::nextafter(scale, 0.0f) : scale;
  }
  return ranges;
}

inline uint32_t accumulator_bound(const RandomNetwork& model, uint32_t head) {
  if (model.type == ElementType::kFloat32) return 0;
  int64_t bound = 0;
  const Head& h = model.heads[head];
  for (uint32_t lane = h.group_begin * kGroup; lane < (h.group_begin + h.groups) * kGroup; ++lane) {
    int64_t positive = 0, negative = 0, start = model.start.as<int32_t>()[lane];
    for (uint32_t i = 0; i < model.network.inputs; ++i) {
      const int w = model.w1.as<int8_t>()[weight_index(model.network, model.type, lane, i)];
      (w > 0 ? positive : negative) += 255 * w;
    }
    for (int64_t sum : {positive, negative, start + positive, start + negative, start})
      bound = std::max(bound, std::abs(sum));
  }
  return static_cast<uint32_t>(bound);
}

// The rows that are kept, packed as those of a smaller network.
inline void write_weights(const RandomNetwork& model, const std::vector<uint32_t>& kept, const BlobPlan& plan,
                          uint8_t* bytes) {
  Network smaller = model.network;
  smaller.inputs = static_cast<uint32_t>(kept.size());
  for (uint32_t k = 0; k < smaller.inputs; ++k) {
    if (model.type == ElementType::kInt8)
      std::memcpy(bytes + plan.input_scale.begin + 4 * k, model.network.input_scale + kept[k], 4);
    for (uint32_t lane = 0; lane < smaller.groups * kGroup; ++lane) {
      const size_t to = weight_index(smaller, model.type, lane, k);
      const size_t from = weight_index(model.network, model.type, lane, kept[k]);
      const size_t size = model.type == ElementType::kInt8 ? 1 : 4;
      std::memcpy(bytes + plan.w1.begin + to * size, model.w1.as<uint8_t>() + from * size, size);
    }
  }
}

// The blob of a model that reads `read` alone, of the layout asked for, whether that is the right one or not. columns:
// of a window, or 0. Golden outputs are the scalar kernel's on the whole network.
inline std::vector<uint8_t> blob_of(RandomNetwork& model, const Mask& read, uint32_t columns, bool pruned) {
  const Network& network = model.network;
  const std::vector<float> ranges = set_ranges(model, columns != 0 ? columns : network.inputs);
  const Mask keep = kept_of(read, columns);
  std::vector<uint32_t> kept;
  for (uint32_t i = 0; i < network.inputs; ++i)
    if (!pruned || keep[i]) kept.push_back(i);
  BlobHeader header = {};
  std::memcpy(header.magic, kBlobMagic, sizeof header.magic);
  header.format_version = kBlobVersion;
  header.element_type = static_cast<uint32_t>(model.type);
  header.layout = pruned ? kPrunedLayout : kBlobLayout;
  header.kept_inputs = pruned ? static_cast<uint32_t>(kept.size()) : 0;
  header.inputs = network.inputs;
  header.window_rows = columns != 0 ? network.inputs / columns : 0;
  header.window_columns = columns;
  header.feature_count = columns != 0 ? columns : network.inputs;
  header.head_count = network.heads;
  header.golden_count = kGoldenCount;
  std::strcpy(header.name, "pruned");
  std::strcpy(header.exporter, "test");
  std::vector<BlobHead> heads(network.heads);
  for (uint32_t h = 0; h < network.heads; ++h) {
    std::snprintf(heads[h].name, sizeof heads[h].name, "head%u", h);
    heads[h].hidden = model.shapes[h].hidden;
    heads[h].outputs = model.shapes[h].outputs;
    heads[h].activation = model.shapes[h].softmax;
    heads[h].clamp_high = model.shapes[h].clamp_high;
    heads[h].accumulator_bound = accumulator_bound(model, h);
  }
  header.structure_hash = structure_hash(header, heads.data());
  header.file_bytes = kMaxBlobBytes;  // the plan is filled before its last check, which is of this
  BlobPlan plan = {};
  plan_blob(header, heads.data(), &plan, nullptr);
  header.file_bytes = plan.file_bytes;
  REQUIRE(plan_blob(header, heads.data(), &plan, nullptr) == TICKMLP_OK);

  std::vector<uint8_t> bytes(plan.file_bytes);
  const auto put = [&](uint64_t at, const void* from, size_t size) { std::memcpy(bytes.data() + at, from, size); };
  put(0, &header, sizeof header);
  put(sizeof header, heads.data(), heads.size() * sizeof(BlobHead));
  put(plan.ranges.begin, ranges.data(), plan.ranges.bytes);
  put(plan.start.begin, network.start, plan.start.bytes);
  put(plan.lane_scale.begin, network.lane_scale, plan.lane_scale.bytes);
  for (uint32_t k = 0; pruned && k < kept.size(); ++k)
    bytes[plan.kept.begin + kept[k] / 8] |= static_cast<uint8_t>(1 << kept[k] % 8);
  write_weights(model, kept, plan, bytes.data());
  uint64_t w2 = plan.w2.begin;
  for (uint32_t h = 0; h < network.heads; ++h) {
    const size_t size = 4 * size_t{model.heads[h].outputs} * model.heads[h].groups * kGroup;
    put(w2, model.heads[h].w2, size);
    w2 += size;
  }
  put(plan.start2.begin, network.start2, plan.start2.bytes);
  std::mt19937 random(1);
  for (uint32_t v = 0; v < kGoldenCount; ++v) {
    const std::vector<float> input = random_input(network.inputs, random, 1.0f);
    const Result result = run(oracle(model.type), model, input.data());
    put(plan.golden_inputs.begin + 4 * v * network.inputs, input.data(), 4 * network.inputs);
    put(plan.golden_outputs.begin + 4 * v * network.outputs, result.bits.data(), 4 * network.outputs);
  }
  stamp(bytes);
  return bytes;
}

// A pruned model of 48 inputs, of which 28 are kept: a window of 6 rows of 8, every second input of all rows is read.
inline std::vector<uint8_t> pruned_sample(ElementType type) {
  RandomNetwork model(type, 48, {{100, 3, true, 6.0f}, {60, 3, true, kInfinity}, {64, 1, false, 6.0f}}, 5);
  Mask read(48);
  for (uint32_t i = 0; i < 48; i += 2) read[i] = true;
  keep_only(model, read);
  return blob_of(model, read, 8, true);
}

}  // namespace tickmlp::testing
