// SPDX-License-Identifier: Apache-2.0
// The buckets of an HdrHistogram of three significant digits from 1 ns to an hour, which the files for the HdrHistogram
// tools are written in. The first 2,048 buckets are 1 ns wide, and each octave above has 1,024. A recorder's slots are
// as wide or wider (64 an octave), and the end of each slot is the end of a bucket: counted there, nothing is lost.
#ifndef TICKMLP_BENCH_EVIDENCE_HDR_LAYOUT_H_
#define TICKMLP_BENCH_EVIDENCE_HDR_LAYOUT_H_
#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "evidence/histogram.h"

namespace tickmlp::bench {

inline constexpr std::uint64_t kHdrHighestTrackable = 3'600'000'000'000;  // an hour in ns
inline constexpr std::uint32_t kHdrDigits = 3;
inline constexpr int kHdrSubBucketBits = 11;      // 2,048, the power of two at or above 2 * 10^3
inline constexpr std::uint32_t kHdrHalf = 1024;   // buckets of an octave above the first 2,048
inline constexpr std::uint32_t kHdrOctaves = 32;  // 2,048 << 31 is the first such bound above an hour: 73 minutes
inline constexpr std::uint32_t kHdrBuckets = (kHdrOctaves + 1) * kHdrHalf;

// Of samples in all. The tools count percentiles in doubles, which carry no more levels near 100 % for larger totals.
// One sample every 20 ns takes two months to get there.
inline constexpr std::uint64_t kHdrLargestCount = std::uint64_t{1} << 48;

constexpr std::uint32_t hdr_bucket(std::uint64_t value) {
  const int shift = std::max(0, static_cast<int>(std::bit_width(value)) - kHdrSubBucketBits);
  return static_cast<std::uint32_t>(shift) * kHdrHalf + static_cast<std::uint32_t>(value >> shift);
}

constexpr int hdr_shift(std::uint32_t bucket) {
  return bucket < 2 * kHdrHalf ? 0 : static_cast<int>(bucket / kHdrHalf) - 1;
}

// The largest value that falls into a bucket below kHdrBuckets.
constexpr std::uint64_t hdr_upper(std::uint32_t bucket) {
  const int shift = hdr_shift(bucket);
  return ((std::uint64_t{bucket} - static_cast<std::uint32_t>(shift) * kHdrHalf + 1) << shift) - 1;
}

static_assert(hdr_bucket(kHdrHighestTrackable) < kHdrBuckets && hdr_upper(kHdrBuckets - 1) == (1ull << 42) - 1);

// (bucket, count > 0), ascending.
using HdrBuckets = std::vector<std::pair<std::uint32_t, std::uint64_t>>;

// Each slot's count in the bucket of its upper edge; what lies beyond 2^30 ns in the bucket of its largest value, since
// no other is known.
HdrBuckets hdr_buckets(const Histogram& histogram);

}  // namespace tickmlp::bench
#endif
