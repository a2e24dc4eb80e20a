// SPDX-License-Identifier: Apache-2.0
// Random models for the kernel tests, laid out as docs/BLOB_FORMAT.md says, without a file.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "../kernels/contract.h"
#include "../runtime/model.h"

namespace tickmlp::testing {

struct HeadShape {
  uint32_t hidden, outputs;
  bool softmax;
  float clamp_high;
};

// 64-byte aligned, zeroed, padded by one cache line.
class Buffer {
 public:
  explicit Buffer(size_t bytes) : data_(std::aligned_alloc(64, (bytes + 127) / 64 * 64), std::free) {
    std::memset(data_.get(), 0, (bytes + 127) / 64 * 64);
  }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_.get());
  }

 private:
  std::unique_ptr<void, void (*)(void*)> data_;
};

struct RandomNetwork {
  ElementType type;
  std::vector<HeadShape> shapes;
  std::vector<Head> heads;
  std::vector<Buffer> w2;
  Buffer input_scale, start, lane_scale, group_clamp, w1, start2, scratch;
  std::unique_ptr<HeadBlocks> blocks = std::make_unique<HeadBlocks>();
  std::vector<Strip> tiles = std::vector<Strip>(kMaxTiles), strips = std::vector<Strip>(kMaxStrips);
  Network network;
  Workspace workspace;

  void bind() {  // after start2 or a weight changed
    bind_head_blocks(heads.data(), network.heads, network.start2, blocks.get());
    bind_strips(network, type, tiles.data(), strips.data());
  }

  RandomNetwork(ElementType type, uint32_t inputs, std::vector<HeadShape> shapes, uint32_t seed);
};

inline uint32_t count_groups(const std::vector<HeadShape>& shapes) {
  uint32_t groups = 0;
  for (const HeadShape& shape : shapes) groups += round_up(shape.hidden, kGroup) / kGroup;
  return groups;
}

inline uint32_t count_outputs(const std::vector<HeadShape>& shapes) {
  uint32_t outputs = 0;
  for (const HeadShape& shape : shapes) outputs += shape.outputs;
  return outputs;
}

// Where lane and input meet in w1, in elements.
inline size_t weight_index(const Network& network, ElementType type, uint32_t lane, uint32_t input) {
  const uint32_t tiles = tile_count(network.groups), group = lane / kGroup;
  size_t begin = 0;
  uint32_t first = 0;
  for (uint32_t tile = 0;; ++tile) {
    const uint32_t width = tile_groups(network.groups, tiles, tile);
    if (group < first + width) {
      const size_t g = group - first;
      if (type == ElementType::kFloat32)
        return begin + (static_cast<size_t>(input) * width + g) * kGroup + lane % kGroup;
      return begin + ((static_cast<size_t>(input / 4) * width + g) * kGroup + lane % kGroup) * 4 + input % 4;
    }
    first += width;
    begin += static_cast<size_t>(width) * kGroup *
             (type == ElementType::kFloat32 ? network.inputs : round_up(network.inputs, 4));
  }
}

// A weight that this lane no longer has, before bind(). The start vector holds -128 x the sum of the lane's weights.
inline void drop_weight(RandomNetwork& model, uint32_t lane, uint32_t input) {
  const size_t at = weight_index(model.network, model.type, lane, input);
  if (model.type == ElementType::kFloat32) {
    model.w1.as<float>()[at] = 0.0f;
  } else {
    model.start.as<int32_t>()[lane] += 128 * model.w1.as<int8_t>()[at];
    model.w1.as<int8_t>()[at] = 0;
  }
}

inline RandomNetwork::RandomNetwork(ElementType element_type, uint32_t inputs, std::vector<HeadShape> head_shapes,
                                    uint32_t seed)
    : type(element_type),
      shapes(std::move(head_shapes)),
      input_scale(4 * inputs),
      start(count_groups(shapes) * 64),
      lane_scale(count_groups(shapes) * 64),
      group_clamp(4 * count_groups(shapes)),
      w1(static_cast<size_t>(round_up(inputs, 4)) * count_groups(shapes) * 64),
      start2(4 * count_outputs(shapes)),
      scratch(0),
      network{},
      workspace{} {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> unit(-1.0f, 1.0f);
  heads.resize(kMaxHeads);
  network = {inputs,
             count_groups(shapes),
             static_cast<uint32_t>(shapes.size()),
             count_outputs(shapes),
             heads.data(),
             input_scale.as<float>(),
             start.as<void>(),
             lane_scale.as<float>(),
             group_clamp.as<float>(),
             w1.as<void>(),
             start2.as<float>(),
             blocks->block,
             nullptr,
             nullptr,
             0,
             0,
             0,
             0,
             inputs,
             nullptr};
  for (uint32_t i = 0; i < inputs; ++i) input_scale.as<float>()[i] = 127.0f / (0.5f + std::abs(unit(random)));
  for (uint32_t k = 0; k < network.outputs; ++k) start2.as<float>()[k] = unit(random) * 0.1f;
  uint32_t group = 0, output = 0;
  for (size_t h = 0; h < shapes.size(); ++h) {
    const HeadShape& shape = shapes[h];
    const uint32_t padded = round_up(shape.hidden, kGroup);
    w2.emplace_back(4 * static_cast<size_t>(padded) * shape.outputs);
    for (uint32_t k = 0; k < shape.outputs; ++k)
      for (uint32_t j = 0; j < shape.hidden; ++j) w2.back().as<float>()[k * padded + j] = unit(random);
    heads[h] = {group, padded / kGroup, output, shape.outputs, shape.softmax, w2.back().as<float>()};
    for (uint32_t j = 0; j < padded; ++j) {
      const uint32_t lane = group * kGroup + j;
      group_clamp.as<float>()[lane / kGroup] = shape.clamp_high;
      lane_scale.as<float>()[lane] = 1.0f;
      if (j >= shape.hidden) continue;
      if (type == ElementType::kFloat32) {
        start.as<float>()[lane] = unit(random);
        for (uint32_t i = 0; i < inputs; ++i)
          w1.as<float>()[weight_index(network, type, lane, i)] = unit(random) * 0.3f;
        continue;
      }
      lane_scale.as<float>()[lane] = (1.5f + unit(random)) * 1e-4f;
      int32_t sum = 0;
      for (uint32_t i = 0; i < inputs; ++i) {
        const int w = static_cast<int>(random() % 255) - 127;
        w1.as<int8_t>()[weight_index(network, type, lane, i)] = static_cast<int8_t>(w);
        sum += w;
      }
      start.as<int32_t>()[lane] = static_cast<int32_t>(random() % 2001) - 1000 - 128 * sum;
    }
    group += padded / kGroup;
    output += shape.outputs;
  }
  bind();
  scratch = Buffer(workspace_bytes(network));
  workspace = make_workspace(network, scratch.as<void>());
}

}  // namespace tickmlp::testing
