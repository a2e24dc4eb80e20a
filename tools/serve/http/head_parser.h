// SPDX-License-Identifier: Apache-2.0
// A request's head: read by Beast, and held to more than Beast asks. What two readers of one byte stream could
// understand differently is refused, since behind a proxy that difference is an attacker's way in.
#ifndef TICKMLP_SERVE_HTTP_HEAD_PARSER_H_
#define TICKMLP_SERVE_HTTP_HEAD_PARSER_H_
#include <boost/beast/http/basic_parser.hpp>
#include <string>
#include <string_view>

#include "serve/http/field_syntax.h"
#include "serve/http/incoming.h"
#include "serve/refusal.h"

namespace tickmlp::serve {

// One request's.
class HeadParser : private boost::beast::http::basic_parser<true> {
 public:
  HeadParser(const HttpLimits& limits, Incoming* incoming);

  // `head` is all of it, with the empty line. Fills *incoming. Refused: bad_request, too_large (the body that it
  // announces).
  Refusal read(std::string_view head);

 private:
  using error_code = boost::beast::error_code;
  using string_view = boost::beast::string_view;
  void on_request_impl(boost::beast::http::verb method, string_view text, string_view target, int version,
                       error_code& error) override;
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_field_impl(boost::beast::http::field field, string_view name, string_view value, error_code& error) override;
  void on_header_impl(error_code& error) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}
  void refuse(std::string message, error_code* error);

  const HttpLimits& limits_;
  Incoming* const incoming_;
  Refusal refusal_;
  unsigned hosts_ = 0, lengths_ = 0, encodings_ = 0, inference_lengths_ = 0, authorizations_ = 0, codings_ = 0;
  unsigned traceparents_ = 0, keys_ = 0;
  AcceptedCodings accepted_;
};

}  // namespace tickmlp::serve
#endif
