// SPDX-License-Identifier: Apache-2.0
// Names that stand for several models, of which a request's key chooses one: the library's split over a table of names.
#ifndef TICKMLP_SERVE_ENGINE_SPLIT_H_
#define TICKMLP_SERVE_ENGINE_SPLIT_H_
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "serve/key.h"
#include "serve/refusal.h"
#include "tickmlp.h"

namespace tickmlp::serve {

struct Split {
  std::vector<std::string> models;  // one an arm
  tickmlp_split split;
};

// Immutable once made; any thread.
using Splits = std::map<std::string, Split, std::less<>>;

// "NAME=MODEL:SHARE%,MODEL:SHARE%[,salt=N]", in whole or broken percents that add up to 100. Refused: bad_request.
Refusal add_split(std::string_view text, Splits* out);

inline std::uint64_t key_of(std::string_view text) { return key_of(text.data(), text.size()); }

}  // namespace tickmlp::serve
#endif
