// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "cli.h"
#include "text_table.h"
#include "watch/watch.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

const char* event_name(tickmlp_watch_event event) {
  switch (event) {
    case TICKMLP_WATCH_SAME: return "same";
    case TICKMLP_WATCH_TAKEN: return "taken";
    case TICKMLP_WATCH_REFUSED: return "refused";
  }
  return "unknown";
}

std::string drift_text(const tickmlp_drift& drift) {
  return "over " + std::to_string(drift.states) + " golden inputs: probability " + fixed_point(drift.probability, 6) +
         ", value " + fixed_point(drift.value, 6) + ", argmax agreement " + fixed_point(drift.argmax, 4);
}

}  // namespace

std::string watch_report_text(const tickmlp_watch_report& report) {
  const bool refused = report.error.status != TICKMLP_OK;
  std::string text = utc_now() + "  " + (refused ? "refused" : event_name(report.event));
  text += "  " + (report.file[0] != '\0' ? printable(report.file) : "current");
  if (report.rollback) text += ", a rollback";
  if (report.has_signature) text += ", signed";
  text += "\n";
  if (refused)
    text +=
        std::string("  ") + tickmlp_status_name(report.error.status) + ": " + printable(report.error.message) + "\n";
  if (report.drift.states != 0) text += "  " + drift_text(report.drift) + "\n";
  if (report.running != 0) text += "  running: generation " + std::to_string(report.running) + "\n";
  return text + "  took " + fixed_point(static_cast<double>(report.took_ns) / 1e6, 3) + " ms\n";
}

std::string watch_report_json(const std::string& folder, const tickmlp_watch_report& report) {
  json out = {{"schema", "tickmlp-watch/1"},
              {"folder", printable(folder)},
              {"event", event_name(report.event)},
              {"status", tickmlp_status_name(report.error.status)},
              {"message", printable(report.error.message)},
              {"file", printable(report.file)},
              {"generation", report.generation},
              {"running", report.running != 0 ? json(report.running) : json()},
              {"rollback", report.rollback != 0},
              {"signature", report.has_signature != 0},
              {"drift", nullptr},
              {"looked_at_ns", report.looked_at_ns},
              {"took_ns", report.took_ns},
              {"looks", report.looks},
              {"taken", report.taken},
              {"refused", report.refused}};
  if (report.drift.states != 0)
    out["drift"] = {{"states", report.drift.states},
                    {"probability", report.drift.probability},
                    {"value", report.drift.value},
                    {"argmax", report.drift.argmax}};
  return out.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace tickmlp::bench
