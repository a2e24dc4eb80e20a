// SPDX-License-Identifier: Apache-2.0
#include "report_frame.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "audit/box.h"
#include "measure/statistics.h"
#include "model.h"

namespace tickmlp::bench {

using nlohmann::json;

json report_json(const ReportFrame& frame, const json& more) {
  json report{{"schema", frame.schema},
              {"command", frame.command},
              {"machine", {{"cpu", Box().line("/proc/cpuinfo", "model name").value_or("unknown CPU")}}},
              {"model",
               {{"name", frame.model.name},
                {"dtype", dtype_name(frame.model.type)},
                {"blob_sha256", hexadecimal(frame.model.blob_sha256)},
                {"inputs", frame.model.inputs},
                {"lanes", frame.model.lanes},
                {"weight_bytes", frame.model.weight_bytes}}},
              {"kernel", frame.model.kernel},
              {"clock_step_ns", frame.clock.step_ns},
              {"epochs", frame.epochs},
              {"compared", frame.compared},
              {"equal_bits", frame.equal_bits}};
  report.update(more);
  return report;
}

json figures(const tickmlp_recorder& recorder) {
  if (recorder.count == 0) return nullptr;
  json out{{"count", recorder.count},
           {"min_ns", recorder.minimum},
           {"max_ns", recorder.maximum},
           {"central_ns", std::round(tickmlp_recorder_central(&recorder) * 100) / 100}};
  for (const Percentile& percentile : kPercentiles) {
    const auto figure = figure_of(recorder, percentile);
    out[percentile.field] = figure ? json(figure->value) : json();
  }
  return out;
}

std::string json_text(const json& document) {
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace tickmlp::bench
