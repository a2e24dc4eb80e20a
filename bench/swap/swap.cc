// SPDX-License-Identifier: Apache-2.0
// `tickmlp swap`: the report.
#include "swap/swap.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "cli.h"
#include "model.h"
#include "output_file.h"
#include "report_frame.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

std::string table(const SwapMeasurement& measured, const tickmlp_model_info& info, const SwapOptions& options) {
  std::string text = std::string(info.name) + ", " + dtype_name(info.type) + ", " + info.kernel + "; reader on core " +
                     std::to_string(options.core) + ", publisher on core " + std::to_string(options.publisher_core) +
                     (options.core == options.publisher_core ? " TOO: no figure here means anything" : "") + "\n" +
                     with_commas(measured.publications) + " publications at " + std::to_string(options.rate) +
                     " a second, each " + (options.load ? "loaded anew" : "loaded before") + " (" +
                     std::to_string(measured.refused) + " refused), " + std::to_string(measured.epochs) + " epochs\n\n";
  std::vector<std::vector<std::string>> rows{heading({"p99.9 of quiet (95 %)"})};
  rows.push_back(cells("full, without a slot", measured.plain));
  for (const TwoWays& row : measured.rows) {
    rows.push_back(cells(std::string(row.name) + ", quiet", row.without));
    rows.push_back(cells(std::string(row.name) + ", swapped", row.with));
    rows.back().push_back(ratio(row.p99_9));
  }
  rows.push_back(cells("first full call of a model", measured.first_full));
  if (measured.rows.size() > 1) rows.push_back(cells("first tick of a model, with reset", measured.first_tick));
  if (options.load) {
    rows.push_back(cells("publisher: load", measured.load));
    rows.push_back(cells("publisher: publish", measured.publish));
  } else {
    rows.push_back(cells("publisher: select", measured.select));
  }
  return text + columns(rows, 2, 1) + "\nreader: take, model stays: " + fixed_point(measured.take_ns, 2) +
         " ns, in groups of 1,000. The timer is in every other figure.\np99.9 of quiet: median of the epochs' "
         "ratios.\n" +
         (measured.wrong == 0 ? "All " + with_commas(measured.compared) + " outputs have the golden bits.\n"
                              : "WRONG RESULTS: " + with_commas(measured.wrong) + "\n");
}

std::string report_text(const SwapMeasurement& measured, const tickmlp_model_info& info, const SwapOptions& options,
                        const tickmlp_clock& clock) {
  json paths = json::object();
  for (const TwoWays& row : measured.rows)
    paths[row.name] = {
        {"quiet", figures(row.without)}, {"swapped", figures(row.with)}, {"swapped_of_quiet", ratios_json(row)}};
  const ReportFrame frame{"tickmlp-swap/0",  options.command,    info, clock, measured.epochs,
                          measured.compared, measured.wrong == 0};
  return json_text(report_json(
      frame, {{"core", options.core},
              {"publisher_core", options.publisher_core},
              {"rate_per_s", options.rate},
              {"publications", measured.publications},
              {"refused", measured.refused},
              {"without_slot", figures(measured.plain)},
              {"paths", paths},
              {"first_call", {{"full", figures(measured.first_full)}, {"tick", figures(measured.first_tick)}}},
              {"take_ns", std::round(measured.take_ns * 1000) / 1000},
              {"load_each", options.load},
              {"publisher",
               {{"load", figures(measured.load)},
                {"publish", figures(measured.publish)},
                {"select", figures(measured.select)}}}}));
}

}  // namespace

int swap(const SwapOptions& given) {
  catch_interrupts();
  SwapOptions options = given;
  choose_cores(&options.core, &options.publisher_core);
  if (!options.json.empty()) check_target(options.json, {options.blob});
  const tickmlp_clock clock = pin_and_calibrate(options.core);
  const Model model = load_model(options.blob, options.kernel);
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  const SwapMeasurement measured = measure_swaps(options, clock);
  if (g_interrupt_signal != 0) throw Failure{128 + g_interrupt_signal, "interrupted; nothing was reported"};
  if (!options.json.empty()) write_atomically(options.json, {report_text(measured, info, options, clock)});
  print(table(measured, info, options));
  flush_output();
  return measured.wrong == 0 ? kPass : kFail;
}

}  // namespace tickmlp::bench
