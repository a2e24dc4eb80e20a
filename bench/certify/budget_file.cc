// SPDX-License-Identifier: Apache-2.0
#include "certify/budget_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "cli.h"

namespace tickmlp::bench {
namespace {

constexpr std::size_t kLargestFile = 1 << 20;
constexpr const char* kExpected = "expected {\"full-hot\": {\"p99\": \"1us\"}}";

// Takes the events of nlohmann's parser. Not a parsed document: that keeps the last of two equal keys and no lines.
class Events : public nlohmann::json_sax<nlohmann::json> {
 public:
  Events(std::string_view text, std::istringstream* stream, std::vector<Budget>* budgets)
      : text_(text), stream_(stream), budgets_(budgets) {}
  std::string wrong;

  bool null() override { return value("null"); }
  bool boolean(bool) override { return value("a boolean"); }
  bool number_integer(number_integer_t) override { return value("a number"); }
  bool number_unsigned(number_unsigned_t) override { return value("a number"); }
  bool number_float(number_float_t, const string_t&) override { return value("a number"); }
  bool binary(binary_t&) override { return value("binary data"); }
  bool start_array(std::size_t) override { return value("an array"); }
  bool end_array() override { return true; }

  bool start_object(std::size_t) override {
    if (++depth_ <= 2) return true;
    return value("an object");
  }
  bool end_object() override {
    if (depth_-- == 2 && figures_.empty())
      return fail(in_quotes(scenario_) + " is empty: expected a budget such as \"p99\": \"1us\"");
    figures_.clear();
    return !(depth_ == 0 && scenarios_.empty()) || fail(std::string("no budget: ") + kExpected);
  }
  bool key(string_t& name) override {
    line_ = line();
    auto& names = depth_ == 1 ? scenarios_ : figures_;
    (depth_ == 1 ? scenario_ : figure_) = name;
    return names.insert(name).second || fail(in_quotes(name) + " stands here twice: expected it once");
  }
  bool string(string_t& time) override {
    if (depth_ != 2) return value("a string");
    const std::string found = add_budget(scenario_, figure_, time, budgets_);
    return found.empty() || fail(found);
  }
  bool parse_error(std::size_t, const std::string& token, const nlohmann::detail::exception& error) override {
    line_ = line();
    const std::string what = error.what();
    const std::size_t reason = what.find(": ");  // after "[json.exception...] parse error at line 1, column 2"
    (void)token;
    return fail(printable(reason == what.npos ? what : what.substr(reason + 2)) + "; " + kExpected);
  }

 private:
  // A value where it does not belong.
  bool value(const std::string& type) {
    if (depth_ == 0) return fail("the file is " + type + ": " + kExpected);
    if (depth_ == 1)
      return fail(in_quotes(scenario_) + " is " + type + ": expected a scenario's budgets, {\"p99\": \"1us\"}");
    return fail(in_quotes(figure_) + " is " + type + ": expected a time in quotes, as in \"1us\"");
  }
  bool fail(const std::string& what) {
    wrong = "line " + std::to_string(line_) + ": " + what;
    return false;
  }
  // The parser reads its stream byte by byte and no further than the token.
  std::size_t line() const {
    const auto left = static_cast<std::size_t>(std::max<std::streamsize>(stream_->rdbuf()->in_avail(), 0));
    return 1 +
           static_cast<std::size_t>(std::count(text_.begin(), text_.end() - static_cast<std::ptrdiff_t>(left), '\n'));
  }

  std::string_view text_;
  std::istringstream* stream_;
  std::vector<Budget>* budgets_;
  std::size_t line_ = 1;  // of the last key
  int depth_ = 0;
  std::string scenario_, figure_;
  std::set<std::string> scenarios_, figures_;
};

}  // namespace

std::string parse_budget_json(std::string_view text, std::vector<Budget>* budgets) {
  std::istringstream stream{std::string(text)};
  Events events(text, &stream, budgets);
  nlohmann::json::sax_parse(stream, &events);
  return events.wrong;
}

void read_budget_file(const std::string& path, std::vector<Budget>* budgets) {
  const bool toml = path.ends_with(".toml");
  if (!toml && !path.ends_with(".json"))
    wrong_usage("--budget-file " + printable(path) + ": expected a name that ends in .toml or .json");
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))  // a FIFO must not hang us
    refuse(printable(path) + ": expected a regular file" + (error ? ": " + error.message() : ""));
  std::ifstream file(path, std::ios::binary);
  std::string text(kLargestFile + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) refuse(printable(path) + ": cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kLargestFile) refuse(printable(path) + ": larger than 1 MiB: expected a file of budgets");
  const std::string wrong = toml ? parse_budget_toml(text, budgets) : parse_budget_json(text, budgets);
  if (!wrong.empty()) refuse(printable(path) + ": " + wrong);
}

}  // namespace tickmlp::bench
