// SPDX-License-Identifier: Apache-2.0
// `tickmlp shadow`: the report.
#include "swap/shadow.h"

#include <nlohmann/json.hpp>

#include "cli.h"
#include "model.h"
#include "output_file.h"
#include "report_frame.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

std::string table(const ShadowMeasurement& measured, const tickmlp_model_info& info, const ShadowOptions& options) {
  const tickmlp_shadow_figures& seen = measured.figures;
  std::string text = std::string(info.name) + ", " + dtype_name(info.type) + ", " + info.kernel + " on core " +
                     std::to_string(options.core) + ", shadow on core " + std::to_string(options.shadow_core) +
                     (options.core == options.shadow_core ? " TOO: no figure here means anything" : "") +
                     "; a call every " + with_commas(options.gap_ns) + " ns; " + std::to_string(measured.epochs) +
                     " epochs\n\n";
  std::vector<std::vector<std::string>> rows{heading({"p99 of alone (95 %)", "p99.9 of alone (95 %)"})};
  for (const TwoWays& row : measured.rows) {
    rows.push_back(cells(std::string(row.name) + ", alone", row.without));
    rows.push_back(cells(std::string(row.name) + ", with a shadow", row.with));
    rows.back().push_back(ratio(row.p99));
    rows.back().push_back(ratio(row.p99_9));
  }
  rows.push_back(cells("the copy, when the answer is out", measured.offer));
  rows.push_back(cells("the shadow's own calls", measured.candidate));
  const auto share = [&](std::uint64_t part) {
    return seen.compared == 0 ? std::string("-")
                              : fixed_point(100 * static_cast<double>(part) / static_cast<double>(seen.compared), 3);
  };
  return text + columns(rows, 2, 1) + "\nhanded over " + with_commas(seen.offered) + ", dropped " +
         with_commas(seen.dropped) + ", compared " + with_commas(seen.compared) + ", refused " +
         with_commas(seen.refused) + ": same bits " + share(seen.identical) + " %, same decisions " +
         share(seen.same_argmax) + " %,\nlargest difference of a probability " +
         fixed_point(seen.largest_probability_difference, 6) + ", of a value " +
         fixed_point(seen.largest_value_difference, 6) + "\nThe timer is in every figure.\n" +
         (measured.wrong == 0 ? "All " + with_commas(measured.compared) + " answers have the golden bits.\n"
                              : "WRONG RESULTS: " + with_commas(measured.wrong) + "\n");
}

std::string report_text(const ShadowMeasurement& measured, const tickmlp_model_info& info, const ShadowOptions& options,
                        const tickmlp_clock& clock) {
  const tickmlp_shadow_figures& seen = measured.figures;
  json paths = json::object();
  for (const TwoWays& row : measured.rows)
    paths[row.name] = {
        {"alone", figures(row.without)}, {"shadowed", figures(row.with)}, {"shadowed_of_alone", ratios_json(row)}};
  const ReportFrame frame{"tickmlp-shadow/0", options.command,    info, clock, measured.epochs,
                          measured.compared,  measured.wrong == 0};
  return json_text(report_json(frame, {{"core", options.core},
                                       {"shadow_core", options.shadow_core},
                                       {"gap_ns", options.gap_ns},
                                       {"paths", paths},
                                       {"offer", figures(measured.offer)},
                                       {"shadow",
                                        {{"calls", figures(measured.candidate)},
                                         {"offered", seen.offered},
                                         {"dropped", seen.dropped},
                                         {"compared", seen.compared},
                                         {"refused", seen.refused},
                                         {"identical", seen.identical},
                                         {"same_argmax", seen.same_argmax},
                                         {"largest_probability_difference", seen.largest_probability_difference},
                                         {"largest_value_difference", seen.largest_value_difference}}}}));
}

}  // namespace

int shadow(const ShadowOptions& given) {
  catch_interrupts();
  ShadowOptions options = given;
  choose_cores(&options.core, &options.shadow_core);
  if (!options.json.empty()) check_target(options.json, {options.blob, options.candidate});
  const tickmlp_clock clock = pin_and_calibrate(options.core);
  const Model model = load_model(options.blob, options.kernel);
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  const ShadowMeasurement measured = measure_shadow(options, clock);
  if (g_interrupt_signal != 0) throw Failure{128 + g_interrupt_signal, "interrupted; nothing was reported"};
  if (!options.json.empty()) write_atomically(options.json, {report_text(measured, info, options, clock)});
  print(table(measured, info, options));
  flush_output();
  return measured.wrong == 0 ? kPass : kFail;
}

}  // namespace tickmlp::bench
