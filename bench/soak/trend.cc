// SPDX-License-Identifier: Apache-2.0
#include "soak/trend.h"

#include <algorithm>

namespace tickmlp::bench {
namespace {

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return 0.5 * (*middle + *std::max_element(values.begin(), middle));
}

}  // namespace

std::optional<Tenths> compare_tenths(const std::vector<double>& series) {
  if (series.size() < 2) return std::nullopt;
  const auto length = static_cast<std::ptrdiff_t>(std::max<std::size_t>(1, series.size() / 10));
  const std::vector<double> first(series.begin(), series.begin() + length), last(series.end() - length, series.end());
  Tenths tenths{first.size(), median(first), median(last), epoch_interval(first), epoch_interval(last), 0, {0, 0}};
  if (!(tenths.first_range.low > 0)) return std::nullopt;
  tenths.change = tenths.last / tenths.first - 1;
  tenths.change_range = {tenths.last_range.low / tenths.first_range.high - 1,
                         tenths.last_range.high / tenths.first_range.low - 1};
  return tenths;
}

double robust_slope(const std::vector<double>& x, const std::vector<double>& y) {
  std::vector<double> slopes;
  slopes.reserve(x.size() * x.size() / 2);
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t k = i + 1; k < x.size(); ++k)
      if (x[k] > x[i]) slopes.push_back((y[k] - y[i]) / (x[k] - x[i]));
  return slopes.empty() ? 0 : median(std::move(slopes));
}

}  // namespace tickmlp::bench
