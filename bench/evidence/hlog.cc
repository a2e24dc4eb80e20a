// SPDX-License-Identifier: Apache-2.0
#include "evidence/hlog.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <utility>
#include <vector>

#include "cli.h"
#include "evidence/hdr_codec.h"
#include "evidence/hdr_layout.h"

namespace tickmlp::bench {
namespace {

constexpr double kLastSecond = 1e9;               // of a measurement: 31 years
constexpr std::time_t kLastStart = 253402300799;  // the last second of the year 9999
constexpr std::string_view kStart = "#[StartTime: ";
constexpr std::size_t kHeaderLines = 5, kFields = 5;
constexpr std::size_t kShown = 96;  // characters of a line in a refusal

std::array<std::string, kHeaderLines> header_lines(std::time_t started) {
  std::tm parts{};
  gmtime_r(&started, &parts);
  char date[64];
  std::strftime(date, sizeof date, "%a %b %d %H:%M:%S UTC %Y", &parts);
  const std::string seconds = std::to_string(started) + ".000 (seconds since epoch)";
  return {"#[Blocks of timed calls in ns, written by tickmlp]", "#[Histogram log format version 1.3]",
          std::string(kStart) + seconds + ", " + date + "]", "#[BaseTime: " + seconds + "]",
          "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\""};
}

std::time_t parse_utc(const std::string& text) {
  std::tm parts{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  const std::time_t seconds = end != nullptr && *end == '\0' ? timegm(&parts) : -1;
  if (seconds < 0 || seconds > kLastStart)
    refuse("start of a log \"" + printable(text) + "\"; expected YYYY-MM-DDTHH:MM:SSZ");
  return seconds;
}

std::uint64_t milliseconds(double seconds) { return static_cast<std::uint64_t>(std::llround(seconds * 1000)); }

// 1234 as "1.234"
std::string with_three_decimals(std::uint64_t thousandths) {
  const std::string decimals = std::to_string(1000 + thousandths % 1000);
  return std::to_string(thousandths / 1000) + "." + decimals.substr(1);
}

std::uint64_t maximum_of(const Histogram& histogram) {
  if (histogram.beyond != 0) return histogram.beyond_maximum;
  return histogram.slots.empty() ? 0 : tickmlp_recorder_slot_upper(histogram.slots.back().first);
}

std::string tag_of(std::string_view series, std::size_t run) {
  return "Tag=" + std::string(series) + ".run-" + std::to_string(run);
}

// A block's line up to its histogram.
std::string line_start(std::string_view tag, const TimedBlock& block) {
  const std::uint64_t maximum_us = (maximum_of(block.histogram) + 500) / 1000;
  return std::string(tag) + "," + with_three_decimals(milliseconds(block.begin_s)) + "," +
         with_three_decimals(milliseconds(block.seconds)) + "," + with_three_decimals(maximum_us) + ",";
}

class Reader {
 public:
  Reader(std::string_view text, const std::string& name) : rest_(text), name_(name) {}
  Evidence read() {
    read_header();
    while (!rest_.empty()) read_block();
    return std::move(evidence_);
  }

 private:
  std::string_view next_line() {
    ++line_;
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos) fail(rest_, "a line that ends with a newline");
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return line;
  }

  void read_header() {
    std::time_t started = 0;
    for (std::size_t i = 0; i < kHeaderLines; ++i) {
      const std::string_view line = next_line();
      if (line.starts_with(kStart)) {
        std::from_chars(line.data() + kStart.size(), line.data() + line.size(), started);
        started = std::clamp<std::time_t>(started, 0, kLastStart);
      }
      const std::string expected = header_lines(started)[i];
      if (line != expected) fail(line, expected);
    }
  }

  double seconds(std::string_view text) {
    double value = -1;
    std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (!(value >= 0 && value <= kLastSecond)) fail(text, "seconds, 0.000 to 1000000000.000");
    return value;
  }

  void read_block() {
    const std::string_view line = next_line();
    std::array<std::string_view, kFields> fields;
    std::string_view rest = line;
    for (std::size_t i = 0; i < kFields; ++i) {
      const std::size_t end = i + 1 < kFields ? rest.find(',') : rest.size();
      if (end == std::string_view::npos) fail(line, "Tag=SERIES.run-N,BEGIN,SECONDS,MAX,HISTOGRAM");
      fields[i] = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    Run& run = run_of(fields[0]);
    TimedBlock block{seconds(fields[1]), seconds(fields[2]), decode_hdr(fields[4], where())};
    const std::string expected = line_start(fields[0], block);
    if (const auto start = line.substr(0, line.size() - fields[4].size()); start != expected) fail(start, expected);
    if (block.begin_s < last_begin_s_) fail(fields[1], "a block that begins no earlier than the one before");
    last_begin_s_ = block.begin_s;
    samples_ += block.histogram.count();
    if (samples_ > kHdrLargestCount) fail(fields[0], "a log of at most 2^48 samples in all");
    run.push_back(std::move(block));
  }

  // The run that a tag names: the last one of its series, or the one after.
  Run& run_of(std::string_view tag) {
    const std::string series = series_of(tag);
    std::vector<Run>& runs = evidence_[series].runs;
    const std::string next = tag_of(series, runs.size() + 1), same = tag_of(series, runs.size());
    if (tag == next) runs.emplace_back();
    else if (runs.empty() || tag != same) fail(tag, runs.empty() ? next : same + " or " + next);
    return runs.back();
  }

  std::string series_of(std::string_view tag) const {
    constexpr std::string_view kBegin = "Tag=", kMiddle = ".run-";
    const std::size_t end = tag.find(kMiddle);
    if (tag.starts_with(kBegin) && end != std::string_view::npos && end > kBegin.size()) {
      const std::string series(tag.substr(kBegin.size(), end - kBegin.size()));
      if (series.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos) return series;
    }
    fail(tag, "Tag=SERIES.run-N with a SERIES of a-z, 0-9 and '-'");
  }

  std::string where() const { return name_ + ": line " + std::to_string(line_); }
  [[noreturn]] void fail(std::string_view seen, const std::string& expected) const {
    const std::string_view shown = seen.substr(0, kShown);
    refuse(where() + ": seen \"" + printable(shown) + (shown.size() < seen.size() ? "..." : "") + "\"; expected " +
           expected);
  }

  std::string_view rest_;
  const std::string& name_;
  std::size_t line_ = 0;
  double last_begin_s_ = 0;
  std::uint64_t samples_ = 0;
  Evidence evidence_;
};

}  // namespace

std::string write_hlog(const Evidence& evidence, const std::string& started_utc) {
  struct Line {
    std::string tag;
    const TimedBlock* block;
  };
  std::vector<Line> lines;
  for (const auto& [series, kept] : evidence)
    for (std::size_t run = 0; run < kept.runs.size(); ++run)
      for (const TimedBlock& block : kept.runs[run]) lines.push_back({tag_of(series, run + 1), &block});
  std::ranges::stable_sort(lines, {}, [](const Line& line) { return line.block->begin_s; });

  std::string text;
  for (const std::string& line : header_lines(parse_utc(started_utc))) text += line + "\n";
  for (const Line& line : lines) text += line_start(line.tag, *line.block) + encode_hdr(line.block->histogram) + "\n";
  if (read_hlog(text, "evidence log") != evidence)
    refuse("evidence log: it reads back different; expected runs with blocks in order of time, whole milliseconds");
  return text;
}

Evidence read_hlog(std::string_view text, const std::string& name) { return Reader(text, name).read(); }

}  // namespace tickmlp::bench
