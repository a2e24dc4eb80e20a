// SPDX-License-Identifier: Apache-2.0
#include "batch/throughput.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "cli.h"
#include "commands.h"
#include "output_file.h"
#include "progress.h"

namespace tickmlp::bench {
namespace {

constexpr double kBlockNs = 100'000;            // least length of one timed block: 10,000 steps of a 10 ns clock
constexpr double kSizeNs = 1e9;                 // a batch size takes about this long
constexpr std::uint64_t kFewest = 11;           // epochs
constexpr std::uint64_t kMostBytes = 1u << 30;  // of inputs

template <class Work>
double time_ns(const tickmlp_clock& clock, std::uint64_t repeats, const Work& work) {
  const std::uint64_t begin = tickmlp_clock_begin();
  for (std::uint64_t i = 0; i < repeats; ++i) work(i);
  const std::uint64_t end = tickmlp_clock_end();
  return static_cast<double>(tickmlp_clock_ns(&clock, end - begin)) / static_cast<double>(repeats);
}

// Repeats that fill a block. The first call warms up.
template <class Work>
std::uint64_t fill_block(const tickmlp_clock& clock, const Work& work) {
  work(0);
  const double once = std::max(time_ns(clock, 1, work), 1.0);
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(kBlockNs / once)));
}

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
}

void need(tickmlp_status status) {
  if (status != TICKMLP_OK)
    refuse(std::string("an inference failed: ") + tickmlp_status_name(status) + "; expected finite outputs");
}

}  // namespace

Throughput measure_throughput(const ThroughputSubject& subject, std::uint64_t states,
                              const std::function<void(double)>& progress) {
  const tickmlp_model_info& model = *subject.model;
  tickmlp_status status = TICKMLP_OK;
  const auto batch = [&](std::uint64_t) {
    status = tickmlp_infer_batch(subject.session, subject.states, states, subject.outputs, nullptr);
  };
  const auto one = [&](std::uint64_t i) {
    const std::uint64_t s = i % states;
    status = tickmlp_infer(subject.session, subject.states + s * model.inputs, model.inputs,
                           subject.outputs + s * model.outputs, model.outputs);
  };
  const auto peak = [&](std::uint64_t) {
    if (subject.peak.run != nullptr) subject.peak.run(1000);
  };
  const tickmlp_clock& clock = subject.clock;
  const std::uint64_t batches = fill_block(clock, batch);
  const std::uint64_t ones = batches * states;  // blocks as long as the batches', so that bursts hit both alike
  const std::uint64_t peaks = subject.peak.run != nullptr ? fill_block(clock, peak) : 1;
  std::vector<double> batch_ns, one_ns, peak_rate, of_peak;
  double spent = 0;
  while (batch_ns.size() < kFewest || spent < kSizeNs) {
    const double peak_ns = time_ns(clock, peaks, peak);
    batch_ns.push_back(time_ns(clock, batches, batch) / static_cast<double>(states));
    need(status);
    one_ns.push_back(time_ns(clock, ones, one));
    need(status);
    peak_rate.push_back(1000 * static_cast<double>(subject.peak.multiply_adds_a_round) / peak_ns);
    of_peak.push_back(subject.peak.run != nullptr ? subject.multiply_adds / batch_ns.back() / peak_rate.back() : 0);
    spent += peak_ns * static_cast<double>(peaks) + one_ns.back() * static_cast<double>(ones) +
             batch_ns.back() * static_cast<double>(batches * states);
    progress(std::min(spent / kSizeNs, static_cast<double>(batch_ns.size()) / kFewest));
    if (g_interrupt_signal != 0) break;
  }
  const double median = quantile(batch_ns, 0.5);
  return {states,
          batch_ns.size(),
          median,
          quantile(batch_ns, 0.1),
          quantile(batch_ns, 0.9),
          quantile(one_ns, 0.5),
          subject.multiply_adds / median,
          quantile(peak_rate, 0.5),
          quantile(of_peak, 0.5)};
}

namespace {

// States inside the calibrated ranges, the same in every run.
std::vector<float> make_states(const Model& model, const tickmlp_model_info& info, std::uint64_t states) {
  if (states * info.inputs * sizeof(float) > kMostBytes)
    refuse("--states " + std::to_string(states) + ": " + std::to_string(states * info.inputs * sizeof(float)) +
           " bytes of inputs; expected at most " + std::to_string(kMostBytes));
  std::vector<float> low(info.feature_count), high(info.feature_count);
  for (std::uint32_t f = 0; f < info.feature_count; ++f) {
    const char* name;
    tickmlp_model_feature(model.get(), f, &name, &low[f], &high[f]);
  }
  std::mt19937 random(1);
  std::vector<float> values(states * info.inputs);
  for (std::uint64_t i = 0; i < values.size(); ++i) {
    const std::uint32_t f = static_cast<std::uint32_t>(i % info.inputs % info.feature_count);
    values[i] = low[f] + (high[f] - low[f]) * (static_cast<float>(random() >> 8) * 0x1p-24f);
  }
  return values;
}

double layer2_multiply_adds(const Model& model, const tickmlp_model_info& info) {
  double sum = 0;
  for (std::uint32_t h = 0; h < info.heads; ++h) {
    tickmlp_head_info head{};
    tickmlp_model_head(model.get(), h, &head);
    sum += static_cast<double>((head.hidden + 15) / 16 * 16) * head.outputs;
  }
  return sum;
}

// The batch gives what one state at a time gives, to the bit; otherwise nothing is worth timing.
void check_bits(const ThroughputSubject& subject, std::uint64_t states) {
  const tickmlp_model_info& model = *subject.model;
  need(tickmlp_infer_batch(subject.session, subject.states, states, subject.outputs, nullptr));
  std::vector<float> output(model.outputs);
  for (std::uint64_t s = 0; s < states && g_interrupt_signal == 0; ++s) {
    need(tickmlp_infer(subject.session, subject.states + s * model.inputs, model.inputs, output.data(), model.outputs));
    if (std::memcmp(output.data(), subject.outputs + s * model.outputs, model.outputs * sizeof(float)) != 0)
      throw Failure{kFail,
                    "state " + std::to_string(s) + ": the batch differs from the state alone; expected the same bits"};
  }
}

}  // namespace

int throughput(const ThroughputOptions& options) {
  catch_interrupts();
  if (!options.json.empty()) check_target(options.json, {options.blob});
  const int core = options.core >= 0 ? options.core : last_allowed_core();
  const tickmlp_clock clock = pin_and_calibrate(core);
  const Model model = load_model(options.blob, options.kernel);
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  const Session session = open_session(model);
  const std::uint64_t most = *std::max_element(options.states.begin(), options.states.end());
  const std::vector<float> states = make_states(model, info, most);
  std::vector<float> outputs(most * info.outputs);

  ThroughputReport report{options.command,
                          core,
                          &info,
                          choose_peak(info.kernel),
                          static_cast<double>(info.inputs) * info.lanes,
                          layer2_multiply_adds(model, info),
                          {}};
  const ThroughputSubject subject{session.get(), &info, states.data(), outputs.data(), report.layer1 + report.layer2,
                                  report.peak,   clock};
  check_bits(subject, most);
  ProgressBar bar("throughput");
  const auto sizes = static_cast<double>(options.states.size());
  for (const std::uint64_t size : options.states) {
    if (g_interrupt_signal != 0) break;
    const auto before = static_cast<double>(report.rows.size());
    report.rows.push_back(measure_throughput(subject, size, [&](double done) { bar.show((before + done) / sizes); }));
  }
  bar.clear();
  if (g_interrupt_signal != 0) throw Failure{128 + g_interrupt_signal, "interrupted; nothing was written"};
  if (!options.json.empty()) write_atomically(options.json, {throughput_json(report)});
  print(throughput_table(report));
  if (!options.json.empty()) print("  report: " + printable(options.json) + "\n");
  flush_output();
  return kPass;
}

}  // namespace tickmlp::bench
