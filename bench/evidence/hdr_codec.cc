// SPDX-License-Identifier: Apache-2.0
#include "evidence/hdr_codec.h"

#include <openssl/evp.h>
#include <zlib.h>

#include <bit>
#include <cstdio>
#include <vector>

#include "cli.h"
#include "evidence/hdr_layout.h"

namespace tickmlp::bench {
namespace {

constexpr std::uint64_t kFirstBeyond = std::uint64_t{1} << 30;
// 3,265 counts of at most 8 bytes, a run of zeros of at most 3 before each, and the header are 36 KB.
constexpr std::size_t kLargestInflated = 65536;

// Numbers of both headers, most significant byte first. A writer writes them; a reader wants to see just these.
struct Field {
  const char* name;
  std::uint64_t value;
  int bytes;
};
using Header = std::vector<Field>;

Header outer_header(std::size_t length) {
  return {{"compressed cookie", 0x1c849314, 4}, {"compressed length", length, 4}};
}

Header inner_header(std::size_t length) {
  return {{"cookie", 0x1c849313, 4},
          {"payload length", length, 4},
          {"normalizing index offset", 0, 4},
          {"significant digits", kHdrDigits, 4},
          {"lowest discernible value", 1, 8},
          {"highest trackable value", kHdrHighestTrackable, 8},
          {"conversion ratio", std::bit_cast<std::uint64_t>(1.0), 8}};
}

constexpr std::size_t kOuterBytes = 8, kInnerBytes = 40;

std::string bytes_of(const Header& header) {
  std::string bytes;
  for (const Field& field : header)
    for (int shift = 8 * (field.bytes - 1); shift >= 0; shift -= 8)
      bytes += static_cast<char>(field.value >> shift & 0xFF);
  return bytes;
}

[[noreturn]] void fail(const std::string& where, const std::string& what) { refuse(where + ": histogram: " + what); }

void check_header(std::string_view bytes, const Header& header, const std::string& where) {
  for (const Field& field : header) {
    std::uint64_t seen = 0;
    for (int i = 0; i < field.bytes; ++i) seen = seen << 8 | static_cast<unsigned char>(bytes[i]);
    bytes.remove_prefix(static_cast<std::size_t>(field.bytes));
    char text[128];
    std::snprintf(text, sizeof text, "%s 0x%llx; expected 0x%llx", field.name, static_cast<unsigned long long>(seen),
                  static_cast<unsigned long long>(field.value));
    if (seen != field.value) fail(where, text);
  }
}

// LEB128: seven bits a byte, the lowest first, the top bit set on all but the last.
void put_varint(std::uint64_t value, std::string* bytes) {
  for (; value >= 0x80; value >>= 7) *bytes += static_cast<char>(value | 0x80);
  *bytes += static_cast<char>(value);
}

// ZigZag: a count n is 2n; a run of n > 1 empty buckets is -n, written 2n - 1. Ends with the last bucket that is not
// empty; a histogram without any has one count of 0.
std::string payload_of(const HdrBuckets& buckets) {
  std::string bytes;
  std::uint32_t next = 0;
  for (const auto& [bucket, count] : buckets) {
    const std::uint32_t zeros = bucket - next;
    if (zeros == 1) put_varint(0, &bytes);
    if (zeros > 1) put_varint(2 * std::uint64_t{zeros} - 1, &bytes);
    put_varint(2 * count, &bytes);
    next = bucket + 1;
  }
  if (buckets.empty()) put_varint(0, &bytes);
  return bytes;
}

std::uint64_t take_varint(std::string_view* bytes, const std::string& where) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) {
    if (bytes->empty()) fail(where, "the counts end inside a number");
    const auto byte = static_cast<unsigned char>(bytes->front());
    bytes->remove_prefix(1);
    value |= std::uint64_t{byte & 0x7Fu} << (7 * i);
    if (byte < 0x80) return value;
  }
  fail(where, "a number of more than 8 bytes; expected counts up to 2^48");
}

HdrBuckets buckets_of(std::string_view payload, const std::string& where) {
  HdrBuckets buckets;
  std::uint64_t total = 0, bucket = 0;
  for (std::string_view rest = payload; !rest.empty();) {
    const std::uint64_t number = take_varint(&rest, where), count = number / 2;
    const bool zeros = number % 2 == 1;
    if (!zeros && count != 0) buckets.emplace_back(static_cast<std::uint32_t>(bucket), count);
    if (!zeros) total += count;
    if (total > kHdrLargestCount) fail(where, "more than 2^48 samples");
    bucket += zeros ? count + 1 : 1;
    if (bucket > kHdrBuckets)
      fail(where, std::to_string(bucket) + " buckets; expected at most " + std::to_string(kHdrBuckets));
  }
  if (payload_of(buckets) != payload)
    fail(where, "counts in another form than the shortest; expected no trailing or separate zeros");
  return buckets;
}

Histogram histogram_of(const HdrBuckets& buckets, const std::string& where) {
  Histogram histogram;
  for (const auto& [bucket, count] : buckets) {
    const std::uint64_t upper = hdr_upper(bucket);
    if (upper >= kFirstBeyond) {
      if (histogram.beyond != 0) fail(where, "two buckets beyond 2^30 ns; expected all such samples in the last one");
      histogram.beyond = count;
      histogram.beyond_maximum = upper;
      continue;
    }
    const std::uint32_t slot = tickmlp_recorder_slot(upper);
    if (tickmlp_recorder_slot_upper(slot) != upper)
      fail(where, "a bucket that ends at " + std::to_string(upper) + " ns; expected the end of a recorder slot, " +
                      std::to_string(tickmlp_recorder_slot_upper(slot)));
    histogram.slots.emplace_back(slot, count);
  }
  return histogram;
}

std::string to_base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // OpenSSL ends it with a zero
  text.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                                       reinterpret_cast<const unsigned char*>(bytes.data()),
                                                       static_cast<int>(bytes.size()))));
  return text;
}

std::string from_base64(std::string_view text, const std::string& where) {
  if (text.size() % 4 != 0 || text.empty() || text.size() > 2 * kLargestInflated)
    fail(where, std::to_string(text.size()) + " characters of base64; expected a multiple of 4, 4 to " +
                    std::to_string(2 * kLargestInflated));
  std::string bytes(3 * (text.size() / 4), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  // OpenSSL counts the padding as bytes, and lets blanks and bits behind the end pass: encoding again shows them.
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  bytes.resize(bytes.size() - padding);
  if (size < 0 || to_base64(bytes) != text) fail(where, "malformed base64");
  return bytes;
}

std::string inflated(std::string_view compressed, const std::string& where) {
  std::string bytes(kLargestInflated, '\0');
  uLongf size = bytes.size();
  uLong used = compressed.size();
  const int status = uncompress2(reinterpret_cast<Bytef*>(bytes.data()), &size,
                                 reinterpret_cast<const Bytef*>(compressed.data()), &used);
  if (status == Z_BUF_ERROR) fail(where, "more than 64 KiB uncompressed; the largest histogram takes 36 KB");
  if (status != Z_OK || used != compressed.size()) fail(where, "malformed zlib stream");
  bytes.resize(size);
  return bytes;
}

}  // namespace

HdrBuckets hdr_buckets(const Histogram& histogram) {
  HdrBuckets buckets;
  for (const auto& [slot, count] : histogram.slots)
    buckets.emplace_back(hdr_bucket(tickmlp_recorder_slot_upper(slot)), count);
  if (histogram.beyond != 0) buckets.emplace_back(hdr_bucket(histogram.beyond_maximum), histogram.beyond);
  return buckets;
}

std::string encode_hdr(const Histogram& histogram) {
  const std::string payload = payload_of(hdr_buckets(histogram));
  const std::string bytes = bytes_of(inner_header(payload.size())) + payload;
  std::string compressed(compressBound(bytes.size()), '\0');
  uLongf size = compressed.size();
  if (compress2(reinterpret_cast<Bytef*>(compressed.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
                bytes.size(), Z_BEST_COMPRESSION) != Z_OK)
    refuse("zlib cannot compress a histogram: out of memory");
  compressed.resize(size);
  return to_base64(bytes_of(outer_header(size)) + compressed);
}

Histogram decode_hdr(std::string_view base64, const std::string& where) {
  const std::string wrapped = from_base64(base64, where);
  if (wrapped.size() < kOuterBytes) fail(where, std::to_string(wrapped.size()) + " bytes; expected at least 8");
  check_header(wrapped, outer_header(wrapped.size() - kOuterBytes), where);
  const std::string bytes = inflated(std::string_view(wrapped).substr(kOuterBytes), where);
  if (bytes.size() < kInnerBytes)
    fail(where, std::to_string(bytes.size()) + " bytes uncompressed; expected at least 40");
  check_header(bytes, inner_header(bytes.size() - kInnerBytes), where);
  return histogram_of(buckets_of(std::string_view(bytes).substr(kInnerBytes), where), where);
}

}  // namespace tickmlp::bench
