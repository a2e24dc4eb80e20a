// SPDX-License-Identifier: Apache-2.0
// What leaving unread inputs out of the weights gains: the tactical size (420 inputs, 224 lanes) with none of its
// inputs unread, and a quarter to three quarters of them, in turns in one process. Arguments: names of kernels; none:
// those that a load chooses. Time depends on no weight, so the model that reads all inputs stands for the one with rows
// of zeros.
#include <cstdio>

#include "cli.h"
#include "commands.h"
#include "growth/synthetic_blob.h"
#include "model.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

constexpr std::uint32_t kUnreadOfEight[] = {0, 2, 4, 6};
constexpr int kRounds = 60, kWarmCalls = 500, kTimedCalls = 4000;

struct Subject {
  Model model;
  Session session;
  tickmlp_recorder recorder;
  std::uint32_t unread_of_eight;
};

Subject subject_of(tickmlp_element_type type, std::uint32_t unread_of_eight, const std::string& kernel) {
  const Shape shape{type, 420, 2, 112, 3, 0, unread_of_eight};
  Subject subject{load_model_bytes(synthetic_blob(shape), kernel), nullptr, {}, unread_of_eight};
  subject.session = open_session(subject.model);
  tickmlp_recorder_reset(&subject.recorder);
  return subject;
}

template <class Call>
void time_block(const tickmlp_clock& clock, tickmlp_recorder& recorder, Call&& call) {
  for (int i = 0; i < kWarmCalls; ++i) call();
  for (int i = 0; i < kTimedCalls; ++i) {
    const std::uint64_t begin = tickmlp_clock_begin();
    call();
    const std::uint64_t end = tickmlp_clock_end();
    if (end >= begin) tickmlp_recorder_record(&recorder, tickmlp_clock_ns(&clock, end - begin));
  }
}

std::string percentile(const tickmlp_recorder& recorder, std::uint64_t numerator) {
  return std::to_string(tickmlp_recorder_percentile(&recorder, numerator, 1000));
}

void measure(const tickmlp_clock& clock, const tickmlp_kernel_info& kernel) {
  std::vector<Subject> subjects;
  for (const std::uint32_t unread : kUnreadOfEight) subjects.push_back(subject_of(kernel.type, unread, kernel.name));
  tickmlp_recorder timer;
  tickmlp_recorder_reset(&timer);
  const std::vector<float> input(420, 0.25f);
  std::vector<float> output(6);
  for (int round = 0; round < kRounds && g_interrupt_signal == 0; ++round) {
    time_block(clock, timer, [] {});
    for (Subject& subject : subjects)
      time_block(clock, subject.recorder, [&] {
        tickmlp_infer(subject.session.get(), input.data(), input.size(), output.data(), output.size());
      });
  }
  const double timer_ns = tickmlp_recorder_central(&timer);
  const double whole = tickmlp_recorder_central(&subjects[0].recorder) - timer_ns;
  std::vector<std::vector<std::string>> rows{
      {kernel.name, "kept", "central", "ratio", "p50", "p90", "p99", "p99.9", "weight bytes"}};
  for (const Subject& s : subjects) {
    const double central = tickmlp_recorder_central(&s.recorder);
    const tickmlp_model_info& info = *tickmlp_model_describe(s.model.get());
    rows.push_back({fixed_point(12.5 * s.unread_of_eight, 0) + " % unread", std::to_string(info.kept_inputs),
                    fixed_point(central, 1), fixed_point((central - timer_ns) / whole, 3), percentile(s.recorder, 500),
                    percentile(s.recorder, 900), percentile(s.recorder, 990), percentile(s.recorder, 999),
                    with_commas(info.weight_bytes)});
  }
  print(columns(rows, 2, 1) + "\n");
}

int compare_kernels(int count, char** names) {
  catch_interrupts();
  const int core = last_allowed_core();
  const tickmlp_clock clock = pin_and_calibrate(core);
  print("ns, the timer in them but not in the ratios; core " + std::to_string(core) + "\n\n");
  for (std::size_t k = 0; k < tickmlp_kernel_count() && g_interrupt_signal == 0; ++k) {
    tickmlp_kernel_info kernel{};
    tickmlp_kernel_get(k, &kernel);
    bool wanted = count == 1 && kernel.chosen;
    for (int i = 1; i < count; ++i) wanted = wanted || std::string(names[i]) == kernel.name;
    if (wanted && kernel.available) measure(clock, kernel);
  }
  flush_output();
  return g_interrupt_signal != 0 ? 128 + g_interrupt_signal : kPass;
}

}  // namespace
}  // namespace tickmlp::bench

int main(int count, char** names) {
  try {
    return tickmlp::bench::compare_kernels(count, names);
  } catch (const tickmlp::bench::Failure& failure) {
    std::fprintf(stderr, "pruned_benchmark: %s\n", failure.message.c_str());
    return failure.exit_code;
  }
}
