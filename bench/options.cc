// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <charconv>

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

void refuse_empty_values(const CLI::App& app) {
  for (const CLI::App* command : app.get_subcommands())
    for (const CLI::Option* option : command->get_options())
      for (const std::string& value : option->results())
        if (value.empty() && !option->get_positional())
          wrong_usage(option->get_name() + " \"\": expected a value, or no " + option->get_name());
}

}  // namespace tickmlp::bench
