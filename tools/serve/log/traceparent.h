// SPDX-License-Identifier: Apache-2.0
#ifndef TICKMLP_SERVE_LOG_TRACEPARENT_H_
#define TICKMLP_SERVE_LOG_TRACEPARENT_H_
#include <string_view>

namespace tickmlp::serve {

// The header's four parts as W3C Trace Context has them, "00-<32 hex>-<16 hex>-<2 hex>": 55 characters, of a later
// version its first 55. Empty where it is malformed: then it is as if the header were not there.
std::string_view valid_traceparent(std::string_view value);

}  // namespace tickmlp::serve
#endif
