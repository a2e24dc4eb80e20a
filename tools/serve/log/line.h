// SPDX-License-Identifier: Apache-2.0
// The lines of the log.
#ifndef TICKMLP_SERVE_LOG_LINE_H_
#define TICKMLP_SERVE_LOG_LINE_H_
#include <initializer_list>
#include <string>
#include <string_view>

#include "serve/log/log.h"

namespace tickmlp::serve {

// Each is one JSON object without its line end, in printable ASCII: bytes that are no UTF-8 become U+FFFD, and
// everything beyond ASCII is escaped, so that no terminal or reader can take part of it for a line's end.
std::string event_line(LogLevel level, std::string_view event, std::string_view message,
                       std::initializer_list<LogField> fields);
std::string access_line(LogLevel level, const AccessLog& from, const AccessRecord& record);

}  // namespace tickmlp::serve
#endif
