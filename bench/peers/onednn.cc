// SPDX-License-Identifier: Apache-2.0
// Peer onednn: one inner product for layer 1 of all heads with the clamp as its post-op, one for layer 2, which is
// block-diagonal. Weights are reordered beforehand into the layout that the primitive asks for (format_tag::any), one
// thread (OMP_NUM_THREADS=1), the C call for execution with its arguments prepared, memory handed over and not copied.
// Tried: weights fixed as io, 3 % faster in float32 and 2.5 times slower in int8; fixed as oi, 5 % slower in both.
//   int8          the codes and scales of our int8 blob: output scales, and the start vector as s32 bias. Inputs are
//                 quantised in a vectorised loop: the library's own reorder has no fast path for a scale an input.
//   onednn-loops  layer 2 in plain loops instead, since a call of a primitive costs more than these 2,000 products. No
//                 longer the library alone, but the fastest that we could make of it.
#include <cmath>
#include <oneapi/dnnl/dnnl.hpp>

#include "finish.h"
#include "peer.h"

namespace tickmlp::bench {
namespace {

using dnnl::memory;
using Type = memory::data_type;
using Tag = memory::format_tag;

template <class To>
std::vector<To> converted(const std::vector<float>& values) {
  std::vector<To> out;
  for (const float value : values) out.push_back(static_cast<To>(value));
  return out;
}

// What one matrix-vector product reads and writes. Weights are [inputs][outputs], in any type that their type says.
struct Shape {
  memory::dim inputs, outputs;
  Type source, weights, bias;
};

class Product {
 public:
  Product(const Shape& shape, const void* weights, const void* bias, const dnnl::primitive_attr& attributes,
          const dnnl::engine& engine, float* target) {
    const memory::desc source_desc({1, shape.inputs}, shape.source, Tag::nc);
    const memory::desc target_desc({1, shape.outputs}, Type::f32, Tag::nc);
    const memory::desc bias_desc({shape.outputs}, shape.bias, Tag::x);
    const memory::dims matrix = {shape.outputs, shape.inputs};
    const dnnl::inner_product_forward::desc desc(dnnl::prop_kind::forward_inference, source_desc,
                                                 memory::desc(matrix, shape.weights, Tag::any), bias_desc, target_desc);
    const dnnl::inner_product_forward::primitive_desc primitive(desc, attributes, engine);
    product_ = dnnl::inner_product_forward(primitive);
    source_ = memory(source_desc, engine);
    weights_ = memory(primitive.weights_desc(), engine);
    bias_ = memory(bias_desc, engine);
    target_ = memory(target_desc, engine, target);
    fill(weights, {matrix, shape.weights, Tag::io}, &weights_);
    fill(bias, bias_desc, &bias_);
    arguments_ = {{DNNL_ARG_SRC, source_.get()},
                  {DNNL_ARG_WEIGHTS, weights_.get()},
                  {DNNL_ARG_BIAS, bias_.get()},
                  {DNNL_ARG_DST, target_.get()}};
  }
  void run(const void* source, const dnnl::stream& stream) {
    dnnl_memory_set_data_handle_v2(source_.get(), const_cast<void*>(source), nullptr);
    dnnl_primitive_execute(product_.get(), stream.get(), static_cast<int>(arguments_.size()), arguments_.data());
  }

 private:
  // Reorders values of one layout into what the primitive wants.
  static void fill(const void* values, const memory::desc& desc, memory* into) {
    memory from(desc, into->get_engine(), const_cast<void*>(values));
    dnnl::stream stream(into->get_engine());
    dnnl::reorder(from, *into).execute(stream, from, *into);
    stream.wait();
  }

  dnnl::inner_product_forward product_;
  memory source_, weights_, bias_, target_;
  std::vector<dnnl_exec_arg_t> arguments_;
};

dnnl::primitive_attr clamp_of(const Network& network, bool int8) {
  dnnl::primitive_attr attributes;
  dnnl::post_ops clamp;
  if (std::isinf(network.clamp_high)) clamp.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
  else clamp.append_eltwise(1, dnnl::algorithm::eltwise_clip, 0, network.clamp_high);
  attributes.set_post_ops(clamp);
  if (int8) attributes.set_output_scales(2, network.lane_scale);
  return attributes;
}

Product make_layer1(const Network& network, bool int8, const dnnl::engine& engine, float* hidden) {
  const dnnl::primitive_attr clamp = clamp_of(network, int8);
  if (!int8)
    return {{network.inputs, network.lanes, Type::f32, Type::f32, Type::f32},
            network.w1.data(),
            network.start.data(),
            clamp,
            engine,
            hidden};
  const auto codes = converted<std::int8_t>(network.codes);
  const auto start = converted<std::int32_t>(network.int8_start);
  return {{network.inputs, network.lanes, Type::u8, Type::s8, Type::s32},
          codes.data(),
          start.data(),
          clamp,
          engine,
          hidden};
}

class DnnlRunner : public Runner {
 public:
  DnnlRunner(const Network& network, bool int8, bool loops)
      : int8_(int8),
        loops_(loops),
        heads_(network.heads),
        engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_),
        input_scale_(network.input_scale),
        hidden_(network.lanes),
        logits_(network.outputs),
        codes_(network.inputs),
        layer1_(make_layer1(network, int8, engine_, hidden_.data())),
        layer2_({network.lanes, network.outputs, Type::f32, Type::f32, Type::f32}, network.w2.data(),
                network.start2.data(), {}, engine_, logits_.data()),
        finish_(network) {}

  void infer(const float* state, float* output) override {
    if (int8_) plain_quantise(state, input_scale_.data(), codes_.size(), codes_.data());
    layer1_.run(int8_ ? static_cast<const void*>(codes_.data()) : state, stream_);
    if (loops_) return finish_.run(hidden_.data(), output);
    layer2_.run(hidden_.data(), stream_);
    for (const NetworkHead& head : heads_) {
      std::copy_n(logits_.data() + head.output_begin, head.outputs, output + head.output_begin);
      if (head.softmax) plain_softmax(output + head.output_begin, head.outputs);
    }
  }

 private:
  bool int8_, loops_;
  std::vector<NetworkHead> heads_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  AlignedFloats input_scale_, hidden_, logits_;
  std::vector<std::uint8_t> codes_;
  Product layer1_, layer2_;
  Finish finish_;
};

}  // namespace

void add_onednn(const Network& network, Field* field) {
  const dnnl_version_t* version = dnnl_version();
  const std::string text =
      std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->patch);
  for (const bool int8 : {false, true})
    for (const bool loops : {false, true})
      field->add(loops ? "onednn-loops" : "onednn", text, int8 ? "int8" : "float32",
                 std::make_unique<DnnlRunner>(network, int8, loops));
}

}  // namespace tickmlp::bench
