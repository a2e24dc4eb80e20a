// SPDX-License-Identifier: Apache-2.0
// usage: evidence_files FOLDER
// Writes there what tests/evidence holds against other readers: sample.hlog, a SERIES.hgrm each, and sample.json with
// the figures of our own recorder for each line of the log and for each series.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include <nlohmann/json.hpp>

#include "cli.h"
#include "evidence/hgrm.h"
#include "evidence/hlog.h"
#include "evidence_sample.h"

using namespace tickmlp::bench;

namespace {

using Recorder = std::unique_ptr<tickmlp_recorder>;

Recorder empty_recorder() {
  auto recorder = std::make_unique<tickmlp_recorder>();
  tickmlp_recorder_reset(recorder.get());
  return recorder;
}

nlohmann::json figures(const tickmlp_recorder& recorder) {
  nlohmann::json percentiles;
  for (const auto& [name, numerator, denominator] : {std::tuple{"50", 50, 100},
                                                     {"90", 90, 100},
                                                     {"95", 95, 100},
                                                     {"99", 99, 100},
                                                     {"99.9", 999, 1000},
                                                     {"99.99", 9999, 10000},
                                                     {"99.999", 99999, 100000},
                                                     {"100", 1, 1}})
    percentiles[name] = tickmlp_recorder_percentile(&recorder, static_cast<std::uint64_t>(numerator),
                                                    static_cast<std::uint64_t>(denominator));
  return {{"count", recorder.count}, {"percentiles", percentiles}, {"max", recorder.maximum}};
}

nlohmann::json figures_of(const SeriesEvidence& series, const std::string& id, nlohmann::json* lines) {
  const Recorder all = empty_recorder();
  for (std::size_t run = 0; run < series.runs.size(); ++run)
    for (const TimedBlock& block : series.runs[run]) {
      const Recorder one = empty_recorder();
      add_to(block.histogram, one.get());
      add_to(block.histogram, all.get());
      nlohmann::json line = figures(*one);
      line["tag"] = id + ".run-" + std::to_string(run + 1);
      line["begin_s"] = block.begin_s;
      line["seconds"] = block.seconds;
      lines->push_back(line);
    }
  return figures(*all);
}

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text << std::flush;
  if (!file) refuse("cannot write " + path.string());
}

// Series that bring out one thing each.
void add_special(Evidence* evidence, double begin_s) {
  const auto add = [&](const char* id, const Histogram& histogram) {
    (*evidence)[id].runs = {{{begin_s, 0.001, histogram}}};
  };
  add("empty", {});
  add("one-sample", {{{871, 1}}, 0, 0});
  add("zero-ns", {{{0, 5}}, 0, 0});
  add("above-32-bits", {{{30, 7}, {871, (std::uint64_t{1} << 33) + 5}, {2100, 11}}, 0, 0});
  add("ties", {{{0, 15}, {1, 1}}, 0, 0});  // a mean of 0.0625: half of the last place
  add("beyond", {{{100, 1000}}, 3, hdr_upper(hdr_bucket(5'000'000'000))});
  Histogram many;
  for (std::uint32_t slot = 0; slot < TICKMLP_RECORDER_SLOTS; slot += 1 + slot % 3)
    many.slots.emplace_back(slot, 1 + 3333333 / (slot + 1));
  add("many-slots", many);
}

void make_files(const std::filesystem::path& folder) {
  std::mt19937_64 random(20260101);
  Evidence evidence = random_evidence(random, 6, 3, 4);
  add_special(&evidence, 9999);
  write(folder / "sample.hlog", write_hlog(evidence, "2026-01-31T23:59:59Z"));
  nlohmann::json document{{"lines", nlohmann::json::array()}, {"started", 1769903999}};
  for (const auto& [id, series] : evidence) {
    document["series"][id] = figures_of(series, id, &document["lines"]);
    write(folder / (id + ".hgrm"), write_hgrm(series));
  }
  write(folder / "sample.json", document.dump(1) + "\n");
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) wrong_usage("usage: evidence_files FOLDER");
  make_files(argv[1]);
} catch (const Failure& failure) {
  std::fprintf(stderr, "evidence_files: %s\n", failure.message.c_str());
  return failure.exit_code;
}
