// SPDX-License-Identifier: Apache-2.0
// What the declarations of the subcommands share: help and checks.
#ifndef TICKMLP_BENCH_OPTIONS_H_
#define TICKMLP_BENCH_OPTIONS_H_
#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace tickmlp::bench {

class ComparatorSource;

using Action = std::function<int()>;  // what main runs once the command line is understood

// The end of each command's help: examples, then the exit codes.
std::string footer(const std::string& examples);

// CLI11's own number check takes 1e30 for a huge sample count's prefix; this one says what it wants.
CLI::Validator whole_number(std::int64_t low, std::int64_t high);

// A time with its unit, from `low` to `high` ("1ms", "720h"), becomes a number of units of so many ns. For transform().
CLI::Validator time_between(const std::string& low, const std::string& high, double unit_ns = 1);

// Of the command that was asked for. A script's `--json "$OUT"` without an OUT must not be taken for no --json at all.
void refuse_empty_values(const CLI::App& app);

// Each adds its command, or commands. `command_line` is what reproduces this run; *action is set when the command
// is the one that was asked for.
using AddCommand = void(CLI::App* app, const std::string& command_line, Action* action);
AddCommand add_certify;
AddCommand add_verify;
AddCommand add_page;
AddCommand add_history;
AddCommand add_compare;
AddCommand add_monitor;
AddCommand add_team;
AddCommand add_swap;
AddCommand add_shadow;
AddCommand add_watch;  // where libtickmlp-watch is built
AddCommand add_serve;  // where tools/serve is built
AddCommand add_run;
AddCommand add_throughput;
AddCommand add_descriptions;
AddCommand add_doctor;
AddCommand add_growth;

// The same certify with other systems in it, for a program that has some. Returns the command, for more options.
CLI::App* add_certify_with(CLI::App* app, const std::string& command_line, std::shared_ptr<ComparatorSource> others,
                           Action* action);

}  // namespace tickmlp::bench
#endif
