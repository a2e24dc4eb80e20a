// SPDX-License-Identifier: Apache-2.0
// The first half of loading: is this a blob, whole, undamaged, and are its dimensions ones that we run?
#include <cmath>
#include <cstring>

#include "../kernels/contract.h"
#include "blob.h"
#include "error.h"

namespace tickmlp {
namespace {

// What a file that is no blob looks like, for the error message.
const char* looks_like(const uint8_t* bytes, uint64_t count) {
  const auto starts = [&](const char* prefix, size_t size) {
    return count >= size && std::memcmp(bytes, prefix, size) == 0;
  };
  if (starts("PK\3\4", 4)) return "a zip archive (a PyTorch checkpoint? export it with tools/weight_export)";
  if (starts("\x7f"
             "ELF",
             4))
    return "an ELF program";
  if (count >= 2 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5) return "a pickle";
  if (starts("\x93NUMPY", 6)) return "a NumPy .npy array";
  if (count >= 9 && bytes[8] == '{' && bytes[7] == 0 && bytes[6] == 0) return "a safetensors file";
  if (starts("\x89TMLP\n", 6)) return "a blob damaged by a text-mode transfer";
  return "nothing known";
}

tickmlp_status in_range(uint64_t value, uint64_t low, uint64_t high, const char* field, tickmlp_error* error) {
  if (value >= low && value <= high) return TICKMLP_OK;
  return fail(error, TICKMLP_BLOB_DIMENSION, "%s is %llu; expected %llu to %llu", field,
              static_cast<unsigned long long>(value), static_cast<unsigned long long>(low),
              static_cast<unsigned long long>(high));
}

template <size_t kSize>
bool all_zero(const uint8_t (&bytes)[kSize]) {
  uint8_t seen = 0;
  for (uint8_t byte : bytes) seen |= byte;
  return seen == 0;
}

bool is_figure(double value, double high) {
  return std::isfinite(value) && value >= 0.0 && value <= high && !std::signbit(value);
}

tickmlp_status check_head(const BlobHead& head, uint32_t element_type, tickmlp_error* error) {
  if (auto s = check_text(head.name, sizeof head.name, false, "head name", error)) return s;
  if (auto s = in_range(head.hidden, 1, kMaxHidden, "hidden units of a head", error)) return s;
  if (auto s = in_range(head.outputs, 1, kMaxHeadOutputs, "outputs of a head", error)) return s;
  if (head.activation > TICKMLP_SOFTMAX)
    return fail(error, TICKMLP_BLOB_TYPE, "head %s has activation %u; expected 0 (identity) or 1 (softmax)", head.name,
                head.activation);
  if (head.clamp_low != 0.0f || std::signbit(head.clamp_low))
    return fail(error, TICKMLP_BLOB_VALUE, "head %s has a lower clamp bound of %g; expected 0", head.name,
                static_cast<double>(head.clamp_low));
  if (!(head.clamp_high > 0.0f))
    return fail(error, TICKMLP_BLOB_VALUE, "head %s has an upper clamp bound of %g; expected more than 0", head.name,
                static_cast<double>(head.clamp_high));
  if (element_type == TICKMLP_FLOAT32 && head.accumulator_bound != 0)
    return fail(error, TICKMLP_BLOB_BOUND, "head %s of a float32 model has accumulator bound %u; expected 0", head.name,
                head.accumulator_bound);
  if (head.reserved0 != 0 || !all_zero(head.reserved1))
    return fail(error, TICKMLP_BLOB_RESERVED, "head %s has a reserved byte that is not 0", head.name);
  const double large = 1e300;
  const bool figures = is_figure(head.largest_error, large) && is_figure(head.mean_error, large) &&
                       is_figure(head.output_magnitude, large) && is_figure(head.argmax_agreement, 1) &&
                       is_figure(head.argmax_low, 1) && is_figure(head.argmax_high, 1);
  if (!figures)
    return fail(error, TICKMLP_BLOB_VALUE,
                "head %s has an accuracy figure that is negative, above its range or not finite", head.name);
  return TICKMLP_OK;
}

tickmlp_status check_structure_hash(const BlobHeader& header, const BlobHead* heads, tickmlp_error* error) {
  const uint64_t expected = structure_hash(header, heads);
  if (expected == header.structure_hash) return TICKMLP_OK;
  return fail(error, TICKMLP_BLOB_STRUCTURE, "structure hash is %016llx; the dimensions give %016llx",
              static_cast<unsigned long long>(header.structure_hash), static_cast<unsigned long long>(expected));
}

}  // namespace

uint64_t structure_hash(const BlobHeader& header, const BlobHead* heads) {
  uint32_t words[4 + 4 * kMaxHeads] = {header.inputs, header.window_rows, header.window_columns, header.head_count};
  for (uint32_t h = 0; h < header.head_count; ++h) {
    uint32_t* word = words + 4 + 4 * h;
    word[0] = heads[h].hidden;
    word[1] = heads[h].outputs;
    word[2] = heads[h].activation;
    std::memcpy(word + 3, &heads[h].clamp_high, 4);
  }
  uint8_t digest[32];
  sha256(words, (4 + 4 * header.head_count) * sizeof(uint32_t), nullptr, 0, digest);
  uint64_t hash;
  std::memcpy(&hash, digest, 8);
  return hash;
}

tickmlp_status check_text(const char* text, size_t size, bool may_be_empty, const char* field, tickmlp_error* error) {
  size_t length = 0;
  while (length < size && text[length] != 0) ++length;
  if (length == size)
    return fail(error, TICKMLP_BLOB_TEXT, "%s fills all %zu bytes; expected a NUL at its end", field, size);
  for (size_t i = length; i < size; ++i)
    if (text[i] != 0)
      return fail(error, TICKMLP_BLOB_TEXT, "%s has byte 0x%02x after its NUL; expected only zeros", field,
                  static_cast<uint8_t>(text[i]));
  if (length == 0 && !may_be_empty) return fail(error, TICKMLP_BLOB_TEXT, "%s is empty; expected a name", field);
  for (size_t i = 0; i < length;) {  // UTF-8 without control characters; continuation bytes 10xxxxxx
    const auto lead = static_cast<uint8_t>(text[i]);
    const size_t more = lead < 0x80                   ? 0
                        : lead >= 0xC2 && lead < 0xE0 ? 1
                        : lead >= 0xE0 && lead < 0xF0 ? 2
                        : lead >= 0xF0 && lead < 0xF5 ? 3
                                                      : 4;
    bool good = more < 4 && lead >= 0x20 && lead != 0x7F && i + more < length;
    for (size_t k = 1; good && k <= more; ++k) good = (static_cast<uint8_t>(text[i + k]) & 0xC0) == 0x80;
    if (!good)
      return fail(error, TICKMLP_BLOB_TEXT, "%s has byte 0x%02x at %zu; expected UTF-8 without control characters",
                  field, lead, i);
    i += more + 1;
  }
  return TICKMLP_OK;
}

tickmlp_status verify_header(const uint8_t* bytes, uint64_t count, tickmlp_error* error) {
  const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  BlobHeader header = {};
  if (count > 0) std::memcpy(&header, bytes, count < sizeof header ? count : sizeof header);
  if (std::memcmp(header.magic, kBlobMagic, sizeof kBlobMagic) != 0)
    return fail(error, TICKMLP_BLOB_MAGIC,
                "the file starts %02x %02x %02x %02x and looks like %s; expected a tickmlp blob (89 54 4d 4c)",
                header.magic[0], header.magic[1], header.magic[2], header.magic[3], looks_like(bytes, count));
  if (count < sizeof header)
    return fail(error, TICKMLP_BLOB_TRUNCATED, "the file has %llu bytes; a blob's header alone has 512", number(count));
  if (header.format_version != kBlobVersion) {
    const char* why = header.format_version == __builtin_bswap32(kBlobVersion) ? "the bytes are swapped"
                      : header.format_version > kBlobVersion                   ? "it was written by a newer exporter"
                                                                               : "no such version was ever written";
    return fail(error, TICKMLP_BLOB_VERSION, "format version is %u, %s; this library reads version %u",
                header.format_version, why, kBlobVersion);
  }
  if (count < header.file_bytes)
    return fail(error, TICKMLP_BLOB_TRUNCATED, "the file has %llu bytes; its header says %llu", number(count),
                number(header.file_bytes));
  if (count > header.file_bytes)
    return fail(error, TICKMLP_BLOB_TRAILING, "the file has %llu bytes; its header says %llu", number(count),
                number(header.file_bytes));
  uint8_t digest[32];
  const size_t after = offsetof(BlobHeader, digest) + sizeof header.digest;
  sha256(bytes, offsetof(BlobHeader, digest), bytes + after, count - after, digest);
  if (std::memcmp(digest, header.digest, sizeof digest) != 0)
    return fail(
        error, TICKMLP_BLOB_DIGEST,
        "the SHA-256 of the contents starts %02x%02x%02x%02x; the header says %02x%02x%02x%02x: the file is damaged",
        digest[0], digest[1], digest[2], digest[3], header.digest[0], header.digest[1], header.digest[2],
        header.digest[3]);
  return TICKMLP_OK;
}

// Sections follow one another, each padded to 64 bytes.
static BlobSection place(uint64_t* end, uint64_t bytes) {
  const BlobSection section{*end, bytes};
  *end += (bytes + 63) / 64 * 64;
  return section;
}

tickmlp_status plan_blob(const BlobHeader& header, const BlobHead* heads, BlobPlan* plan, tickmlp_error* error) {
  if (header.element_type != TICKMLP_INT8 && header.element_type != TICKMLP_FLOAT32)
    return fail(error, TICKMLP_BLOB_TYPE, "element type is %u; expected 1 (int8) or 2 (float32)", header.element_type);
  const bool pruned = header.layout == kPrunedLayout;
  if (header.layout != kBlobLayout && !pruned)
    return fail(error, TICKMLP_BLOB_LAYOUT, "weight layout is %u; expected %u, or %u for a pruned model", header.layout,
                kBlobLayout, kPrunedLayout);
  if (auto s = in_range(header.inputs, 1, kMaxInputs, "number of inputs", error)) return s;
  if (!pruned && header.kept_inputs != 0)
    return fail(error, TICKMLP_BLOB_RESERVED, "kept_inputs is %u; expected 0 with layout 1", header.kept_inputs);
  if (pruned)
    if (auto s = in_range(header.kept_inputs, 2, header.inputs - 1, "number of kept inputs", error)) return s;
  if (auto s = in_range(header.head_count, 1, kMaxHeads, "number of heads", error)) return s;
  const bool window = header.window_rows != 0 || header.window_columns != 0;
  if (window && static_cast<uint64_t>(header.window_rows) * header.window_columns != header.inputs)
    return fail(error, TICKMLP_BLOB_DIMENSION, "window is %u x %u; expected a product of %u inputs", header.window_rows,
                header.window_columns, header.inputs);
  const uint32_t features = window ? header.window_columns : header.inputs;
  if (header.feature_count != features)
    return fail(error, TICKMLP_BLOB_DIMENSION, "feature count is %u; expected %u", header.feature_count, features);
  if (header.feature_names > 1)
    return fail(error, TICKMLP_BLOB_DIMENSION, "feature_names is %u; expected 0 or 1", header.feature_names);
  if (header.golden_count != kGoldenCount)
    return fail(error, TICKMLP_BLOB_DIMENSION, "%u golden vectors; expected %u", header.golden_count, kGoldenCount);
  if (header.reserved0 != 0 || !all_zero(header.reserved1))
    return fail(error, TICKMLP_BLOB_RESERVED, "a reserved byte of the header is not 0");
  if (auto s = check_text(header.name, sizeof header.name, false, "model name", error)) return s;
  if (auto s = check_text(header.run_id, sizeof header.run_id, true, "run id", error)) return s;
  if (auto s = check_text(header.exporter, sizeof header.exporter, false, "exporter", error)) return s;

  uint64_t end = sizeof(BlobHeader) + static_cast<uint64_t>(header.head_count) * sizeof(BlobHead);
  if (header.file_bytes < end)
    return fail(error, TICKMLP_BLOB_DIMENSION, "%u head records do not fit into %llu bytes", header.head_count,
                static_cast<unsigned long long>(header.file_bytes));
  *plan = {};
  uint64_t w2_floats = 0;
  for (uint32_t h = 0; h < header.head_count; ++h) {
    if (auto s = check_head(heads[h], header.element_type, error)) return s;
    for (uint32_t other = 0; other < h; ++other)
      if (std::strcmp(heads[h].name, heads[other].name) == 0)
        return fail(error, TICKMLP_BLOB_TEXT, "two heads are named %s; expected different names", heads[h].name);
    const uint32_t padded = round_up(heads[h].hidden, kGroup);
    plan->lanes += padded;
    plan->outputs += heads[h].outputs;
    w2_floats += static_cast<uint64_t>(padded) * heads[h].outputs;
  }
  if (auto s = in_range(plan->lanes, 1, kMaxLanes, "hidden lanes of all heads", error)) return s;
  if (auto s = check_structure_hash(header, heads, error)) return s;

  const bool int8 = header.element_type == TICKMLP_INT8;
  const uint32_t stored = plan->stored_inputs = pruned ? header.kept_inputs : header.inputs;
  const uint64_t w1_bytes =
      int8 ? static_cast<uint64_t>(round_up(stored, 4)) * plan->lanes : UINT64_C(4) * stored * plan->lanes;
  plan->ranges = place(&end, UINT64_C(8) * features);
  plan->names = place(&end, header.feature_names ? UINT64_C(32) * features : 0);
  plan->input_scale = place(&end, int8 ? UINT64_C(4) * stored : 0);
  plan->start = place(&end, UINT64_C(4) * plan->lanes);
  plan->lane_scale = place(&end, int8 ? UINT64_C(4) * plan->lanes : 0);
  plan->kept = place(&end, pruned ? (header.inputs + 7) / 8 : 0);
  plan->w1 = place(&end, w1_bytes);
  plan->w2 = place(&end, 4 * w2_floats);
  plan->start2 = place(&end, UINT64_C(4) * plan->outputs);
  plan->golden_inputs = place(&end, UINT64_C(4) * kGoldenCount * header.inputs);
  plan->golden_outputs = place(&end, UINT64_C(4) * kGoldenCount * plan->outputs);
  plan->file_bytes = end;
  if (end != header.file_bytes)
    return fail(error, TICKMLP_BLOB_DIMENSION, "the dimensions make a file of %llu bytes; the header says %llu",
                static_cast<unsigned long long>(end), static_cast<unsigned long long>(header.file_bytes));
  return TICKMLP_OK;
}

tickmlp_status verify_blob(const uint8_t* bytes, uint64_t count, BlobPlan* plan, tickmlp_error* error) {
  if (auto s = verify_header(bytes, count, error)) return s;
  const auto* header = reinterpret_cast<const BlobHeader*>(bytes);
  const auto* heads = reinterpret_cast<const BlobHead*>(bytes + sizeof(BlobHeader));
  if (auto s = plan_blob(*header, heads, plan, error)) return s;
  return verify_sections(bytes, *plan, error);
}

}  // namespace tickmlp
