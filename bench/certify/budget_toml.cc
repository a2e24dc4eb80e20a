// SPDX-License-Identifier: Apache-2.0
#include <toml++/toml.h>

#include <algorithm>

#include "certify/budget_file.h"
#include "cli.h"

namespace tickmlp::bench {
namespace {

std::string at(const toml::source_region& region, const std::string& wrong) {
  return "line " + std::to_string(region.begin.line) + ": " + wrong;
}

std::string type_of(const toml::node& node) {
  std::string name;
  switch (node.type()) {
    case toml::node_type::none: return "nothing";
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "an array";
    case toml::node_type::string: return "a string";
    case toml::node_type::integer: return "an integer";
    case toml::node_type::floating_point: return "a number";
    case toml::node_type::boolean: return "a boolean";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time: return "a date or time of day";
  }
  return "nothing";
}

// toml++ keeps its tables sorted by key; errors and budgets are wanted in the file's order.
std::vector<std::pair<const toml::key*, const toml::node*>> in_order(const toml::table& table) {
  std::vector<std::pair<const toml::key*, const toml::node*>> entries;
  for (const auto& [key, node] : table) entries.emplace_back(&key, &node);
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    const auto &x = a.first->source().begin, &y = b.first->source().begin;
    return x.line != y.line ? x.line < y.line : x.column < y.column;
  });
  return entries;
}

std::string take_entry(const std::string& scenario, const toml::key& key, const toml::node& node,
                       std::vector<Budget>* budgets) {
  const std::string figure(key.str());
  if (node.is_table())
    return at(key.source(), in_quotes(figure) +
                                " is a table: expected a time. A figure with a dot in its name stands in "
                                "quotes, as in \"p99.9\" = \"5us\"");
  const auto time = node.value_exact<std::string>();
  if (!time)
    return at(node.source(), in_quotes(figure) + " is " + type_of(node) + ": expected a time in quotes, as in \"1us\"");
  const std::string wrong = add_budget(scenario, figure, *time, budgets);
  return wrong.empty() ? "" : at(key.source(), wrong);
}

}  // namespace

std::string parse_budget_toml(std::string_view text, std::vector<Budget>* budgets) {
  toml::table root;
  try {
    root = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return at(error.source(), printable(error.description()) +
                                  ": expected tables such as [full-hot] with lines such as p99 = \"1us\" (a figure "
                                  "with a dot in its name in quotes)");
  }
  for (const auto& [scenario, node] : in_order(root)) {
    const toml::table* table = node->as_table();
    if (table == nullptr)
      return at(scenario->source(), in_quotes(scenario->str()) + " is " + type_of(*node) +
                                        ": expected a scenario's table above it, such as [full-hot]");
    if (table->empty())
      return at(scenario->source(),
                "[" + printable(scenario->str()) + "] is empty: expected a budget such as p99 = \"1us\"");
    for (const auto& [key, value] : in_order(*table))
      if (const std::string wrong = take_entry(std::string(scenario->str()), *key, *value, budgets); !wrong.empty())
        return wrong;
  }
  return root.empty() ? "line 1: no budget: expected tables such as [full-hot] with lines such as p99 = \"1us\"" : "";
}

}  // namespace tickmlp::bench
