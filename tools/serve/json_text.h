// SPDX-License-Identifier: Apache-2.0
// JSON that the server writes. By hand, since nlohmann's objects and lists allocate in their destructors, which ends
// the process where there is no memory; its texts and numbers do not, and write theirs here.
#ifndef TICKMLP_SERVE_JSON_TEXT_H_
#define TICKMLP_SERVE_JSON_TEXT_H_
#include <concepts>
#include <string>
#include <string_view>
#include <utility>

namespace tickmlp::serve {

// A text as JSON, with its quotes; bytes that are no UTF-8 become U+FFFD. `ascii`: what is beyond is escaped.
std::string json_text(std::string_view text, bool ascii = false);
std::string json_number(double number);

// Objects and lists from their first bracket to their last. Names are ours, and need no escape; a list's have none.
class JsonText {
 public:
  explicit JsonText(bool ascii = false) : ascii_(ascii) {}
  void open(char bracket, std::string_view name = {}) {
    begin(name);
    text_.push_back(bracket);
  }
  void close(char bracket) { text_.push_back(bracket); }
  void add(std::string_view name, std::string_view value) {
    begin(name);
    text_.append(json_text(value, ascii_));
  }
  void add(std::string_view name, double value) {
    begin(name);
    text_.append(json_number(value));
  }
  template <std::integral Number>
  void add(std::string_view name, Number value) {
    begin(name);
    if constexpr (std::same_as<Number, bool>) text_.append(value ? "true" : "false");
    else text_.append(std::to_string(value));
  }
  std::string take() { return std::move(text_); }

 private:
  void begin(std::string_view name) {
    if (!text_.empty() && text_.back() != '{' && text_.back() != '[') text_.push_back(',');
    if (!name.empty()) text_.append("\"").append(name).append("\":");
  }

  const bool ascii_;
  std::string text_;
};

}  // namespace tickmlp::serve
#endif
