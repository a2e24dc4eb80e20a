// SPDX-License-Identifier: Apache-2.0
// The second half of loading: every number behind the header, and the proof that int32 accumulation cannot overflow.
#include <openssl/sha.h>

#include <cfloat>
#include <cmath>
#include <cstring>

#include "../kernels/contract.h"
#include "blob.h"
#include "error.h"

namespace tickmlp {
namespace {

struct Blob {
  const uint8_t* bytes;
  const BlobHeader& header;
  const BlobHead* heads;
  const BlobPlan& plan;

  const float* floats(BlobSection section) const { return reinterpret_cast<const float*>(bytes + section.begin); }
  bool int8() const { return header.element_type == TICKMLP_INT8; }
  uint32_t padded(uint32_t head) const { return round_up(heads[head].hidden, kGroup); }
};

tickmlp_status check_padding(const Blob& blob, tickmlp_error* error) {
  const BlobPlan& p = blob.plan;
  const BlobSection sections[] = {p.ranges, p.names, p.input_scale, p.start,         p.lane_scale,    p.kept,
                                  p.w1,     p.w2,    p.start2,      p.golden_inputs, p.golden_outputs};
  for (const BlobSection& section : sections)
    for (uint64_t at = section.begin + section.bytes; at % 64 != 0; ++at)
      if (blob.bytes[at] != 0)
        return fail(error, TICKMLP_BLOB_RESERVED, "padding byte %llu is 0x%02x; expected 0",
                    static_cast<unsigned long long>(at), blob.bytes[at]);
  return TICKMLP_OK;
}

tickmlp_status check_finite(const Blob& blob, BlobSection section, const char* what, tickmlp_error* error) {
  const float* values = blob.floats(section);
  const uint64_t count = section.bytes / 4;
  uint32_t bad = 0;  // no early exit, so that the compiler makes vectors of it: 376 KB in a few microseconds
  for (uint64_t i = 0; i < count; ++i) bad |= !(std::fabs(values[i]) <= FLT_MAX);
  if (bad == 0) return TICKMLP_OK;
  uint64_t i = 0;
  while (std::fabs(values[i]) <= FLT_MAX) ++i;
  return fail(error, TICKMLP_BLOB_VALUE, "%s number %llu is %g; expected a finite float", what,
              static_cast<unsigned long long>(i), static_cast<double>(values[i]));
}

// The scale that a range gives: 127 / its largest magnitude, one step down where the product would pass 127.
float scale_of_range(float low, float high) {
  const float magnitude = std::fabs(low) > std::fabs(high) ? std::fabs(low) : std::fabs(high);
  const float scale = 127.0f / magnitude;
  return magnitude * scale > 127.0f ? std::nextafter(scale, 0.0f) : scale;
}

tickmlp_status check_features(const Blob& blob, tickmlp_error* error) {
  if (auto s = check_finite(blob, blob.plan.ranges, "range bound", error)) return s;
  const float* range = blob.floats(blob.plan.ranges);
  for (uint32_t f = 0; f < blob.header.feature_count; ++f)
    if (range[2 * f] > range[2 * f + 1] || (range[2 * f] == 0.0f && range[2 * f + 1] == 0.0f))
      return fail(error, TICKMLP_BLOB_VALUE, "range of feature %u is %g to %g; expected low <= high, not both 0", f,
                  static_cast<double>(range[2 * f]), static_cast<double>(range[2 * f + 1]));
  if (!blob.int8()) return TICKMLP_OK;
  const float* scale = blob.floats(blob.plan.input_scale);
  const uint8_t* kept = blob.bytes + blob.plan.kept.begin;
  for (uint32_t i = 0; i < blob.header.inputs; ++i) {
    if (blob.plan.kept.bytes != 0 && !(kept[i / 8] >> i % 8 & 1)) continue;
    const uint32_t f = i % blob.header.feature_count;
    const float expected = scale_of_range(range[2 * f], range[2 * f + 1]);
    const float seen = *scale++;
    if (!std::isnormal(seen) || seen != expected)
      return fail(error, TICKMLP_BLOB_VALUE, "input scale %u is %g; its range gives %g, and it must be a normal float",
                  i, static_cast<double>(seen), static_cast<double>(expected));
  }
  return TICKMLP_OK;
}

// Feature names: text, not empty, unique.
tickmlp_status check_names(const Blob& blob, tickmlp_error* error) {
  const auto* names = reinterpret_cast<const char*>(blob.bytes + blob.plan.names.begin);
  for (uint32_t f = 0; blob.header.feature_names && f < blob.header.feature_count; ++f) {
    if (auto s = check_text(names + 32 * f, 32, false, "feature name", error)) return s;
    for (uint32_t other = 0; other < f; ++other)
      if (std::strcmp(names + 32 * f, names + 32 * other) == 0)
        return fail(error, TICKMLP_BLOB_TEXT, "features %u and %u are both named %s; expected different names", other,
                    f, names + 32 * f);
  }
  return TICKMLP_OK;
}

// Padded lanes of every head: start 0, scale 1, no weights in layer 2 (layer 1 is looked at with its sums).
tickmlp_status check_lanes(const Blob& blob, tickmlp_error* error) {
  const auto* start = reinterpret_cast<const uint32_t*>(blob.bytes + blob.plan.start.begin);
  const float* scale = blob.floats(blob.plan.lane_scale);
  const float* w2 = blob.floats(blob.plan.w2);
  uint32_t lane = 0;
  for (uint32_t h = 0; h < blob.header.head_count; ++h) {
    for (uint32_t j = 0; j < blob.padded(h); ++j, ++lane) {
      const bool padding = j >= blob.heads[h].hidden;
      if (padding && start[lane] != 0)
        return fail(error, TICKMLP_BLOB_RESERVED, "padding lane %u of head %s has a start value; expected 0", j,
                    blob.heads[h].name);
      if (!blob.int8()) continue;
      if (!(scale[lane] > 0.0f) || !std::isnormal(scale[lane]) || (padding && scale[lane] != 1.0f))
        return fail(error, TICKMLP_BLOB_VALUE, "scale of lane %u of head %s is %g; expected %s", j, blob.heads[h].name,
                    static_cast<double>(scale[lane]), padding ? "1, it is padding" : "a positive normal float");
    }
    for (uint32_t k = 0; k < blob.heads[h].outputs; ++k, w2 += blob.padded(h))
      for (uint32_t j = blob.heads[h].hidden; j < blob.padded(h); ++j)
        if (w2[j] != 0.0f || std::signbit(w2[j]))
          return fail(error, TICKMLP_BLOB_RESERVED, "layer 2 of head %s has a weight for padding lane %u; expected 0",
                      blob.heads[h].name, j);
  }
  return TICKMLP_OK;
}

struct LaneSums {
  int32_t positive[kGroup], negative[kGroup];
  uint32_t low;  // whether a weight of -128 stands there
};

// One group of 16 lanes of one int8 tile.
LaneSums sum_group(const int8_t* weights, size_t stride, uint32_t inputs) {
  LaneSums sums = {};
  for (uint32_t quad = 0; quad < (inputs + 3) / 4; ++quad, weights += stride)
    for (uint32_t lane = 0; lane < kGroup; ++lane)
      for (uint32_t i = 0; i < 4; ++i) {
        const int32_t w = weights[lane * 4 + i];
        sums.positive[lane] += w > 0 ? w : 0;
        sums.negative[lane] += w < 0 ? w : 0;
        sums.low |= w == -128;
      }
  return sums;
}

// The largest magnitude that any partial sum of a lane can reach, in any order, with or without the start value.
uint64_t lane_bound(int32_t start, int32_t positive, int32_t negative) {
  const int64_t sums[] = {int64_t{255} * positive, int64_t{255} * negative, start + int64_t{255} * positive,
                          start + int64_t{255} * negative, start};
  int64_t bound = 0;
  for (int64_t sum : sums) bound = bound > std::abs(sum) ? bound : std::abs(sum);
  return static_cast<uint64_t>(bound);
}

// Inputs beyond the last, in the last quad of every group, must meet zeros.
tickmlp_status check_last_quad(const int8_t* quad, uint32_t inputs, tickmlp_error* error) {
  for (uint32_t i = inputs % 4; i != 0 && i < 4; ++i)
    for (uint32_t lane = 0; lane < kGroup; ++lane)
      if (quad[lane * 4 + i] != 0)
        return fail(error, TICKMLP_BLOB_RESERVED, "a weight beyond the last input is %d; expected 0",
                    quad[lane * 4 + i]);
  return TICKMLP_OK;
}

tickmlp_status check_int8_weights(const Blob& blob, tickmlp_error* error) {
  const uint32_t inputs = blob.plan.stored_inputs, quads = (inputs + 3) / 4;
  const uint32_t groups = blob.plan.lanes / kGroup, tiles = tile_count(groups);
  const auto* tile_weights = reinterpret_cast<const int8_t*>(blob.bytes + blob.plan.w1.begin);
  const auto* start = reinterpret_cast<const int32_t*>(blob.bytes + blob.plan.start.begin);
  uint64_t bound[kMaxHeads] = {};
  uint32_t group = 0, head = 0, in_head = 0;
  for (uint32_t tile = 0; tile < tiles; ++tile) {
    const uint32_t width = tile_groups(groups, tiles, tile);
    const size_t stride = static_cast<size_t>(width) * 64;
    for (uint32_t g = 0; g < width; ++g, ++group) {
      const int8_t* weights = tile_weights + g * 64;
      const LaneSums sums = sum_group(weights, stride, inputs);
      if (sums.low)
        return fail(error, TICKMLP_BLOB_VALUE, "a weight of head %s is -128; expected -127 to 127",
                    blob.heads[head].name);
      if (auto s = check_last_quad(weights + (quads - 1) * stride, inputs, error)) return s;
      for (uint32_t l = 0; l < kGroup; ++l) {
        if (in_head + l >= blob.heads[head].hidden && (sums.positive[l] | sums.negative[l]) != 0)
          return fail(error, TICKMLP_BLOB_RESERVED, "padding lane %u of head %s has weights; expected 0", in_head + l,
                      blob.heads[head].name);
        const uint64_t lane = lane_bound(start[group * kGroup + l], sums.positive[l], sums.negative[l]);
        if (lane > INT32_MAX)
          return fail(error, TICKMLP_BLOB_BOUND, "lane %u of head %s can reach %llu; int32 holds 2147483647",
                      in_head + l, blob.heads[head].name, static_cast<unsigned long long>(lane));
        bound[head] = bound[head] > lane ? bound[head] : lane;
      }
      in_head += kGroup;
      if (in_head == blob.padded(head)) ++head, in_head = 0;
    }
    tile_weights += stride * quads;
  }
  for (uint32_t h = 0; h < blob.header.head_count; ++h)
    if (bound[h] != blob.heads[h].accumulator_bound)
      return fail(error, TICKMLP_BLOB_BOUND, "accumulator bound of head %s is %u; its weights give %llu",
                  blob.heads[h].name, blob.heads[h].accumulator_bound, static_cast<unsigned long long>(bound[h]));
  return TICKMLP_OK;
}

tickmlp_status check_float32_weights(const Blob& blob, tickmlp_error* error) {
  if (auto s = check_finite(blob, blob.plan.start, "start value", error)) return s;
  if (auto s = check_finite(blob, blob.plan.w1, "layer-1 weight", error)) return s;
  // Padding lanes: only the last group of a head has them.
  const uint32_t groups = blob.plan.lanes / kGroup, tiles = tile_count(groups);
  const uint32_t* tile_weights = reinterpret_cast<const uint32_t*>(blob.bytes + blob.plan.w1.begin);
  uint32_t head = 0, in_head = 0;
  for (uint32_t tile = 0; tile < tiles; ++tile) {
    const uint32_t width = tile_groups(groups, tiles, tile);
    for (uint32_t g = 0; g < width; ++g) {
      const uint32_t real = blob.heads[head].hidden - in_head;
      for (uint32_t i = 0; real < kGroup && i < blob.plan.stored_inputs; ++i)
        for (uint32_t l = real; l < kGroup; ++l)
          if (tile_weights[(static_cast<size_t>(i) * width + g) * kGroup + l] != 0)
            return fail(error, TICKMLP_BLOB_RESERVED, "padding lane %u of head %s has weights; expected 0", in_head + l,
                        blob.heads[head].name);
      in_head += kGroup;
      if (in_head == blob.padded(head)) ++head, in_head = 0;
    }
    tile_weights += static_cast<size_t>(width) * kGroup * blob.plan.stored_inputs;
  }
  return TICKMLP_OK;
}

}  // namespace

// OpenSSL's one-shot SHA256() wants one stretch and its EVP interface takes 1 ms on its first call; the three-part
// calls are marked deprecated in 3.0 and are neither.
void sha256(const void* first, size_t first_count, const void* second, size_t second_count, uint8_t out[32]) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, first, first_count);
  if (second_count != 0) SHA256_Update(&context, second, second_count);
  SHA256_Final(out, &context);
#pragma GCC diagnostic pop
}

tickmlp_status verify_sections(const uint8_t* bytes, const BlobPlan& plan, tickmlp_error* error) {
  const Blob blob{bytes, *reinterpret_cast<const BlobHeader*>(bytes),
                  reinterpret_cast<const BlobHead*>(bytes + sizeof(BlobHeader)), plan};
  if (auto s = check_padding(blob, error)) return s;
  if (auto s = check_names(blob, error)) return s;
  if (auto s = verify_pruning(bytes, plan, error)) return s;
  if (auto s = check_features(blob, error)) return s;
  if (auto s = check_lanes(blob, error)) return s;
  if (auto s = blob.int8() ? check_int8_weights(blob, error) : check_float32_weights(blob, error)) return s;
  if (auto s = check_finite(blob, plan.w2, "layer-2 weight", error)) return s;
  if (auto s = check_finite(blob, plan.start2, "layer-2 start value", error)) return s;
  if (auto s = check_finite(blob, plan.golden_inputs, "golden input", error)) return s;
  return check_finite(blob, plan.golden_outputs, "golden output", error);
}

}  // namespace tickmlp
