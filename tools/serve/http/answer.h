// SPDX-License-Identifier: Apache-2.0
// An HTTP answer, and its bytes.
#ifndef TICKMLP_SERVE_HTTP_ANSWER_H_
#define TICKMLP_SERVE_HTTP_ANSWER_H_
#include <string>
#include <string_view>

#include "serve/http/incoming.h"
#include "serve/refusal.h"

namespace tickmlp::serve {

// One for each serving thread: its texts keep their memory.
struct Answer {
  int status = 200;
  std::string_view content_type = "application/json";  // static
  std::size_t inference_header_bytes = 0;              // 0: not sent
  std::string fields;                                  // further ones, each with its CR LF
  std::string body;
  std::string id;      // the request's, as JSON: for the log
  std::string reason;  // the refusal's message: for the log too

  void clear();
  // {"error": ...} with the status that fits, and what must go with it (Retry-After, WWW-Authenticate). Keeps the id.
  void refuse(const Refusal& refusal);
};

// Appends the answer as it goes over the wire. `date` is the field's value.
void append_answer(const Answer& answer, const Incoming& incoming, bool close, std::string_view date, std::string* out);

}  // namespace tickmlp::serve
#endif
