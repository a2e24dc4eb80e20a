// SPDX-License-Identifier: Apache-2.0
#include "growth/synthetic_blob.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

#include "../kernels/contract.h"
#include "../runtime/blob.h"
#include "cli.h"

namespace tickmlp::bench {
namespace {

// In 127ths for float32. Never 0: an input that no lane reads would be pruned.
std::uint32_t weight_of(std::uint32_t input) { return input % 127 + 1; }

// One step of layer 1, as it stands in all lanes alike: the weight of one input, or of four in int8.
std::uint32_t step_of(const Shape& shape, std::uint32_t step) {
  std::uint32_t bits = 0;
  if (shape.type == TICKMLP_FLOAT32) {
    const float weight = static_cast<float>(weight_of(step)) / 127;
    std::memcpy(&bits, &weight, sizeof bits);
    return bits;
  }
  for (std::uint32_t i = 4 * step, kept = shape.kept_inputs(); i < std::min(4 * step + 4, kept); ++i)
    bits |= weight_of(i) << (8 * (i % 4));
  return bits;
}

// The bound that the loader proves again: no partial sum of a lane is larger (docs/ARITHMETIC.md, section 2).
std::uint32_t accumulator_bound(const Shape& shape) {
  if (shape.type == TICKMLP_FLOAT32) return 0;
  std::uint32_t sum = 0;
  for (std::uint32_t i = 0, kept = shape.kept_inputs(); i < kept; ++i) sum += weight_of(i);
  return 255 * sum;
}

void fill_head(const Shape& shape, std::uint32_t index, BlobHead* head) {
  std::snprintf(head->name, sizeof head->name, "head%u", index);
  head->hidden = shape.hidden;
  head->outputs = shape.outputs;
  head->activation = TICKMLP_SOFTMAX;
  head->clamp_high = 6;
  head->accumulator_bound = accumulator_bound(shape);
}

void fill_sections(const Shape& shape, const BlobPlan& plan, std::uint8_t* bytes) {
  const auto floats = [&](const BlobSection& section) { return reinterpret_cast<float*>(bytes + section.begin); };
  const std::uint32_t features = shape.window_columns != 0 ? shape.window_columns : shape.inputs;
  for (std::uint32_t f = 0; f < features; ++f) floats(plan.ranges)[2 * f] = -1, floats(plan.ranges)[2 * f + 1] = 1;
  std::fill_n(floats(plan.input_scale), plan.input_scale.bytes / 4, 127.0f);
  std::fill_n(floats(plan.lane_scale), plan.lane_scale.bytes / 4, 1.0f);
  std::fill_n(floats(plan.golden_outputs), plan.golden_outputs.bytes / 4, 1 / static_cast<float>(shape.outputs));

  const std::uint32_t groups = plan.lanes / kGroup, tiles = tile_count(groups);
  for (std::uint32_t i = 0; shape.unread_of_eight != 0 && i < shape.inputs; ++i)
    bytes[plan.kept.begin + i / 8] |= static_cast<std::uint8_t>(shape.is_read(i) << i % 8);
  const std::uint32_t stored = shape.kept_inputs(), steps = shape.type == TICKMLP_INT8 ? (stored + 3) / 4 : stored;
  auto* weights = reinterpret_cast<std::uint32_t*>(bytes + plan.w1.begin);
  for (std::uint32_t tile = 0; tile < tiles; ++tile)
    for (std::uint32_t step = 0; step < steps; ++step)
      weights = std::fill_n(weights, tile_groups(groups, tiles, tile) * kGroup, step_of(shape, step));
}

}  // namespace

std::vector<std::uint8_t> synthetic_blob(const Shape& shape) {
  BlobHeader header{};
  std::memcpy(header.magic, kBlobMagic, sizeof header.magic);
  header.format_version = kBlobVersion;
  header.element_type = shape.type;
  header.layout = shape.unread_of_eight != 0 ? kPrunedLayout : kBlobLayout;
  header.kept_inputs = shape.unread_of_eight != 0 ? shape.kept_inputs() : 0;
  header.inputs = shape.inputs;
  header.window_rows = shape.window_columns != 0 ? shape.inputs / shape.window_columns : 0;
  header.window_columns = shape.window_columns;
  header.feature_count = shape.window_columns != 0 ? shape.window_columns : shape.inputs;
  header.head_count = shape.heads;
  header.golden_count = kGoldenCount;
  std::strcpy(header.name, "synthetic");
  std::strcpy(header.exporter, "tickmlp synthetic");
  std::vector<BlobHead> heads(shape.heads);
  for (std::uint32_t h = 0; h < shape.heads; ++h) fill_head(shape, h, &heads[h]);
  header.structure_hash = structure_hash(header, heads.data());

  // The plan knows the file's size before its last check, which is that the header says the same.
  BlobPlan plan{};
  header.file_bytes = kMaxBlobBytes;
  plan_blob(header, heads.data(), &plan, nullptr);
  header.file_bytes = plan.file_bytes;
  tickmlp_error error{};
  if (plan_blob(header, heads.data(), &plan, &error) != TICKMLP_OK)
    refuse(std::string("no such model: ") + error.message);

  std::vector<std::uint8_t> bytes(plan.file_bytes);
  std::memcpy(bytes.data() + sizeof header, heads.data(), heads.size() * sizeof(BlobHead));
  fill_sections(shape, plan, bytes.data());
  std::memcpy(bytes.data(), &header, sizeof header);
  const std::size_t before = offsetof(BlobHeader, digest), after = before + sizeof header.digest;
  sha256(bytes.data(), before, bytes.data() + after, bytes.size() - after, header.digest);
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

}  // namespace tickmlp::bench
