// SPDX-License-Identifier: Apache-2.0
#include "serve/protocol/fields.h"

namespace tickmlp::serve {
namespace {

constexpr std::size_t kEnough = 40;  // bytes: of a list or an object no more members are looked at

// As deep as the parser lets a document be.
void append(simdjson::dom::element element, std::string* out) {
  simdjson::dom::array list;
  std::string_view text;
  if (element.get(list) == simdjson::SUCCESS) {
    out->push_back('[');
    for (const simdjson::dom::element member : list) {
      if (out->back() != '[') out->append(", ");
      if (out->size() > kEnough) break;
      append(member, out);
    }
    out->push_back(']');
  } else if (element.get(text) == simdjson::SUCCESS) {
    out->append(quote(text));
  } else {
    out->append(element.is_object() ? "{...}" : simdjson::minify(element));
  }
}

}  // namespace

std::string seen(const std::optional<simdjson::dom::element>& element) {
  if (!element) return "nothing";
  std::string out;
  append(*element, &out);
  return element->is_string() ? out : cut_text(out);  // whose text is cut within its quotes
}

}  // namespace tickmlp::serve
