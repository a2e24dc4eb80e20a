// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <charconv>
#include <iomanip>
#include <limits>
#include <sstream>

#include "cli.h"

namespace tickmlp::bench {
namespace {

constexpr const char* kExitCodes =
    "Exit codes: 0 done (certify: PASS), 1 FAIL, 2 wrong usage, 3 INCONCLUSIVE, 4 refused input or I/O,\n"
    "128 + signal when interrupted.";

}  // namespace

std::string footer(const std::string& examples) { return "\nExamples:\n" + examples + "\n" + kExitCodes; }

CLI::Validator whole_number(std::int64_t low, std::int64_t high) {
  return CLI::Validator(
      [=](std::string& text) -> std::string {
        std::int64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error == std::errc() && end == text.data() + text.size() && value >= low && value <= high) return "";
        return "\"" + printable(text) + "\": expected a whole number from " + std::to_string(low) + " to " +
               std::to_string(high);
      },
      "N", "whole_number");
}

CLI::Validator time_between(const std::string& low, const std::string& high, double unit_ns) {
  // CLI11 says by an exception, or by text, what is no number or has no unit; a unit alone it takes for 1.
  const auto ns_of = [](std::string text) {
    static const CLI::AsNumberWithUnit kNumber(
        std::map<std::string, double>{{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 6e10}, {"h", 3.6e12}},
        CLI::AsNumberWithUnit::UNIT_REQUIRED);
    try {
      if (text.find_first_of("0123456789") == 0 && kNumber(text).empty()) return std::stod(text);
    } catch (const CLI::ValidationError&) {
    } catch (const std::out_of_range&) {
    }
    return std::numeric_limits<double>::quiet_NaN();
  };
  return CLI::Validator(
      [=, least = ns_of(low), most = ns_of(high)](std::string& text) -> std::string {
        const double ns = ns_of(text);
        if (!(ns >= least && ns <= most))
          return "\"" + printable(text) + "\": expected a time from " + low + " to " + high + ", with its unit";
        std::ostringstream number;
        number << std::setprecision(17) << ns / unit_ns;
        text = number.str();
        return "";
      },
      "", "time");
}

void refuse_empty_values(const CLI::App& app) {
  for (const CLI::App* command : app.get_subcommands())
    for (const CLI::Option* option : command->get_options())
      for (const std::string& value : option->results())
        if (value.empty() && !option->get_positional())
          wrong_usage(option->get_name() + " \"\": expected a value, or no " + option->get_name());
}

}  // namespace tickmlp::bench
