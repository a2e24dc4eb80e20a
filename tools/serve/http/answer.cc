// SPDX-License-Identifier: Apache-2.0
#include "serve/http/answer.h"

#include <boost/beast/http/status.hpp>
#include <charconv>

#include "serve/protocol/infer_answer.h"

namespace tickmlp::serve {
namespace {

void append_number(std::size_t number, std::string* out) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
  out->append(digits, end);
}

}  // namespace

void Answer::clear() {
  status = 200;
  content_type = "application/json";
  inference_header_bytes = 0;
  fields.clear();
  body.clear();
  id.clear();
  reason.clear();
}

void Answer::refuse(const Refusal& refusal) {
  std::string asked;
  asked.swap(id);
  clear();
  id.swap(asked);
  status = http_status(refusal.code);
  body = error_json(refusal.message);
  reason = refusal.message;
  if (refusal.code == Code::unavailable) fields = "Retry-After: " + std::to_string(refusal.retry_after_s) + "\r\n";
  if (refusal.code == Code::method_not_allowed) fields = "Allow: " + refusal.allow + "\r\n";
  if (refusal.code == Code::unauthorised) fields = "WWW-Authenticate: Bearer\r\n";
}

void append_answer(const Answer& answer, const Incoming& incoming, bool close, std::string_view date,
                   std::string* out) {
  if (answer.status == 200) {
    out->append("HTTP/1.1 200 OK\r\n");
  } else {
    const auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(answer.status));
    out->append("HTTP/1.1 ");
    append_number(static_cast<std::size_t>(answer.status), out);
    out->push_back(' ');
    out->append(reason.data(), reason.size()).append("\r\n");
  }
  out->append("Date: ").append(date).append("\r\nContent-Type: ").append(answer.content_type);
  out->append("\r\nContent-Length: ");
  append_number(answer.body.size(), out);
  if (answer.inference_header_bytes != 0) {
    out->append("\r\nInference-Header-Content-Length: ");
    append_number(answer.inference_header_bytes, out);
  }
  out->append("\r\n").append(answer.fields);
  if (!incoming.traceparent.empty()) out->append("traceparent: ").append(incoming.traceparent).append("\r\n");
  if (close) out->append("Connection: close\r\n");
  else if (incoming.http_1_0) out->append("Connection: keep-alive\r\n");
  out->append("\r\n");
  if (incoming.method != Incoming::Method::head) out->append(answer.body);
}

}  // namespace tickmlp::serve
