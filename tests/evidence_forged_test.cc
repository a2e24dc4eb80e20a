// SPDX-License-Identifier: Apache-2.0
// Evidence logs that were damaged or made to mislead: each refused by name, none of them read as something else.
#include <doctest/doctest.h>

#include <openssl/evp.h>
#include <zlib.h>

#include <cstdint>
#include <string>

#include "cli.h"
#include "evidence/hdr_codec.h"
#include "evidence/hlog.h"
#include "evidence_sample.h"

using namespace tickmlp::bench;

namespace {

std::string big_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 0xFF);
  return text;
}

std::string base64(const std::string& bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  text.pop_back();
  return text;
}

std::string deflated(const std::string& bytes) {
  std::string out(compressBound(bytes.size()), '\0');
  uLongf size = out.size();
  REQUIRE_EQ(
      compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()),
      Z_OK);
  out.resize(size);
  return out;
}

// The outer header round any stream, and the stream round any content.
std::string wrapped(const std::string& stream, std::uint64_t cookie = 0x1c849314, std::size_t more = 0) {
  return base64(big_endian(cookie, 4) + big_endian(stream.size() + more, 4) + stream);
}

struct Inner {
  std::uint64_t cookie = 0x1c849313, more = 0, offset = 0, digits = 3, lowest = 1, highest = 3'600'000'000'000,
                ratio = 0x3FF0000000000000;
  std::string of(const std::string& payload) const {
    return wrapped(deflated(big_endian(cookie, 4) + big_endian(payload.size() + more, 4) + big_endian(offset, 4) +
                            big_endian(digits, 4) + big_endian(lowest, 8) + big_endian(highest, 8) +
                            big_endian(ratio, 8) + payload));
  }
};

std::string payload(std::initializer_list<int> bytes) { return {bytes.begin(), bytes.end()}; }

std::string refusal(const std::string& text) {
  try {
    decode_hdr(text, "box.hlog: line 7");
  } catch (const Failure& failure) {
    CHECK_EQ(failure.exit_code, 4);
    CHECK_EQ(failure.message.find("box.hlog: line 7: histogram: "), 0);
    return failure.message;
  }
  return "taken";
}

std::string log_refusal(const std::string& text) {
  try {
    read_hlog(text, "box.hlog");
  } catch (const Failure& failure) {
    CHECK_EQ(failure.exit_code, 4);
    CHECK_EQ(failure.message.find("box.hlog: line "), 0);
    return failure.message;
  }
  return "taken";
}

bool has(const std::string& text, const std::string& words) { return text.find(words) != std::string::npos; }

std::string one_sample() { return Inner().of(payload({2})); }  // of 0 ns

std::string small_log() {
  std::mt19937_64 random(3);
  Evidence evidence = random_evidence(random, 1, 2, 1);
  evidence["tick-hot"] = {{{{0.5, 0.25, {{{871, 4096}}, 0, 0}}, {90, 0, {{{871, 1}}, 1, 1074790399}}}}};
  return write_hlog(evidence, "2026-01-31T23:59:59Z");
}

std::string header() {
  const std::string log = small_log();
  return log.substr(0, log.find("Tag="));
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  REQUIRE(has(text, what));
  return text.replace(text.find(what), what.size(), by);
}

}  // namespace

TEST_CASE("forged histograms are refused by name") {
  const std::string good = one_sample();
  CHECK(decode_hdr(good, "") == Histogram{{{0, 1}}, 0, 0});
  CHECK(has(refusal(""), "0 characters of base64; expected a multiple of 4"));
  CHECK(has(refusal(good.substr(0, good.size() - 1)), "characters of base64"));
  CHECK(has(refusal(std::string(200000, 'A')), "200000 characters of base64"));
  CHECK(has(refusal("HIST"), "3 bytes; expected at least 8"));
  for (const char* text : {"HI T", "HI\nT", "H===", "=IST", "HIST====", "HI=T", "    ", "HIS\xC3", "HR=="})
    CHECK_MESSAGE(has(refusal(text), "malformed base64"), text);

  const std::string stream = deflated(std::string(40, '\0'));
  CHECK(has(refusal(wrapped(stream, 0x1c849304)), "compressed cookie 0x1c849304; expected 0x1c849314"));
  CHECK(has(refusal(wrapped(stream, 0x1c849302)), "compressed cookie 0x1c849302; expected 0x1c849314"));
  CHECK(has(refusal(wrapped(stream, 0x1c849314, 1)), "compressed length"));
  CHECK(has(refusal(wrapped(deflated(std::string(39, '\0')))), "39 bytes uncompressed; expected at least 40"));
  CHECK(has(refusal(wrapped(deflated(std::string(65537, '\0')))), "more than 64 KiB uncompressed"));
  CHECK(has(refusal(wrapped(deflated(std::string(std::size_t{50} << 20, '\0')))), "more than 64 KiB uncompressed"));
  CHECK(has(refusal(wrapped("")), "malformed zlib stream"));
  CHECK(has(refusal(wrapped(stream.substr(0, stream.size() - 1))), "malformed zlib stream"));
  CHECK(has(refusal(wrapped(stream + "x")), "malformed zlib stream"));
  CHECK(has(refusal(wrapped("no zlib at all")), "malformed zlib stream"));
}

TEST_CASE("forged headers of a histogram are refused by name") {
  const std::string one = payload({2});
  CHECK(has(refusal(Inner{.cookie = 0x1c849303}.of(one)), "cookie 0x1c849303; expected 0x1c849313"));
  CHECK(has(refusal(Inner{.more = 1}.of(one)), "payload length 0x2; expected 0x1"));
  CHECK(has(refusal(Inner{.offset = 1}.of(one)), "normalizing index offset"));
  CHECK(has(refusal(Inner{.digits = 2}.of(one)), "significant digits 0x2; expected 0x3"));
  CHECK(has(refusal(Inner{.lowest = 1000}.of(one)), "lowest discernible value"));
  CHECK(has(refusal(Inner{.highest = ~0ull}.of(one)), "highest trackable value 0xffffffffffffffff"));
  CHECK(has(refusal(Inner{.ratio = 0}.of(one)), "conversion ratio"));
}

TEST_CASE("forged counts are refused by name") {
  const auto refused = [](const std::string& counts) { return refusal(Inner().of(counts)); };
  CHECK(has(refused(""), "another form"));
  CHECK(has(refused(payload({2, 0})), "another form"));     // a zero at the end
  CHECK(has(refused(payload({0, 0, 2})), "another form"));  // two zeros, not as a run
  CHECK(has(refused(payload({1, 2})), "another form"));     // a run of one
  CHECK(has(refused(payload({3, 3, 2})), "another form"));  // two runs
  CHECK(has(refused(payload({3})), "another form"));        // nothing but zeros
  CHECK(has(refused(payload({0x82, 0})), "another form"));  // a number longer than it need be
  CHECK(has(refused(payload({0x80})), "end inside a number"));
  const std::string ones(8, '\xFF');
  CHECK(has(refused(ones + "\x01"), "a number of more than 8 bytes"));
  CHECK(has(refused(ones.substr(1) + "\x7F"), "buckets; expected at most 33792"));  // a run of 2^55 zeros
  CHECK(has(refused(payload({0xFF, 0x8F, 0x04, 2})), "33793 buckets; expected at most 33792"));
  CHECK(has(refused("\xFE" + ones.substr(2) + "\x7F"), "more than 2^48 samples"));
  CHECK(has(refused(payload({0xFF, 0x1F, 2})),
            "a bucket that ends at 2049 ns; expected the end of a recorder slot, 2079"));
  const std::string far_out = payload({0xFF, 0x9F, 0x03});  // 26,624 zeros; 2^30 ns is bucket 21,504
  CHECK(has(refused(far_out + payload({2, 2})), "two buckets beyond 2^30 ns"));
}

TEST_CASE("forged lines of a log are refused by name") {
  const std::string start = header(), tail = "," + one_sample() + "\n";
  const auto refused = [&](const std::string& lines) { return log_refusal(start + lines); };
  CHECK_EQ(refused("Tag=a.run-1,0.000,0.000,0.000" + tail), "taken");
  CHECK_EQ(refused("Tag=a.run-1,1.000,0.000,0.000" + tail + "Tag=a.run-2,1.000,0.000,0.000" + tail), "taken");
  for (const char* lines :
       {"\n", "#[a comment]\n", "Tag=a.run-1,0.000,0.000,HISTFAAA\n", "0.000,0.000,0.000,HISTFAAA\n"})
    CHECK_MESSAGE(has(refused(lines), "expected Tag=SERIES.run-N,BEGIN,SECONDS,MAX,HISTOGRAM"), lines);
  for (const char* tag :
       {"", "Tag=", "Tag=.run-1", "Tag=A.run-1", "Tag=a", "tag=a.run-1", "Tag=a b.run-1", "Tag=a.b.run-1"})
    CHECK_MESSAGE(has(refused(tag + (",0.000,0.000,0.000" + tail)), "expected Tag=SERIES.run-N with a SERIES"), tag);
  for (const char* tag :
       {"Tag=a.run-0", "Tag=a.run-2", "Tag=a.run-01", "Tag=a.run-", "Tag=a.run-1 ", "Tag=a.run-1.run-1"})
    CHECK_MESSAGE(has(refused(tag + (",0.000,0.000,0.000" + tail)), "expected Tag=a.run-1"), tag);
  for (const char* time : {"", "-0.001", "-0", "nan", "inf", "x", "1000000000.001", "1e99"})
    CHECK_MESSAGE(!has(refused("Tag=a.run-1," + (time + (",0.000,0.000" + tail))), "taken"), time);
  for (const char* time : {"0", "0.00", "0.0000", "00.000", "0.0001", "0.000 ", "1e0", "+0.000", "0x1"})
    CHECK_MESSAGE(!has(refused("Tag=a.run-1,0.000," + (time + (",0.000" + tail))), "taken"), time);
  CHECK(has(refused("Tag=a.run-1,0.000,0.000,0.001" + tail), "expected Tag=a.run-1,0.000,0.000,0.000,"));
  CHECK(has(refused("Tag=a.run-1,0.000,0.000,0.000,x" + tail), "box.hlog: line 6: histogram: "));
  CHECK(has(refused("Tag=a.run-1,0.001,0.000,0.000" + tail + "Tag=a.run-1,0.000,0.000,0.000" + tail),
            "begins no earlier"));
  CHECK(has(refused("Tag=a.run-1,0.000,0.000,0.000,HISTFAAA"), "expected a line that ends with a newline"));
  const std::string large = encode_hdr({{{0, std::uint64_t{1} << 47}}, 0, 0}) + "\n";
  const std::string half = "Tag=a.run-1,0.000,0.000,0.000," + large;
  CHECK_EQ(refused(half + half), "taken");
  CHECK(has(refused(half + half + half), "a log of at most 2^48 samples in all"));
}

TEST_CASE("forged headers of a log are refused by name") {
  const std::string start = header();
  CHECK_EQ(log_refusal(start), "taken");
  CHECK(has(log_refusal(""), "line 1: seen \"\"; expected a line that ends with a newline"));
  CHECK(has(log_refusal(replaced(start, "1.3", "1.2")),
            "line 2: seen \"#[Histogram log format version 1.2]\"; expected"));
  CHECK(has(log_refusal(replaced(start, "#[BaseTime", "#[Basetime")), "line 4"));
  CHECK(has(log_refusal(replaced(start, "BaseTime: 1769903999", "BaseTime: 0")), "line 4"));
  CHECK(has(log_refusal(replaced(start, "Jan 31", "Jan 30")), "line 3"));
  CHECK(has(log_refusal(replaced(start, "StartTime: 1769903999", "StartTime: 999999999999999999")), "line 3"));
  CHECK(has(log_refusal(replaced(start, "Interval_Max", "Max")), "line 5"));
  CHECK(has(log_refusal(replaced(start, "\n", "\r\n")), "line 1"));
}

// Names and times are plain text, where one bit makes another name or time: the digest of the file holds those.
TEST_CASE("no single bit changes a histogram or the header, and no cut but between lines goes unseen") {
  const std::string log = small_log();
  const Evidence evidence = read_hlog(log, "box.hlog");
  std::size_t tried = 0, refused = 0;
  for (std::size_t place = 0; place < log.size(); ++place) {
    const std::size_t line = log.rfind('\n', place) + 1, histogram = log.find("HISTF", line);
    if (line >= header().size() && place < histogram) continue;
    for (int bit = 0; bit < 8; ++bit, ++tried) {
      std::string damaged = log;
      damaged[place] = static_cast<char>(damaged[place] ^ (1 << bit));
      try {
        const bool same = read_hlog(damaged, "box.hlog") == evidence;  // a bit that only fills up a zlib stream
        CHECK_MESSAGE(same, "bit ", bit, " of byte ", place);
      } catch (const Failure&) {
        ++refused;
      }
    }
  }
  CHECK_GT(tried, 4000);
  CHECK_GT(refused, tried - 100);
  for (std::size_t size = 0; size < log.size(); ++size)
    if (size < header().size() || log[size - 1] != '\n') CHECK_THROWS_AS(read_hlog(log.substr(0, size), ""), Failure);
}
