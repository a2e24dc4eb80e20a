// SPDX-License-Identifier: Apache-2.0
// `tickmlp kernels` and `tickmlp inspect`: what there is, and what a blob says of itself.
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli.h"
#include "commands.h"
#include "model.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;
using Rows = std::vector<std::vector<std::string>>;

void print_json(const json& value) { print(value.dump(2, ' ', false, json::error_handler_t::replace) + "\n"); }

std::vector<tickmlp_kernel_info> all_kernels() {
  std::vector<tickmlp_kernel_info> kernels(tickmlp_kernel_count());
  for (std::size_t i = 0; i < kernels.size(); ++i) tickmlp_kernel_get(i, &kernels[i]);
  return kernels;
}

const char* activation_name(tickmlp_activation activation) {
  return activation == TICKMLP_SOFTMAX ? "softmax" : "identity";
}

std::vector<tickmlp_head_info> all_heads(const tickmlp_model* model, const tickmlp_model_info& info) {
  std::vector<tickmlp_head_info> heads(info.heads);
  for (std::uint32_t i = 0; i < info.heads; ++i) tickmlp_model_head(model, i, &heads[i]);
  return heads;
}

struct Feature {
  const char* name = "";
  float low = 0, high = 0;
};
std::vector<Feature> all_features(const tickmlp_model* model, const tickmlp_model_info& info) {
  std::vector<Feature> features(info.feature_count);
  for (std::uint32_t i = 0; i < info.feature_count; ++i)
    tickmlp_model_feature(model, i, &features[i].name, &features[i].low, &features[i].high);
  return features;
}

json head_json(const tickmlp_head_info& head) {
  return {{"name", head.name},
          {"hidden", head.hidden},
          {"outputs", head.outputs},
          {"output_begin", head.output_begin},
          {"activation", activation_name(head.activation)},
          {"clamp", json::array({head.clamp_low, std::isfinite(head.clamp_high) ? json(head.clamp_high) : json()})}};
}

json accuracy_json(const tickmlp_model_info& info, const std::vector<tickmlp_head_info>& heads) {
  json list = json::array();
  for (const tickmlp_head_info& head : heads)
    list.push_back({{"name", head.name},
                    {"largest_error", head.largest_error},
                    {"mean_error", head.mean_error},
                    {"argmax_agreement", head.argmax_agreement},
                    {"argmax_low", head.argmax_low},
                    {"argmax_high", head.argmax_high},
                    {"output_magnitude", head.output_magnitude}});
  return {{"states", info.accuracy_states}, {"clipped_inputs", info.clipped_inputs}, {"heads", list}};
}

json model_json(const tickmlp_model* model, const tickmlp_model_info& info) {
  json heads = json::array(), features = json::array(), window;
  for (const tickmlp_head_info& head : all_heads(model, info)) heads.push_back(head_json(head));
  for (const Feature& feature : all_features(model, info))
    features.push_back({{"name", feature.name}, {"low", feature.low}, {"high", feature.high}});
  if (info.window_rows != 0) window = {{"rows", info.window_rows}, {"columns", info.window_columns}};
  char structure[24];
  std::snprintf(structure, sizeof structure, "%016llx", static_cast<unsigned long long>(info.structure_hash));
  return {{"name", info.name},
          {"dtype", dtype_name(info.type)},
          {"inputs", info.inputs},
          {"kept_inputs", info.kept_inputs},
          {"outputs", info.outputs},
          {"lanes", info.lanes},
          {"window", window},
          {"heads", heads},
          {"features", features},
          {"generation", info.generation},
          {"run_id", info.run_id},
          {"exporter", info.exporter},
          {"kernel", info.kernel},
          {"structure_hash", structure},
          {"blob_bytes", info.blob_bytes},
          {"weight_bytes", info.weight_bytes},
          {"blob_sha256", hexadecimal(info.blob_sha256)},
          {"source_sha256", hexadecimal(info.source_sha256)},
          {"calibration_sha256", hexadecimal(info.calibration_sha256)},
          {"accuracy", accuracy_json(info, all_heads(model, info))},
          {"lock", lock_name(info.lock)},
          {"owned_by_other", info.owned_by_other != 0}};
}

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

Rows head_rows(const std::vector<tickmlp_head_info>& heads) {
  Rows rows{
      {"head", "hidden", "outputs", "activation", "clamp", "largest error", "mean error", "argmax agreement (95 %)"}};
  for (const tickmlp_head_info& head : heads)
    rows.push_back(
        {printable(head.name), std::to_string(head.hidden), std::to_string(head.outputs),
         activation_name(head.activation),
         shown(head.clamp_low) + " .. " + (std::isfinite(head.clamp_high) ? shown(head.clamp_high) : "no bound"),
         shown(head.largest_error), shown(head.mean_error),
         head.outputs == 1
             ? "-"
             : shown(head.argmax_agreement) + " (" + shown(head.argmax_low) + " .. " + shown(head.argmax_high) + ")"});
  return rows;
}

std::string model_text(const tickmlp_model* model, const tickmlp_model_info& info) {
  const std::string window = info.window_rows == 0 ? "none"
                                                   : std::to_string(info.window_rows) + " rows x " +
                                                         std::to_string(info.window_columns) + " columns, newest last";
  const std::string kept = info.kept_inputs == info.inputs
                               ? "all"
                               : std::to_string(info.kept_inputs) + ", the others are pruned: no lane reads them";
  const Rows facts{
      {"type", dtype_name(info.type)},
      {"inputs", std::to_string(info.inputs) + ", window: " + window},
      {"kept inputs", kept},
      {"outputs", std::to_string(info.outputs) + " from " + std::to_string(info.heads) + " heads"},
      {"hidden lanes", std::to_string(info.lanes) + ", " + with_commas(info.weight_bytes) + " weight bytes"},
      {"generation", std::to_string(info.generation) + ", training run \"" + printable(info.run_id) + "\""},
      {"exporter", printable(info.exporter)},
      {"blob", with_commas(info.blob_bytes) + " bytes, sha256 " + hexadecimal(info.blob_sha256)},
      {"source", "sha256 " + hexadecimal(info.source_sha256)},
      {"kernel here", info.kernel},
      {"memory here", lock_name(info.lock)},
      {"file owner", info.owned_by_other ? "ANOTHER USER, neither this one nor root" : "this user or root"},
      {"accuracy over",
       with_commas(info.accuracy_states) + " states, " + with_commas(info.clipped_inputs) + " inputs clipped"}};
  Rows features{{"feature", "lowest", "highest"}};
  const auto all = all_features(model, info);
  for (std::size_t i = 0; i < all.size(); ++i)
    features.push_back({all[i].name[0] != '\0' ? printable(all[i].name) : "#" + std::to_string(i), shown(all[i].low),
                        shown(all[i].high)});
  return printable(info.name) + "\n" + columns(facts, 2, 99) + "\n" +
         columns(head_rows(all_heads(model, info)), 2, 99) + "\n" + columns(features, 2, 1);
}

}  // namespace

int list_kernels(bool as_json) {
  json list = json::array(), chosen{{"int8", nullptr}, {"float32", nullptr}};
  Rows rows{{"kernel", "type", "available", "chosen", "needs"}};
  for (const tickmlp_kernel_info& kernel : all_kernels()) {
    const char* type = dtype_name(kernel.type);
    list.push_back({{"name", kernel.name}, {"dtype", type}, {"isa", kernel.isa}, {"available", kernel.available != 0}});
    if (kernel.chosen) chosen[type] = kernel.name;
    rows.push_back({kernel.name, type, kernel.available ? "yes" : "no", kernel.chosen ? "chosen" : "", kernel.isa});
  }
  if (as_json) print_json({{"chosen", chosen}, {"kernels", list}});
  else print(columns(rows, 0, 99));
  flush_output();
  return kPass;
}

int inspect(const std::string& blob, bool as_json) {
  const Model model = load_model(blob, "");
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  if (as_json) print_json(model_json(model.get(), info));
  else print(model_text(model.get(), info));
  flush_output();
  return kPass;
}

}  // namespace tickmlp::bench
