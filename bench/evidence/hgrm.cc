// SPDX-License-Identifier: Apache-2.0
#include "evidence/hgrm.h"

#include <charconv>
#include <cmath>
#include <map>
#include <string_view>

#include "cli.h"
#include "evidence/hdr_layout.h"

namespace tickmlp::bench {
namespace {

constexpr double kTicksPerHalfDistance = 5;

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.insert(0, width - text.size(), ' ');
  return text;
}

// As JavaScript's number format rounds: the shortest decimal that means this double, half of the last place upwards.
// printf would round the double's exact value, and 1.0005 lies a little below.
std::string fixed(double value, std::size_t decimals, std::size_t width) {
  char buffer[400];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed).ptr;
  std::string text(buffer, end);
  if (text.find('.') == std::string::npos) text += '.';
  const std::size_t kept = text.find('.') + 1 + decimals;
  const bool up = text.size() > kept && text[kept] >= '5';
  text.resize(kept, '0');
  std::size_t place = kept;
  for (bool carry = up; carry && place-- > 0;) {
    if (text[place] == '.') continue;
    carry = text[place] == '9';
    text[place] = carry ? '0' : static_cast<char>(text[place] + 1);
    if (carry && place == 0) text.insert(0, 1, '1');
  }
  return padded(std::move(text), width);
}

// The middle of a bucket, in whole ns and upwards, as the tools take it for mean and deviation.
double middle_of(std::uint32_t bucket) {
  const std::uint64_t width = std::uint64_t{1} << hdr_shift(bucket);
  return static_cast<double>(hdr_upper(bucket) + 1 - width + width / 2);
}

struct Moments {
  double mean = 0, deviation = 0;
};

Moments moments_of(const std::map<std::uint32_t, std::uint64_t>& buckets, double total) {
  if (buckets.empty()) return {};
  double sum = 0, squares = 0;
  for (const auto& [bucket, count] : buckets) sum += middle_of(bucket) * static_cast<double>(count);
  const double mean = sum / total;
  for (const auto& [bucket, count] : buckets) {
    const double distance = middle_of(bucket) - mean;
    squares += distance * distance * static_cast<double>(count);
  }
  return {mean, std::sqrt(squares / total)};
}

std::string row(std::uint64_t value, double level, std::uint64_t seen) {
  return fixed(static_cast<double>(value), 3, 12) + " " + fixed(level / 100, 12, 2) + " " +
         padded(std::to_string(seen), 10);
}

// The next level: a fixed step until half of the distance to 100 % is done, then half that step.
double after(double level) {
  return level + 100 / (kTicksPerHalfDistance * std::exp2(std::floor(std::log2(100 / (100 - level))) + 1));
}

}  // namespace

std::string write_hgrm(const SeriesEvidence& series) {
  std::map<std::uint32_t, std::uint64_t> buckets;
  std::uint64_t total = 0;
  for (const Run& run : series.runs)
    for (const TimedBlock& block : run)
      for (const auto& [bucket, count] : hdr_buckets(block.histogram)) buckets[bucket] += count, total += count;

  if (total > kHdrLargestCount) refuse("series of " + std::to_string(total) + " samples; expected at most 2^48");

  std::string text = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n";
  const auto total_as_double = static_cast<double>(total);
  std::uint64_t seen = 0, maximum = 0;
  double level = 0;
  for (const auto& [bucket, count] : buckets) {
    maximum = hdr_upper(bucket);
    seen += count;
    // A value stands in one row for each level that it reaches; the last value's only other row is the one of 100 %.
    while (100 * static_cast<double>(seen) / total_as_double >= level) {
      text += row(maximum, level, seen) + " " + fixed(1 / (1 - level / 100), 2, 14) + "\n";
      level = after(level);
      if (seen == total) break;
    }
  }
  if (total != 0) text += row(maximum, 100, total) + "\n";

  const Moments moments = moments_of(buckets, total_as_double);
  text += "#[Mean    = " + fixed(moments.mean, 3, 12) + ", StdDeviation   = " + fixed(moments.deviation, 3, 12) + "]\n";
  text += "#[Max     = " + fixed(static_cast<double>(maximum), 3, 12) +
          ", Total count    = " + padded(std::to_string(total), 12) + "]\n";
  text += "#[Buckets = " + padded(std::to_string(kHdrOctaves), 12) +
          ", SubBuckets     = " + padded(std::to_string(2 * kHdrHalf), 12) + "]\n";
  return text;
}

}  // namespace tickmlp::bench
