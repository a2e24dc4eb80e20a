// SPDX-License-Identifier: Apache-2.0
#include "serve/http/head_parser.h"

#include <boost/beast/http/error.hpp>
#include <boost/beast/http/impl/basic_parser.hpp>
#include <algorithm>

#include "serve/http/field_syntax.h"
#include "serve/log/traceparent.h"
#include "serve/read_number.h"

namespace tickmlp::serve {
namespace {

namespace http = boost::beast::http;

constexpr char kBothFramings[] = "Transfer-Encoding beside Content-Length: expected one of them";

std::string_view standard(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

void Incoming::clear() {
  method = Method::other;
  http_1_0 = chunked = has_length = expects_continue = accepts_gzip = false;
  keep_alive = true;
  content_length = 0;
  inference_header_bytes.reset();
  for (std::string* text : {&path, &query, &authorization, &content_encoding, &traceparent, &key, &method_text})
    text->clear();
}

HeadParser::HeadParser(const HttpLimits& limits, Incoming* incoming) : limits_(limits), incoming_(incoming) {
  header_limit(static_cast<std::uint32_t>(limits.header_bytes));
  body_limit(limits.body_bytes);
  incoming_->clear();
}

void HeadParser::refuse(std::string message, error_code* error) {
  refusal_ = {Code::bad_request, std::move(message)};
  *error = http::error::bad_value;
}

Refusal HeadParser::read(std::string_view head) {
  if (const char* fault = fault_of_lines(head)) return {Code::bad_request, std::string("request head: ") + fault};
  error_code error;
  put(boost::asio::buffer(head.data(), head.size()), error);
  if (refusal_) return refusal_;
  if (error == http::error::body_limit)
    return {Code::too_large, "body of " + std::to_string(incoming_->content_length) + " bytes: expected at most " +
                                 std::to_string(limits_.body_bytes) + " bytes"};
  // Beast calls either of them bad, whichever comes second.
  if ((error == http::error::bad_transfer_encoding && lengths_ != 0) ||
      (error == http::error::bad_content_length && encodings_ != 0))
    return {Code::bad_request, kBothFramings};
  if (error) return {Code::bad_request, "request head: " + error.message()};
  incoming_->keep_alive = keep_alive();
  return {};
}

void HeadParser::on_request_impl(http::verb method, string_view text, string_view beast_target, int version,
                                 error_code& error) {
  incoming_->method = method == http::verb::get    ? Incoming::Method::get
                      : method == http::verb::head ? Incoming::Method::head
                      : method == http::verb::post ? Incoming::Method::post
                                                   : Incoming::Method::other;
  incoming_->method_text.assign(standard(text));
  incoming_->http_1_0 = version == 10;
  // Whole addresses, *, and host:port are for proxies. What stands behind a # is not for a server, and proxies differ
  // in whether they cut it off; likewise in bytes that no URI has.
  const std::string_view target = standard(beast_target);
  if (!target.starts_with('/'))
    return refuse("request target " + quote(target) + ": expected a path that begins with /", &error);
  for (const char c : target)
    if (c == '#' || static_cast<unsigned char>(c) > 0x7e)
      return refuse("request target: # or a byte beyond ASCII: expected a path and a query", &error);
  const std::size_t question = target.find('?');
  incoming_->path.assign(target.substr(0, question));
  if (question != std::string_view::npos) incoming_->query.assign(target.substr(question + 1));
}

void HeadParser::on_field_impl(http::field field, string_view beast_name, string_view beast_value, error_code& error) {
  const std::string_view name = standard(beast_name), value = standard(beast_value);
  const auto once = [&](unsigned* count) {
    if (++*count > 1) refuse(std::string(name) + " stands twice: expected once", &error);
    return *count == 1;
  };
  const auto wrong = [&](const char* expected) {
    refuse(std::string(name) + " " + quote(value) + ": expected " + expected, &error);
  };
  switch (field) {
    case http::field::host:
      if (once(&hosts_) && !is_host(value)) wrong("a name or an address, and perhaps a port");
      break;
    case http::field::content_length:
      if (once(&lengths_) && !read_number(value, &incoming_->content_length)) wrong("a whole number");
      break;
    case http::field::transfer_encoding:
      if (once(&encodings_) && !same_name(value, "chunked")) wrong("chunked, once, or none");
      break;
    case http::field::expect:
      if (!same_name(value, "100-continue")) wrong("100-continue, or none");
      incoming_->expects_continue = true;
      break;
    case http::field::authorization:
      if (once(&authorizations_)) incoming_->authorization.assign(value);
      break;
    case http::field::content_encoding:
      if (once(&codings_)) {
        incoming_->content_encoding.assign(value);
        for (char& c : incoming_->content_encoding) c = lower_case(c);
      }
      break;
    case http::field::accept_encoding:
      accepted_.add(value);
      incoming_->accepts_gzip = accepted_.gzip();
      break;
    default:
      if (same_name(name, "tickmlp-key") && once(&keys_)) incoming_->key.assign(value);
      // A malformed one is ignored, and two are as good as none.
      if (same_name(name, "traceparent")) incoming_->traceparent = ++traceparents_ == 1 ? valid_traceparent(value) : "";
      if (same_name(name, "inference-header-content-length")) {
        std::uint64_t number = 0;
        if (once(&inference_lengths_) && !read_number(value, &number)) return wrong("a whole number");
        incoming_->inference_header_bytes = number;
      }
  }
}

void HeadParser::on_header_impl(error_code& error) {
  if (hosts_ == 0 && !incoming_->http_1_0) return refuse("no Host: expected one", &error);
  incoming_->chunked = encodings_ != 0;
  if (incoming_->chunked && incoming_->http_1_0) return refuse("Transfer-Encoding in HTTP/1.0: expected none", &error);
  if (incoming_->chunked && lengths_ != 0) return refuse(kBothFramings, &error);
  incoming_->has_length = incoming_->chunked || lengths_ != 0;
}

}  // namespace tickmlp::serve
