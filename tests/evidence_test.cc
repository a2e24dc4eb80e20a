// SPDX-License-Identifier: Apache-2.0
// Evidence files: what is written reads back the same, what cannot be kept is refused, and tables say what they hold.
#include <doctest/doctest.h>

#include <memory>

#include "cli.h"
#include "evidence/hdr_codec.h"
#include "evidence/hgrm.h"
#include "evidence/hlog.h"
#include "evidence_sample.h"

using namespace tickmlp::bench;

namespace {

constexpr const char* kStarted = "2026-01-31T23:59:59Z";

std::string refusal(const Evidence& evidence, const std::string& started = kStarted) {
  try {
    write_hlog(evidence, started);
  } catch (const Failure& failure) {
    CHECK_EQ(failure.exit_code, 4);
    return failure.message;
  }
  return "taken";
}

bool has(const std::string& text, const std::string& words) { return text.find(words) != std::string::npos; }

TimedBlock block(double begin_s, double seconds = 0.5) { return {begin_s, seconds, {{{871, 4096}}, 0, 0}}; }

}  // namespace

TEST_CASE("the end of each recorder slot is the end of a bucket, and no two slots share one") {
  std::uint32_t last = 0;
  for (std::uint32_t slot = 0; slot < TICKMLP_RECORDER_SLOTS; ++slot) {
    const std::uint64_t upper = tickmlp_recorder_slot_upper(slot);
    const std::uint32_t bucket = hdr_bucket(upper);
    CAPTURE(slot);
    CHECK_EQ(hdr_upper(bucket), upper);
    CHECK((slot == 0 || bucket > last));
    last = bucket;
  }
}

TEST_CASE("every bucket ends just before the next begins") {
  std::uint64_t begin = 0;
  for (std::uint32_t bucket = 0; bucket < kHdrBuckets; ++bucket) {
    CHECK_EQ(hdr_bucket(begin), bucket);
    CHECK_EQ(hdr_bucket(hdr_upper(bucket)), bucket);
    begin = hdr_upper(bucket) + 1;
  }
}

TEST_CASE("random histograms decode to what was encoded, the full one too") {
  std::mt19937_64 random(5);
  for (int round = 0; round < 300; ++round) {
    const Histogram histogram = random_histogram(random);
    const std::string text = encode_hdr(histogram);
    CHECK_EQ(text.substr(0, 8), "HISTFAAA");
    CHECK(decode_hdr(text, "here") == histogram);
  }
  Histogram full;
  for (std::uint32_t slot = 0; slot < TICKMLP_RECORDER_SLOTS; ++slot)
    full.slots.emplace_back(slot, (std::uint64_t{1} << 36) - slot * 12345);
  full.beyond = 9;
  full.beyond_maximum = hdr_upper(kHdrBuckets - 1);
  CHECK(decode_hdr(encode_hdr(full), "here") == full);
}

TEST_CASE("random evidence reads back the same") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 40; ++round) {
    CAPTURE(round);
    const Evidence evidence = random_evidence(random, 1 + round % 4, 1 + round % 3, 1 + round % 5);
    CHECK(read_hlog(write_hlog(evidence, kStarted), "box.hlog") == evidence);
  }
  CHECK(read_hlog(write_hlog({}, kStarted), "box.hlog").empty());
}

TEST_CASE("what recorders counted comes back from a log, percentile by percentile") {
  std::mt19937_64 random(11);
  auto recorder = std::make_unique<tickmlp_recorder>(), again = std::make_unique<tickmlp_recorder>();
  tickmlp_recorder_reset(recorder.get());
  tickmlp_recorder_reset(again.get());
  for (int i = 0; i < 100000; ++i) tickmlp_recorder_record(recorder.get(), random() >> (24 + random() % 40));
  const Evidence evidence{{"full-hot", {{{{0.25, 0.125, histogram_of(*recorder)}}}}}};
  const Evidence read = read_hlog(write_hlog(evidence, kStarted), "box.hlog");
  add_to(read.at("full-hot").runs[0][0].histogram, again.get());
  CHECK_EQ(again->count, recorder->count);
  CHECK_GT(again->beyond, 0);
  for (std::uint64_t p = 0; p <= 100; ++p) {
    const std::uint64_t seen = tickmlp_recorder_percentile(again.get(), p, 100);
    const std::uint64_t expected = tickmlp_recorder_percentile(recorder.get(), p, 100);
    CAPTURE(p);
    CHECK_EQ(seen, expected < (1u << 30) ? expected : hdr_upper(hdr_bucket(expected)));
  }
}

TEST_CASE("a log is the text that the format asks for") {
  const Evidence evidence{{"tick-hot", {{{block(0.5, 1.25)}, {{2, 0, {{}, 1, 1074790399}}}}}}};
  const std::string text = write_hlog(evidence, kStarted);
  const std::string start =
      "#[Blocks of timed calls in ns, written by tickmlp]\n#[Histogram log format version 1.3]\n"
      "#[StartTime: 1769903999.000 (seconds since epoch), Sat Jan 31 23:59:59 UTC 2026]\n"
      "#[BaseTime: 1769903999.000 (seconds since epoch)]\n"
      "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
      "Tag=tick-hot.run-1,0.500,1.250,0.001,HISTFAAA";
  CHECK_EQ(text.substr(0, start.size()), start);
  CHECK(has(text, "\nTag=tick-hot.run-2,2.000,0.000,1074.790,HISTFAAA"));
}

TEST_CASE("evidence that a log cannot carry is refused, not bent") {
  const auto of = [](std::vector<Run> runs, const char* id = "full-hot") { return Evidence{{id, {std::move(runs)}}}; };
  CHECK_EQ(refusal(of({{block(0)}})), "taken");
  CHECK(has(refusal(of({})), "reads back different"));
  CHECK(has(refusal(of({{block(0)}, {}})), "reads back different"));
  CHECK(has(refusal(of({{}, {block(0)}})), "seen \"Tag=full-hot.run-2\"; expected Tag=full-hot.run-1"));
  CHECK(has(refusal(of({{block(1), block(0)}})), "reads back different"));
  CHECK(has(refusal(of({{block(1)}, {block(0)}})), "expected Tag=full-hot.run-1"));
  CHECK(has(refusal(of({{block(0.0005)}})), "reads back different"));
  CHECK(has(refusal(of({{block(0, 1e10)}})), "expected seconds"));
  CHECK(has(refusal(of({{block(-1)}})), "expected seconds"));
  CHECK(has(refusal(of({{block(0)}}, "Full Hot")), "expected Tag=SERIES.run-N"));
  CHECK(has(refusal(of({{block(0)}}, "")), "expected Tag=SERIES.run-N"));
  CHECK(has(refusal(of({{{0, 1, {{}, 1, (1ull << 43) - 1}}}})), "buckets; expected at most 33792"));
  CHECK(has(refusal(of({{{0, 1, {{}, 1, 1}}}})), "reads back different"));
  CHECK(has(refusal(of({{{0, 1, {{{5, (1ull << 48) + 1}}, 0, 0}}}})), "more than 2^48 samples"));
  for (const char* started : {"", "2026-01-31", "2026-01-31T23:59:59Z ", "2026-01-31T23:59:59", "1969-12-31T23:59:59Z"})
    CHECK(has(refusal(of({{block(0)}}), started), "expected YYYY-MM-DDTHH:MM:SSZ"));
}

// The whole text against hdr-histogram-js: tests/evidence.
TEST_CASE("a table adds up runs and blocks, and rounds as JavaScript does") {
  const SeriesEvidence series{{{{0, 1, {{{0, 8}}, 0, 0}}, {1, 1, {{{0, 7}}, 0, 0}}}, {{2, 1, {{{1, 1}}, 0, 0}}}}};
  const std::string text = write_hgrm(series);
  CHECK(has(text, "       0.000 0.000000000000         15           1.00\n"));
  CHECK(has(text, "       1.000 1.000000000000         16\n"));
  CHECK(has(text, "#[Mean    =        0.063, StdDeviation   =        0.242]\n"));  // 1/16, which printf makes 0.062
  CHECK(has(text, "#[Max     =        1.000, Total count    =           16]\n"));
  CHECK_THROWS_AS(write_hgrm({{{{0, 1, {{{0, (1ull << 48) + 1}}, 0, 0}}}}}), Failure);
}
