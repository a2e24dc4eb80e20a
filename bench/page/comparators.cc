// SPDX-License-Identifier: Apache-2.0
// What was compared: the outputs with a float32 model, the times with other systems.
#include "page/html.h"
#include "page/page.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

std::string significant(const json& value, double unit) {
  const auto seen = number(value);
  if (!seen) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", *seen / unit);
  return text;
}

std::string percent(const json& millionths) {
  const auto seen = number(millionths);
  if (!seen) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.2f %%", *seen / 1e4);
  return text;
}

void add_heads(const json& heads, const std::string& against, std::vector<std::vector<std::string>>* rows) {
  for (const json& head : heads)
    rows->push_back({shown(field(head, "name")), against, shown(field(head, "activation")),
                     significant(field(head, "largest_error_ppb"), 1e9), percent(field(head, "argmax_agreement_ppm"))});
}

}  // namespace

std::string accuracy_part(const json& document) {
  const json &stored = field(document, "model", "accuracy"), &reference = field(document, "correctness", "reference");
  std::vector<std::vector<std::string>> rows;
  add_heads(field(reference, "heads"), "in this run, " + shown(field(reference, "states")) + " states", &rows);
  add_heads(field(stored, "heads"), "by the exporter, " + shown(field(stored, "states")) + " states", &rows);
  if (rows.empty()) return "";
  std::string text =
      "Largest error of a probability, and of a value relative to the largest magnitude of that head’s values.";
  if (reference.is_object())
    text += " In this run against " + shown(field(reference, "name")) + ", float32, SHA-256 " +
            element("span", "value", shown(field(reference, "blob_sha256"))) + ".";
  else
    text +=
        " Not compared with a float32 model in this run: " + shown(field(document, "correctness", "why_not_compared")) +
        ".";
  if (field(reference, "same_source") == false)
    text += element("strong", "", " That model was exported from another source than this one.");
  return section("accuracy", "Errors against float32",
                 element("p", "", text) + table("Errors against float32",
                                                {"head", "measured", "activation", "largest error", "argmax agreement"},
                                                rows, "plain numbers"));
}

std::string comparators_part(const json& document) {
  std::vector<std::vector<std::string>> rows;
  for (const json& other : field(document, "comparators"))
    rows.push_back({shown(field(other, "system")) + element("small", "", shown(field(other, "version"))),
                    shown(field(other, "dtype")), shown_time(field(other, "central_ns")),
                    shown_time(field(other, "p50_ns")), shown_time(field(other, "p99_ns")),
                    shown_time(field(other, "p99_9_ns")), shown(field(other, "count")),
                    element("b", "", significant(field(other, "ratio_to_full"), 1)),
                    significant(field(other, "largest_difference_ppb"), 1e9)});
  std::string skipped;
  for (const json& one : field(document, "comparators_skipped"))
    skipped += element("li", "", shown(field(one, "system")) + ": " + shown(field(one, "why"))) + "\n";
  if (rows.empty() && skipped.empty()) return "";
  std::string out =
      element("p", "",
              "<strong>The same model and states in other systems,</strong> timed in turns with ours, back "
              "to back. Outputs were compared first. The ratio is to the full path’s central, the timer "
              "taken off both.");
  if (!rows.empty())
    out += table("Other systems",
                 {"system", "type", "central", "p50", "p99", "p99.9", "calls", "× full path", "largest difference"},
                 rows, "plain numbers");
  if (!skipped.empty()) out += element("p", "", "Left out:") + element("ul", "", skipped);
  return section("comparators", "Other systems in the same run", out);
}

}  // namespace tickmlp::bench
