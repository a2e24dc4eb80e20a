// SPDX-License-Identifier: Apache-2.0
#include "serve/engine/split.h"

#include <cmath>
#include <sstream>

#include "serve/read_number.h"
#include "serve/repository/scan.h"

namespace tickmlp::serve {
Refusal add_split(std::string_view text, Splits* out) {
  const auto wrong = [&](const std::string& why) {
    return Refusal{Code::bad_request,
                   "split " + std::string(text) + ": " + why + ": expected NAME=MODEL:90%,MODEL:10%[,salt=N]"};
  };
  const std::size_t equals = text.find('=');
  const std::string name(text.substr(0, equals));
  if (equals == std::string_view::npos || !is_model_name(name)) return wrong("no name");
  Split split{};
  std::vector<std::uint32_t> shares;
  std::uint64_t salt = 0;
  double sum = 0;
  std::uint32_t before = 0;
  std::istringstream arms{std::string(text.substr(equals + 1))};
  for (std::string arm; std::getline(arms, arm, ',');) {
    if (arm.starts_with("salt=")) {
      if (!read_number(std::string_view(arm).substr(5), &salt)) return wrong("no salt: " + arm);
      continue;
    }
    const std::size_t colon = arm.rfind(':');
    double percent = 0;
    if (colon == std::string::npos || !arm.ends_with('%') || !is_model_name(arm.substr(0, colon)) ||
        !read_number(std::string_view(arm).substr(colon + 1, arm.size() - colon - 2), &percent) || !(percent >= 0))
      return wrong("no arm: " + arm);
    // Ends are rounded, not shares: so they add up.
    sum += percent;
    const auto end = static_cast<std::uint32_t>(std::lround(std::fmin(sum, 100) / 100 * TICKMLP_SPLIT_WHOLE));
    shares.push_back(end - before);
    before = end;
    split.models.push_back(arm.substr(0, colon));
  }
  if (std::abs(sum - 100) > 1e-6) return wrong("shares of " + std::to_string(sum) + "% in all");
  tickmlp_error error{};
  if (tickmlp_split_make(shares.data(), shares.size(), salt, &split.split, &error) != TICKMLP_OK)
    return wrong(error.message);
  if (!out->emplace(name, std::move(split)).second) return wrong("the name stands twice");
  return {};
}

}  // namespace tickmlp::serve
