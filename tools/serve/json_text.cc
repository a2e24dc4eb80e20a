// SPDX-License-Identifier: Apache-2.0
#include "serve/json_text.h"

#include <nlohmann/json.hpp>

namespace tickmlp::serve {

using nlohmann::json;

std::string json_text(std::string_view text, bool ascii) {
  return json(text).dump(-1, ' ', ascii, json::error_handler_t::replace);
}

std::string json_number(double number) { return json(number).dump(); }

}  // namespace tickmlp::serve
