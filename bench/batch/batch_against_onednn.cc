// SPDX-License-Identifier: Apache-2.0
// Our batch beside oneDNN's on one thread: batch_against_onednn BLOB [STATES...]. Built with -Donednn=enabled.
//
// oneDNN's time is given twice: layer 1 alone, for int8 from ready-made codes, which is the least that it could take;
// and all that ours does but the checks and counts. Ours is always everything.
#include <omp.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <random>

#include "../runtime/model.h"
#include "cli.h"
#include "commands.h"
#include "model.h"
#include "batch/onednn_batch.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

constexpr int kEpochs = 101;
constexpr double kBlockNs = 200'000;  // least length of one timed block

template <class Work>
double time_ns(const tickmlp_clock& clock, std::size_t repeats, const Work& work) {
  const std::uint64_t begin = tickmlp_clock_begin();
  for (std::size_t i = 0; i < repeats; ++i) work();
  return static_cast<double>(tickmlp_clock_ns(&clock, tickmlp_clock_end() - begin)) / static_cast<double>(repeats);
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

// One batch size: ns a state of ours, oneDNN's layer 1, all of oneDNN's; in turns.
std::vector<std::string> compare(const Model& model, std::size_t states, const tickmlp_clock& clock) {
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  const Session session = open_session(model);
  std::vector<float> inputs(states * info.inputs), ours(states * info.outputs), theirs(ours.size());
  std::mt19937 random(1);
  for (float& x : inputs) x = static_cast<float>(random() >> 8) * 0x1p-23f - 1.0f;
  Onednn onednn(model->network, info.type == TICKMLP_INT8, states);
  const auto batch = [&] { tickmlp_infer_batch(session.get(), inputs.data(), states, ours.data(), nullptr); };
  const auto all = [&] { onednn.run(inputs.data(), theirs.data()); };
  const auto layer1 = [&] { onednn.layer1(inputs.data()); };
  batch(), all();
  float apart = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) apart = std::max(apart, std::abs(ours[i] - theirs[i]));
  if (!(apart < 1e-4f)) refuse("outputs differ by " + std::to_string(apart) + "; expected less than 1e-4");
  const auto repeats = static_cast<std::size_t>(std::max(1.0, kBlockNs / time_ns(clock, 1, batch)));
  std::vector<double> of_ours, of_layer1, of_all;
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    of_ours.push_back(time_ns(clock, repeats, batch) / static_cast<double>(states));
    of_layer1.push_back(time_ns(clock, repeats, layer1) / static_cast<double>(states));
    of_all.push_back(time_ns(clock, repeats, all) / static_cast<double>(states));
  }
  const double ns = median(of_ours);
  return {with_commas(states),
          fixed_point(ns, 1),
          fixed_point(median(of_layer1), 1),
          fixed_point(median(of_all), 1),
          fixed_point(median(of_layer1) / ns, 2),
          fixed_point(median(of_all) / ns, 2)};
}

int compare_all(int count, char** words) {
  if (count < 2) wrong_usage("usage: batch_against_onednn BLOB [STATES...]");
  std::vector<std::size_t> sizes;
  for (int i = 2; i < count; ++i) {
    const char* end = words[i] + std::strlen(words[i]);
    std::size_t states = 0;
    if (std::from_chars(words[i], end, states).ptr != end || states < 1 || states > 100'000)
      wrong_usage(printable(words[i]) + ": expected a number of states from 1 to 100000");
    sizes.push_back(states);
  }
  if (sizes.empty()) sizes = {64, 1024};
  omp_set_num_threads(1);
  const int core = last_allowed_core();
  const tickmlp_clock clock = pin_and_calibrate(core);
  const Model model = load_model(words[1], "");
  const dnnl_version_t* version = dnnl_version();
  print(std::string(tickmlp_model_describe(model.get())->kernel) + " beside oneDNN " + std::to_string(version->major) +
        "." + std::to_string(version->minor) + "." + std::to_string(version->patch) + ", core " + std::to_string(core) +
        ", ns a state, median of " + std::to_string(kEpochs) + "\n");
  std::vector<std::vector<std::string>> rows = {
      {"states", "ours", "oneDNN layer 1", "oneDNN all", "layer 1 / ours", "all / ours"}};
  for (const std::size_t states : sizes) rows.push_back(compare(model, states, clock));
  print(columns(rows, 2, 0));
  flush_output();
  return kPass;
}

}  // namespace
}  // namespace tickmlp::bench

int main(int count, char** words) {
  try {
    return tickmlp::bench::compare_all(count, words);
  } catch (const tickmlp::bench::Failure& failure) {
    std::fprintf(stderr, "batch_against_onednn: %s\n", failure.message.c_str());
    return failure.exit_code;
  } catch (const dnnl::error& error) {
    std::fprintf(stderr, "batch_against_onednn: oneDNN: %s\n", error.what());
    return tickmlp::bench::kRefused;
  }
}
