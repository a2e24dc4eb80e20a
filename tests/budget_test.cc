// SPDX-License-Identifier: Apache-2.0
// Budgets on the command line and in files: what is taken, and what each refusal says.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "certify/budget_file.h"

using namespace tickmlp::bench;

namespace {

bool has(const std::string& text, const std::string& words) { return text.find(words) != std::string::npos; }

std::string parse_line(const std::string& text) {
  std::vector<Budget> budgets;
  return parse_budgets(text, "full-hot", &budgets);
}

struct Wrong {
  std::string text;
  const char* line;  // "" where any will do
  const char* words;
};

}  // namespace

TEST_CASE("budgets of a command line") {
  std::vector<Budget> budgets;
  CHECK_EQ(
      parse_budgets("p99=1us,tick-hot:p99.9=2.5ms,mean=250ns,full-response-poisson-100k:max=1s", "full-hot", &budgets),
      "");
  REQUIRE_EQ(budgets.size(), 4);
  CHECK_EQ(budgets[0].scenario, "full-hot");
  CHECK_EQ(budgets[0].figure, "p99");
  CHECK_EQ(budgets[0].ns, 1000);
  CHECK_EQ(budgets[1].scenario, "tick-hot");
  CHECK_EQ(budgets[1].ns, 2.5e6);
  CHECK_EQ(budgets[2].scenario, "full-hot");  // each stands alone
  CHECK_EQ(budgets[3].scenario, "full-response-poisson-100k");
  CHECK_EQ(budgets[3].ns, 1e9);
  // The same figure of another scenario is another budget; of the same one it is not, however the rate is written.
  CHECK_EQ(parse_budgets("tick-hot:p99=1us", "full-hot", &budgets), "");
  CHECK(has(parse_budgets("full-response-poisson-100000:max=2s", "full-hot", &budgets), "two budgets for max"));
  CHECK_EQ(budgets.size(), 5);
  CHECK_EQ(parse_budgets("p50=0.014us", "tick-hot", &budgets), "");
  CHECK_EQ(budgets.back().scenario, "tick-hot");
  CHECK_EQ(budgets.back().ns, 14);
}

TEST_CASE("what is wrong with a budget is said, and what was expected") {
  for (const auto& [text, words] :
       std::vector<std::pair<std::string, const char*>>{{"", "expected [SCENARIO:]FIGURE=TIME"},
                                                        {"p99", "expected [SCENARIO:]FIGURE=TIME"},
                                                        {"p99=1us,", "expected [SCENARIO:]FIGURE=TIME"},
                                                        {"=1us", "unknown figure \"\""},
                                                        {"p98=1us", "expected one of central, mean, min, p50"},
                                                        {"p99=", "is no time"},
                                                        {"p99=1", "its unit ns, us, ms or s"},
                                                        {"p99=us", "is no time"},
                                                        {"p99=0us", "is no time"},
                                                        {"p99=0.001ns", "is no time"},
                                                        {"p99=-1us", "is no time"},
                                                        {"p99=1 us", "is no time"},
                                                        {"p99=1e3us", "is no time"},
                                                        {"p99=nanns", "is no time"},
                                                        {"p99=infs", "at most 1000s"},
                                                        {"p99=1hours", "is no time"},
                                                        {"p99=10000s", "at most 1000s"},
                                                        {"p99=1us,p99=2us", "two budgets for p99 of full-hot"},
                                                        {"hot:p99=1us", "unknown scenario \"hot\""},
                                                        {":p99=1us", "unknown scenario \"\""},
                                                        {"full-:p99=1us", "unknown scenario \"full-\""},
                                                        {"full-hott:p99=1us", "such as full-hot, tick-evicted"},
                                                        {"full-all:p99=1us", "unknown scenario"},
                                                        {"full-sessions-1:p99=1us", "unknown scenario"},
                                                        {"batch-hot:p99=1us", "unknown scenario"}}) {
    const auto& given = text;  // clang 14 captures no structured binding
    CAPTURE(given);
    CHECK(has(parse_line(text), words));
  }
}

TEST_CASE("budget files: the same budgets from TOML and from JSON, in the file's order") {
  std::vector<Budget> toml, json;
  CHECK_EQ(parse_budget_toml("# a comment\n[tick-hot]\nmax = '1ms'\n\n[full-hot]\np99 = \"1us\"\n\"p99.9\" = \"5us\"\n",
                             &toml),
           "");
  CHECK_EQ(parse_budget_json("{\"tick-hot\": {\"max\": \"1ms\"},\n \"full-hot\": {\"p99\": \"1us\", \"p99.9\": "
                             "\"5us\"}}\n",
                             &json),
           "");
  for (const auto& budgets : {toml, json}) {
    REQUIRE_EQ(budgets.size(), 3);
    CHECK_EQ(budgets[0].scenario, "tick-hot");
    CHECK_EQ(budgets[0].ns, 1e6);
    CHECK_EQ(budgets[1].scenario, "full-hot");
    CHECK_EQ(budgets[1].figure, "p99");
    CHECK_EQ(budgets[2].figure, "p99.9");
    CHECK_EQ(budgets[2].ns, 5000);
  }
  CHECK(has(parse_budget_toml("[full-hot]\np99 = \"2us\"", &toml), "line 2: two budgets for p99 of full-hot"));
}

TEST_CASE("what is wrong with a TOML file is said with its line") {
  for (const auto& [text, line, words] : std::vector<Wrong>{
           {"", "line 1", "no budget"},
           {"# nothing\n", "line 1", "no budget"},
           {"p99 = \"1us\"", "line 1", "\"p99\" is a string: expected a scenario's table"},
           {"[full-hot]", "line 1", "is empty"},
           {"[full-hot]\np99 = \"1us\"\n[full-hott]\np99 = \"1us\"", "line 4", "unknown scenario \"full-hott\""},
           {"[full-hot]\n\np98 = \"1us\"", "line 3", "unknown figure \"p98\""},
           {"[full-hot]\np99 = 1000", "line 2", "is an integer: expected a time in quotes"},
           {"[full-hot]\np99 = 1.5", "line 2", "is a number"},
           {"[full-hot]\np99 = true", "line 2", "is a boolean"},
           {"[full-hot]\np99 = 12:00:00", "line 2", "is a date or time of day"},
           {"[full-hot]\np99 = [\"1us\"]", "line 2", "is an array"},
           {"[full-hot]\np99 = \"1000\"", "line 2", "\"1000\" is no time"},
           {"[full-hot]\np99.9 = \"5us\"", "line 2", "stands in quotes, as in \"p99.9\""},
           {"[full-hot]\np99 = \"1us\"\np99.9 = \"5us\"", "line 3", "a dot in its name in quotes"},
           {"[full-hot]\np99 = \"1us\"\np99 = \"2us\"", "line 3", "cannot redefine"},
           {"[full-hot]\np99 = \"1us\"\n[full-hot]\n", "line 3", "cannot redefine"},
           {"[full-hot]\np99 =", "line 2", "expected tables such as [full-hot]"},
           {"[full-hot]\np99 = \"\xff\"", "line 2", "utf-8"}}) {
    std::vector<Budget> budgets;
    const std::string wrong = parse_budget_toml(text, &budgets);
    const auto& given = text;  // clang 14 captures no structured binding
    CAPTURE(given);
    CAPTURE(wrong);
    CHECK(wrong.starts_with(line + std::string(": ")));
    CHECK(has(wrong, words));
  }
}

TEST_CASE("what is wrong with a JSON file is said with its line") {
  for (const auto& [text, line, words] : std::vector<Wrong>{
           {"", "line 1", "unexpected end of input"},
           {"[]", "line 1", "the file is an array"},
           {"7", "line 1", "the file is a number"},
           {"{}", "line 1", "no budget"},
           {"{\"full-hot\":\n{}}", "line 1", "is empty"},
           {"{\n\"p99\": \"1us\"}", "line 2", "\"p99\" is a string: expected a scenario's budgets"},
           {"{\"full-hot\": [\"p99\"]}", "line 1", "\"full-hot\" is an array"},
           {"{\"full-hot\": null}", "line 1", "\"full-hot\" is null"},
           {"{\"full-hot\": {\n\"p99\":\n1000\n}}", "line 2", "\"p99\" is a number: expected a time in quotes"},
           {"{\"full-hot\": {\n\"p99\": 1.5}}", "line 2", "is a number"},
           {"{\"full-hot\": {\n\"p99\": false}}", "line 2", "is a boolean"},
           {"{\"full-hot\": {\n\"p99\": {\"9\": \"5us\"}}}", "line 2", "is an object"},
           {"{\"full-hot\": {\n\"p98\": \"1us\"}}", "line 2", "unknown figure"},
           {"{\"full\": {\n\"p99\": \"1us\"}}", "line 2", "unknown scenario"},
           {"{\"full-hot\": {\n\"p99\": \"1\"}}", "line 2", "is no time"},
           {"{\"full-hot\": {\"p99\": \"1us\",\n\"p99\": \"2us\"}}", "line 2", "stands here twice"},
           {"{\"full-hot\": {\"p99\": \"1us\"},\n\n\"full-hot\": {}}", "line 3", "stands here twice"},
           {"{\"full-hot\": {\"p99\": \"1us\"}\n", "line 2", "unexpected end of input"},
           {"{\"full-hot\": {\"p99\": \"1us\"}}\n{}", "line 2", "expected end of input"},
           {"{\"full-hot\": {\n\"p99\": \"\xff\"}}", "line 2", "UTF-8"}}) {
    std::vector<Budget> budgets;
    const std::string wrong = parse_budget_json(text, &budgets);
    const auto& given = text;  // clang 14 captures no structured binding
    CAPTURE(given);
    CAPTURE(wrong);
    CHECK(wrong.starts_with(line + std::string(": ")));
    CHECK(has(wrong, words));
  }
}
