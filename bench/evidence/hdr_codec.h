// SPDX-License-Identifier: Apache-2.0
// One histogram as the HdrHistogram tools exchange it: encoding V2, compressed by zlib, as base64.
#ifndef TICKMLP_BENCH_EVIDENCE_HDR_CODEC_H_
#define TICKMLP_BENCH_EVIDENCE_HDR_CODEC_H_
#include <string>
#include <string_view>

#include "evidence/histogram.h"

namespace tickmlp::bench {

// "HISTFAAA...", without line ends. The text depends on zlib's version, what it says does not. About 0.1 ms.
std::string encode_hdr(const Histogram& histogram);

// Reads back exactly what encode_hdr() was given. Strict: whatever encode_hdr() would not have written is refused, with
// `where` ("box.hlog: line 7") in front of what was seen and what was expected: other base64, another cookie, layout or
// form of the counts, a bucket that is the end of no recorder slot, a total above 2^48. Takes at most 64 KiB of memory
// for whatever is inside.
Histogram decode_hdr(std::string_view base64, const std::string& where);

}  // namespace tickmlp::bench
#endif
