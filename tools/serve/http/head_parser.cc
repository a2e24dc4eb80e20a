// SPDX-License-Identifier: Apache-2.0
#include "serve/http/head_parser.h"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/impl/basic_parser.hpp>
#include <charconv>

namespace tickmlp::serve {
namespace {

namespace http = boost::beast::http;

void assign(std::string* out, boost::beast::string_view text) { out->assign(text.data(), text.size()); }

bool read_number(boost::beast::string_view text, std::uint64_t* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

// What Beast lets pass: line ends that are not CR LF, lines that continue the one before (obs-fold), control bytes.
const char* fault_of_lines(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    const auto byte = static_cast<unsigned char>(head[i]);
    if (byte >= 0x20 && byte != 0x7f) continue;
    if (byte == '\r') {
      if (i + 1 == head.size() || head[i + 1] != '\n') return "a CR without its LF";
      if (i + 2 < head.size() && (head[i + 2] == ' ' || head[i + 2] == '\t')) return "a folded line (obs-fold)";
      ++i;
    } else if (byte == '\n') {
      return "a LF without its CR";
    } else if (byte != '\t') {
      return "a control byte";
    }
  }
  return nullptr;
}

}  // namespace

void Incoming::clear() {
  method = Method::other;
  http_1_0 = chunked = has_length = expects_continue = accepts_gzip = false;
  keep_alive = true;
  content_length = 0;
  inference_header_bytes.reset();
  for (std::string* text : {&path, &query, &authorization, &content_encoding, &traceparent, &key}) text->clear();
}

HeadParser::HeadParser(const HttpLimits& limits, Incoming* incoming, std::string* chunked_body)
    : limits_(limits), incoming_(incoming), chunked_body_(chunked_body) {
  header_limit(static_cast<std::uint32_t>(limits.header_bytes));
  body_limit(limits.body_bytes);
  incoming_->clear();
  chunked_body_->clear();
}

void HeadParser::refuse(Code code, std::string message, error_code* error) {
  refusal_ = {code, std::move(message)};
  *error = http::error::bad_value;
}

Refusal HeadParser::read_head(std::string_view head) {
  if (const char* fault = fault_of_lines(head))
    return {Code::bad_request, std::string("request head: ") + fault + ": expected lines that end in CR LF"};
  error_code error;
  put(boost::asio::buffer(head.data(), head.size()), error);
  if (refusal_) return refusal_;
  if (error == http::error::body_limit)
    return {Code::too_large, "body: expected at most " + std::to_string(limits_.body_bytes) + " bytes"};
  if (error) return {Code::bad_request, "request head: " + error.message()};
  incoming_->keep_alive = keep_alive();
  return {};
}

void HeadParser::on_request_impl(http::verb method, string_view, string_view target, int version, error_code& error) {
  incoming_->method = method == http::verb::get    ? Incoming::Method::get
                      : method == http::verb::head ? Incoming::Method::head
                      : method == http::verb::post ? Incoming::Method::post
                                                   : Incoming::Method::other;
  incoming_->http_1_0 = version == 10;
  if (target.empty() || target[0] != '/')
    return refuse(Code::bad_request, "request target: expected a path that begins with /", &error);
  const std::size_t question = target.find('?');
  assign(&incoming_->path, target.substr(0, question));
  if (question != string_view::npos) assign(&incoming_->query, target.substr(question + 1));
}

void HeadParser::on_field_impl(http::field field, string_view name, string_view value, error_code& error) {
  using boost::beast::iequals;
  if (head_done_) return;  // a trailer: it says nothing that is heeded
  switch (field) {
    case http::field::host:
      if (++hosts_ > 1) refuse(Code::bad_request, "Host stands twice: expected once", &error);
      break;
    case http::field::content_length:
      if (++lengths_ > 1) return refuse(Code::bad_request, "Content-Length stands twice: expected once", &error);
      if (!read_number(value, &incoming_->content_length))
        refuse(Code::bad_request, "Content-Length: expected a whole number", &error);
      break;
    case http::field::transfer_encoding:
      if (++encodings_ > 1 || !iequals(value, "chunked"))
        refuse(Code::bad_request, "Transfer-Encoding: expected chunked, once, or none", &error);
      break;
    case http::field::expect:
      if (!iequals(value, "100-continue")) refuse(Code::unsupported_type, "Expect: expected 100-continue", &error);
      incoming_->expects_continue = true;
      break;
    case http::field::authorization: assign(&incoming_->authorization, value); break;
    case http::field::content_encoding: assign(&incoming_->content_encoding, value); break;
    case http::field::accept_encoding: incoming_->accepts_gzip = value.find("gzip") != string_view::npos; break;
    default:
      if (iequals(name, "tickmlp-key")) assign(&incoming_->key, value);
      if (iequals(name, "traceparent")) assign(&incoming_->traceparent, value);
      if (iequals(name, "inference-header-content-length")) {
        std::uint64_t number = 0;
        if (++inference_lengths_ > 1 || !read_number(value, &number))
          return refuse(Code::bad_request, "Inference-Header-Content-Length: expected a whole number, once", &error);
        incoming_->inference_header_bytes = number;
      }
  }
}

void HeadParser::on_header_impl(error_code& error) {
  head_done_ = true;
  if (hosts_ == 0 && !incoming_->http_1_0) return refuse(Code::bad_request, "no Host: expected one", &error);
  incoming_->chunked = encodings_ != 0;
  if (incoming_->chunked && incoming_->http_1_0)
    return refuse(Code::bad_request, "Transfer-Encoding in HTTP/1.0: expected none", &error);
  if (incoming_->chunked && lengths_ != 0)
    return refuse(Code::bad_request, "Content-Length and Transfer-Encoding: expected one of them", &error);
  incoming_->has_length = incoming_->chunked || lengths_ != 0;
}

std::size_t HeadParser::on_chunk_body_impl(std::uint64_t, string_view body, error_code& error) {
  if (chunked_body_->size() + body.size() > limits_.body_bytes)
    refuse(Code::too_large, "body: expected at most " + std::to_string(limits_.body_bytes) + " bytes", &error);
  else chunked_body_->append(body.data(), body.size());
  return body.size();
}

Refusal HeadParser::read_chunks(std::string_view bytes, std::size_t* taken, bool* done) {
  eager(true);
  const std::size_t before = chunked_body_->size();
  error_code error;
  *taken = 0;
  if (!bytes.empty()) *taken = put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  *done = is_done();
  if (refusal_) return refusal_;
  if (error == http::error::body_limit)
    return {Code::too_large, "body: expected at most " + std::to_string(limits_.body_bytes) + " bytes"};
  if (error && error != http::error::need_more) return {Code::bad_request, "chunked body: " + error.message()};
  overhead_ += *taken - (chunked_body_->size() - before);
  const std::size_t waiting = *done ? 0 : bytes.size() - *taken;
  if (overhead_ + waiting > limits_.chunk_overhead_bytes)
    return {Code::too_large, "chunks: more than " + std::to_string(limits_.chunk_overhead_bytes) +
                                 " bytes of heads, extensions and trailers"};
  return {};
}

}  // namespace tickmlp::serve
