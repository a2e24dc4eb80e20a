// SPDX-License-Identifier: Apache-2.0
// The two layers of one of our models as oneDNN primitives over a batch.
//
// oneDNN gets the blob's own weights, reordered beforehand into the layout that it asks for (format_tag::any), and the
// clamp as a post-op of layer 1. Layer 2 is a second inner product (block-diagonal); the softmax, and for int8 the
// quantiser, are loops that the compiler vectorises.
#ifndef TICKMLP_BENCH_ONEDNN_BATCH_H_
#define TICKMLP_BENCH_ONEDNN_BATCH_H_
#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <numeric>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "../kernels/contract.h"
#include "cli.h"

namespace tickmlp::bench {

using dnnl::memory;
using Type = memory::data_type;
using Tag = memory::format_tag;

// w1 as [inputs][lanes], from the blob's tiles.
template <class Element>
std::vector<Element> dense_w1(const Network& network, std::uint32_t quad) {
  const auto* packed = static_cast<const Element*>(network.w1);
  std::vector<Element> dense(std::size_t{network.inputs} * network.groups * kGroup);
  const std::uint32_t tiles = tile_count(network.groups);
  for (std::uint32_t tile = 0, first = 0; tile < tiles; ++tile) {
    const std::uint32_t width = tile_groups(network.groups, tiles, tile);
    for (std::uint32_t i = 0; i < round_up(network.inputs, quad); i += quad)
      for (std::uint32_t lane = first * kGroup; lane < (first + width) * kGroup; ++lane)
        for (std::uint32_t k = 0; k < quad; ++k, ++packed)
          if (i + k < network.inputs) dense[std::size_t{i + k} * network.groups * kGroup + lane] = *packed;
    first += width;
  }
  return dense;
}

// All heads' w2 in one matrix [lanes][outputs], zero where a head does not read a lane.
inline std::vector<float> dense_w2(const Network& network) {
  std::vector<float> dense(std::size_t{network.groups} * kGroup * network.outputs);
  for (std::uint32_t h = 0; h < network.heads; ++h) {
    const Head& head = network.head[h];
    for (std::uint32_t k = 0; k < head.outputs; ++k)
      for (std::uint32_t j = 0; j < head.groups * kGroup; ++j)
        dense[(head.group_begin * kGroup + j) * std::size_t{network.outputs} + head.output_begin + k] =
            head.w2[std::size_t{k} * head.groups * kGroup + j];
  }
  return dense;
}

// target [states][outputs] = source [states][inputs] x weights [inputs][outputs] + bias, then scales and clamp.
class Product {
 public:
  Product(const memory::dims& shape, Type source, Type weights_type, Type bias_type, const void* weights,
          const void* bias, const dnnl::primitive_attr& attributes, const dnnl::engine& engine)
      : stream_(engine) {
    const memory::dim states = shape[0], inputs = shape[1], outputs = shape[2];
    const memory::desc source_desc({states, inputs}, source, Tag::nc),
        target_desc({states, outputs}, Type::f32, Tag::nc);
    const dnnl::inner_product_forward::primitive_desc primitive(
        {dnnl::prop_kind::forward_inference, source_desc, memory::desc({outputs, inputs}, weights_type, Tag::any),
         memory::desc({outputs}, bias_type, Tag::x), target_desc},
        attributes, engine);
    product_ = dnnl::inner_product_forward(primitive);
    source_ = memory(source_desc, engine, nullptr);
    target_ = memory(target_desc, engine);
    weights_ = memory(primitive.weights_desc(), engine);
    memory given({{outputs, inputs}, weights_type, Tag::io}, engine, const_cast<void*>(weights));
    dnnl::reorder(given, weights_).execute(stream_, given, weights_);
    bias_ = memory({{outputs}, bias_type, Tag::x}, engine, const_cast<void*>(bias));
    arguments_ = {{DNNL_ARG_SRC, source_.get()},
                  {DNNL_ARG_WEIGHTS, weights_.get()},
                  {DNNL_ARG_BIAS, bias_.get()},
                  {DNNL_ARG_DST, target_.get()}};
  }
  const float* run(const void* source) {
    dnnl_memory_set_data_handle_v2(source_.get(), const_cast<void*>(source), nullptr);
    dnnl_primitive_execute(product_.get(), stream_.get(), static_cast<int>(arguments_.size()), arguments_.data());
    return static_cast<const float*>(target_.get_data_handle());
  }

 private:
  dnnl::stream stream_;
  dnnl::inner_product_forward product_;
  memory source_, weights_, bias_, target_;
  std::vector<dnnl_exec_arg_t> arguments_;
};

inline dnnl::primitive_attr clamp_of(const Network& network, bool int8) {
  dnnl::primitive_attr attributes;
  dnnl::post_ops clamp;
  const float high = network.group_clamp[0];
  for (std::uint32_t g = 1; g < network.groups; ++g)
    if (network.group_clamp[g] != high) refuse("the heads' clamps differ; expected one bound for all");
  if (std::isinf(high)) clamp.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
  else clamp.append_eltwise(1, dnnl::algorithm::eltwise_clip, 0, high);
  attributes.set_post_ops(clamp);
  const std::size_t lanes = network.groups * kGroup;
  if (int8) attributes.set_output_scales(2, std::vector<float>(network.lane_scale, network.lane_scale + lanes));
  return attributes;
}

// Compiled for AVX-512 where the CPU has it: the same instructions a code as ours, give or take the packing.
__attribute__((target_clones("arch=x86-64-v4", "default"))) inline void quantise(const float* input, const float* scale,
                                                                                 std::size_t count,
                                                                                 std::uint8_t* codes) {
  for (std::size_t i = 0; i < count; ++i) {
    float p = input[i] * scale[i];
    p = p > -127.0f ? p : -127.0f;
    p = p < 127.0f ? p : 127.0f;
    codes[i] = static_cast<std::uint8_t>(static_cast<int>(std::nearbyint(p)) + 128);
  }
}

// exp(x - largest) of each, with the polynomial of docs/ARITHMETIC.md: std::exp is not vectorised.
__attribute__((target_clones("arch=x86-64-v4", "default"))) inline void exponentials(const float* x,
                                                                                     const float* largest,
                                                                                     std::size_t count, float* out) {
  for (std::size_t i = 0; i < count; ++i) {
    const float d = std::max(x[i] - largest[i], -87.0f);
    const float t = d * 0x1.715476p+0f + 12582912.0f, k = t - 12582912.0f;
    const float r = d - k * 0x1.62e430p-1f + k * 0x1.05c610p-29f;
    float p = 0x1.6a23cep-10f * r + 0x1.123a20p-7f;
    p = ((p * r + 0x1.5558f2p-5f) * r + 0x1.555492p-3f) * r + 0x1.fffffcp-2f;
    p = (p * r + 1.0f) * r + 1.0f;
    out[i] = p * std::bit_cast<float>((std::bit_cast<std::uint32_t>(t) + 127u) << 23);
  }
}

class Onednn {
 public:
  Onednn(const Network& network, bool int8, std::size_t states)
      : network_(network),
        int8_(int8),
        states_(states),
        codes_(states * network.inputs),
        largest_(states * network.outputs),
        exponential_(states * network.outputs),
        engine_(dnnl::engine::kind::cpu, 0) {
    const auto rows = static_cast<memory::dim>(states);
    const memory::dim lanes = network.groups * kGroup;
    const auto type = int8 ? Type::s8 : Type::f32;
    const auto codes = int8 ? dense_w1<std::int8_t>(network, 4) : std::vector<std::int8_t>();
    const auto floats = int8 ? std::vector<float>() : dense_w1<float>(network, 1);
    const void* w1 = int8 ? static_cast<const void*>(codes.data()) : floats.data();
    layer1_ =
        std::make_unique<Product>(memory::dims{rows, network.inputs, lanes}, int8 ? Type::u8 : Type::f32, type,
                                  int8 ? Type::s32 : Type::f32, w1, network.start, clamp_of(network, int8), engine_);
    const std::vector<float> w2 = dense_w2(network);
    layer2_ = std::make_unique<Product>(memory::dims{rows, lanes, network.outputs}, Type::f32, Type::f32, Type::f32,
                                        w2.data(), network.start2, dnnl::primitive_attr(), engine_);
  }
  // From codes (int8, of the last run()) or states to hidden activations.
  const float* layer1(const float* states) {
    return layer1_->run(int8_ ? static_cast<const void*>(codes_.data()) : states);
  }
  void run(const float* states, float* outputs) {
    if (int8_)
      for (std::size_t s = 0; s < states_; ++s)
        quantise(states + s * network_.inputs, network_.input_scale, network_.inputs,
                 codes_.data() + s * network_.inputs);
    const float* logits = layer2_->run(layer1(states));
    std::copy_n(logits, states_ * network_.outputs, outputs);
    softmax(outputs);
  }

 private:
  // Largest logit and sum by head; the exponentials of all heads and states in one vectorised loop between.
  void softmax(float* outputs) {
    const auto each_head = [&](auto&& work) {
      for (std::size_t s = 0; s < states_; ++s)
        for (std::uint32_t h = 0; h < network_.heads; ++h)
          if (network_.head[h].softmax)
            work(s * network_.outputs + network_.head[h].output_begin, network_.head[h].outputs);
    };
    each_head([&](std::size_t at, std::uint32_t count) {
      std::fill_n(largest_.data() + at, count, *std::max_element(outputs + at, outputs + at + count));
    });
    exponentials(outputs, largest_.data(), exponential_.size(), exponential_.data());
    each_head([&](std::size_t at, std::uint32_t count) {
      const float sum = std::accumulate(exponential_.data() + at, exponential_.data() + at + count, 0.0f);
      for (std::size_t i = at; i < at + count; ++i) outputs[i] = exponential_[i] / sum;
    });
  }

  const Network& network_;
  bool int8_;
  std::size_t states_;
  std::vector<std::uint8_t> codes_;
  std::vector<float> largest_, exponential_;
  dnnl::engine engine_;
  std::unique_ptr<Product> layer1_, layer2_;
};

}  // namespace tickmlp::bench
#endif
