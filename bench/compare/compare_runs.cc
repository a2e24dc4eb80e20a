// SPDX-License-Identifier: Apache-2.0
// `tickmlp compare` of two binaries, blobs or kernels: processes in turns, then a decision.
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>

#include "cli.h"
#include "commands.h"
#include "compare/compare.h"
#include "compare/comparison.h"
#include "output_file.h"
#include "progress.h"

namespace tickmlp::bench {
namespace {

std::string own_binary() {
  const std::unique_ptr<char, decltype(&std::free)> path(realpath("/proc/self/exe", nullptr), &std::free);
  if (path == nullptr) refuse("cannot find this program below /proc; expected a mounted /proc");
  return path.get();
}

Comparison describe(const CompareOptions& options) {
  Comparison comparison;
  comparison.command = options.command;
  comparison.core = options.core >= 0 ? options.core : last_allowed_core();
  comparison.path = options.path;
  comparison.seconds = options.seconds;
  comparison.kind = !options.binaries.empty() ? "binaries" : !options.blobs.empty() ? "blobs" : "kernels";
  const std::vector<std::string>& names = !options.binaries.empty() ? options.binaries
                                          : !options.blobs.empty()  ? options.blobs
                                                                    : options.kernels;
  for (std::size_t i = 0; i < 2; ++i) {
    Side& side = comparison.sides[i];
    side.label = i == 0 ? "A" : "B";
    side.name = names[i];
    side.binary = !options.binaries.empty() ? names[i] : own_binary();
    side.blob = !options.blobs.empty() ? names[i] : options.blob;
    side.kernel = !options.kernels.empty() ? names[i] : options.kernel;
  }
  return comparison;
}

// What has to be alike before times are compared, and has to stay so.
void check_alike(const Comparison& comparison, const Sample& a, const Sample& b) {
  if (a.dtype != b.dtype)
    refuse("blob-type: A is " + a.dtype + ", B is " + b.dtype + "; expected two models of one element type");
  if (a.step_ns != b.step_ns)
    refuse("clock-step: A saw a clock that steps by " + std::to_string(a.step_ns) + " ns, B one of " +
           std::to_string(b.step_ns) + "; expected one clock");
  if (comparison.kind == "blobs") return;
  if (a.blob_sha256 != b.blob_sha256)
    refuse("blob-changed: A read a blob " + a.blob_sha256.substr(0, 16) + ", B " + b.blob_sha256.substr(0, 16) +
           "; expected the same bytes all the time");
  if (a.outputs_sha256 != b.outputs_sha256)
    refuse("different-bits: A and B gave different outputs for the same states; expected the same bits");
}

void check_unchanged(const Side& side, const Sample& first, const Sample& now) {
  if (first.blob_sha256 != now.blob_sha256 || first.kernel != now.kernel || first.outputs_sha256 != now.outputs_sha256)
    refuse(side.label + ", " + printable(side.name) +
           ": sample-changed: blob, kernel or outputs differ between two of its processes");
}

// AB, BA, AB, ...: neither is always first, so that neither always finds the core as the other left it.
void run_pairs(const CompareOptions& options, Comparison* comparison) {
  const SampleRequest request{options.path, options.input, comparison->core, options.seconds, options.timeout};
  ProgressBar bar("compare");
  const auto take = [&](std::size_t side) { return take_sample(comparison->sides[side], request); };
  for (int i = 0; i < options.pairs; ++i) {
    std::array<Sample, 2> pair;
    const std::size_t first = i % 2 == 0 ? 0 : 1;
    pair[first] = take(first);
    bar.show((i + 0.5) / options.pairs);
    pair[1 - first] = take(1 - first);
    bar.show((i + 1.0) / options.pairs);
    if (i == 0) comparison->first = pair;
    check_alike(*comparison, pair[0], pair[1]);
    for (std::size_t side : {0, 1}) check_unchanged(comparison->sides[side], comparison->first[side], pair[side]);
    comparison->pairs.push_back({pair[0].central_ns, pair[1].central_ns, pair[0].timer_ns, pair[1].timer_ns});
  }
}

}  // namespace

int compare_runs(const CompareOptions& options) {
  catch_interrupts();
  Comparison comparison = describe(options);
  if (!options.json.empty())
    check_target(options.json, {comparison.sides[0].blob, comparison.sides[1].blob, comparison.sides[0].binary,
                                comparison.sides[1].binary, options.input});
  for (Side& side : comparison.sides) check_program(&side, options.timeout);
  run_pairs(options, &comparison);
  comparison.decision = decide(comparison.pairs, comparison.first[0].step_ns);
  if (!options.json.empty()) write_atomically(options.json, {comparison_json(comparison)});
  print(comparison_table(comparison));
  if (!options.json.empty()) print("  report     " + printable(options.json) + "\n");
  flush_output();
  return outcome_exit_code(comparison.decision.outcome);
}

}  // namespace tickmlp::bench
