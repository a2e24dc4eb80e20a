// SPDX-License-Identifier: Apache-2.0
// The blob's bytes: docs/BLOB_FORMAT.md in C++. tools/weight_export/layout.py is its mirror; a test compares them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tickmlp.h"

namespace tickmlp {

inline constexpr uint8_t kBlobMagic[8] = {0x89, 'T', 'M', 'L', 'P', 0x0D, 0x0A, 0x1A};
inline constexpr uint32_t kBlobVersion = 1;
inline constexpr uint32_t kBlobLayout = 1;
inline constexpr uint32_t kPrunedLayout = 2;
inline constexpr uint32_t kLeastDropped = 4096;  // bytes of weights: what a pruned model lacks
inline constexpr uint32_t kLeastDroppedAnInput = 32;
inline constexpr uint32_t kGoldenCount = 8;
inline constexpr uint64_t kMaxBlobBytes = UINT64_C(256) << 20;

struct BlobHeader {
  uint8_t magic[8];
  uint32_t format_version;
  uint32_t element_type;
  uint64_t file_bytes;
  uint32_t layout;
  uint32_t inputs;
  uint32_t window_rows;
  uint32_t window_columns;
  uint32_t feature_count;
  uint32_t feature_names;
  uint32_t head_count;
  uint32_t golden_count;
  uint64_t generation;
  uint64_t structure_hash;
  uint64_t accuracy_states;
  uint64_t clipped_inputs;
  uint64_t reserved0;
  uint8_t digest[32];
  uint8_t source_sha256[32];
  char name[64];
  char run_id[64];
  char exporter[32];
  uint8_t calibration_sha256[32];
  uint32_t kept_inputs;
  uint8_t reserved1[156];
};
static_assert(sizeof(BlobHeader) == 512);
static_assert(offsetof(BlobHeader, format_version) == 8);
static_assert(offsetof(BlobHeader, element_type) == 12);
static_assert(offsetof(BlobHeader, file_bytes) == 16);
static_assert(offsetof(BlobHeader, layout) == 24);
static_assert(offsetof(BlobHeader, inputs) == 28);
static_assert(offsetof(BlobHeader, window_rows) == 32);
static_assert(offsetof(BlobHeader, window_columns) == 36);
static_assert(offsetof(BlobHeader, feature_count) == 40);
static_assert(offsetof(BlobHeader, feature_names) == 44);
static_assert(offsetof(BlobHeader, head_count) == 48);
static_assert(offsetof(BlobHeader, golden_count) == 52);
static_assert(offsetof(BlobHeader, generation) == 56);
static_assert(offsetof(BlobHeader, structure_hash) == 64);
static_assert(offsetof(BlobHeader, accuracy_states) == 72);
static_assert(offsetof(BlobHeader, clipped_inputs) == 80);
static_assert(offsetof(BlobHeader, reserved0) == 88);
static_assert(offsetof(BlobHeader, digest) == 96);
static_assert(offsetof(BlobHeader, source_sha256) == 128);
static_assert(offsetof(BlobHeader, name) == 160);
static_assert(offsetof(BlobHeader, run_id) == 224);
static_assert(offsetof(BlobHeader, exporter) == 288);
static_assert(offsetof(BlobHeader, calibration_sha256) == 320);
static_assert(offsetof(BlobHeader, kept_inputs) == 352);
static_assert(offsetof(BlobHeader, reserved1) == 356);

struct BlobHead {
  char name[32];
  uint32_t hidden;
  uint32_t outputs;
  uint32_t activation;
  float clamp_low;
  float clamp_high;
  uint32_t accumulator_bound;
  uint64_t reserved0;
  double largest_error;
  double mean_error;
  double argmax_agreement;
  double argmax_low;
  double argmax_high;
  double output_magnitude;
  uint8_t reserved1[16];
};
static_assert(sizeof(BlobHead) == 128);
static_assert(offsetof(BlobHead, hidden) == 32);
static_assert(offsetof(BlobHead, outputs) == 36);
static_assert(offsetof(BlobHead, activation) == 40);
static_assert(offsetof(BlobHead, clamp_low) == 44);
static_assert(offsetof(BlobHead, clamp_high) == 48);
static_assert(offsetof(BlobHead, accumulator_bound) == 52);
static_assert(offsetof(BlobHead, reserved0) == 56);
static_assert(offsetof(BlobHead, largest_error) == 64);
static_assert(offsetof(BlobHead, mean_error) == 72);
static_assert(offsetof(BlobHead, argmax_agreement) == 80);
static_assert(offsetof(BlobHead, argmax_low) == 88);
static_assert(offsetof(BlobHead, argmax_high) == 96);
static_assert(offsetof(BlobHead, output_magnitude) == 104);
static_assert(offsetof(BlobHead, reserved1) == 112);

struct BlobSection {
  uint64_t begin, bytes;  // bytes without the zero padding to 64; 0 where the section is absent
};

// Where everything lies: a function of the header's dimensions alone.
struct BlobPlan {
  uint32_t lanes, outputs;
  uint32_t stored_inputs;  // rows of w1: all inputs, or those kept
  BlobSection ranges, names, input_scale, start, lane_scale, kept, w1, w2, start2, golden_inputs, golden_outputs;
  uint64_t file_bytes;
};

// Checks dimensions and fills the plan. `count` is the true size of the file. Errors: see tickmlp.h, each BLOB_*.
tickmlp_status verify_header(const uint8_t* bytes, uint64_t count, tickmlp_error* error);
tickmlp_status plan_blob(const BlobHeader& header, const BlobHead* heads, BlobPlan* plan, tickmlp_error* error);
// Everything behind the header: padding, scales, weights, the proof that int32 cannot overflow.
tickmlp_status verify_sections(const uint8_t* bytes, const BlobPlan& plan, tickmlp_error* error);
// The part of it that is about pruning: is the model stored pruned if and only if it has to be, with the right rows?
tickmlp_status verify_pruning(const uint8_t* bytes, const BlobPlan& plan, tickmlp_error* error);
// All of it, in order: header, digest, dimensions, sections. `bytes` is 8-byte aligned.
tickmlp_status verify_blob(const uint8_t* bytes, uint64_t count, BlobPlan* plan, tickmlp_error* error);

// Whether a model is stored without its unread inputs: `between` are those after the first and before the last input
// that is needed. The others cost nothing, since layer 1 begins and ends where its weights do.
constexpr bool is_stored_pruned(uint32_t inputs, uint32_t between, uint64_t row_bytes) {
  const uint64_t dropped = between * row_bytes;
  return dropped >= kLeastDropped && dropped >= kLeastDroppedAnInput * inputs;
}

// The hash that the header's and heads' dimensions give. head_count is at most 16.
uint64_t structure_hash(const BlobHeader& header, const BlobHead* heads);

// A text field: UTF-8, no control characters, NUL up to its size. Error: BLOB_TEXT.
tickmlp_status check_text(const char* text, size_t size, bool may_be_empty, const char* field, tickmlp_error* error);

// SHA-256 of two stretches, one after the other.
void sha256(const void* first, size_t first_count, const void* second, size_t second_count, uint8_t out[32]);

}  // namespace tickmlp
