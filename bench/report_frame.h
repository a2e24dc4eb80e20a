// SPDX-License-Identifier: Apache-2.0
// What the JSON of every command that times one model begins with.
#ifndef TICKMLP_BENCH_REPORT_FRAME_H_
#define TICKMLP_BENCH_REPORT_FRAME_H_
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tickmlp.h"

namespace tickmlp::bench {

struct ReportFrame {
  const char* schema;  // "tickmlp-swap/0"
  const std::string& command;
  const tickmlp_model_info& model;
  const tickmlp_clock& clock;
  std::uint64_t epochs, compared;  // outputs that were compared with the golden ones
  bool equal_bits;                 // and none of them differed
};

// {schema, command, machine: {cpu}, model: {name, dtype, blob_sha256, inputs, lanes, weight_bytes}, kernel,
// clock_step_ns, epochs, compared, equal_bits}, and `more` beside it.
nlohmann::json report_json(const ReportFrame& frame, const nlohmann::json& more);

// {count, min_ns, max_ns, central_ns, p50_ns ... p99_999_ns}, a percentile null where the samples are too few; null
// while empty.
nlohmann::json figures(const tickmlp_recorder& recorder);

// Two blanks a level and a newline at the end; bytes that are no UTF-8 become U+FFFD.
std::string json_text(const nlohmann::json& document);

}  // namespace tickmlp::bench
#endif
