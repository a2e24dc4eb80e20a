// SPDX-License-Identifier: Apache-2.0
// libFuzzer over a connection's byte stream: heads, chunks, pipelined requests. Wherever the stream is cut, the same
// requests come out of it; and what is let pass as the first request, Beast's own reader understands as the same.
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdlib>

#include "memory_connection.h"

using namespace tickmlp::serve;

namespace {

namespace http = boost::beast::http;

void check(bool good) {
  if (!good) std::abort();
}

HttpLimits small_limits() {
  HttpLimits limits;
  limits.header_bytes = 1024;
  limits.body_bytes = 2048;
  limits.chunk_overhead_bytes = 512;
  return limits;
}

struct Outcome {
  std::vector<std::string> requests;
  bool refused;
};

Outcome outcome_of(std::string_view bytes, std::size_t step, MemoryHost* host) {
  const auto connection = std::make_shared<MemoryConnection>(*host);
  connection->start();
  for (std::size_t at = 0; at < bytes.size(); at += step) connection->feed(bytes.substr(at, step));
  Outcome out{{}, connection->sent_bytes.find("HTTP/1.1 4") != std::string::npos};
  for (const Handled& one : host->handled) {
    const Incoming& in = one.incoming;
    out.requests.push_back(std::to_string(static_cast<int>(in.method)) + in.path + "?" + in.query + "\n" +
                           in.authorization + "\n" + in.content_encoding + "\n" + one.body);
  }
  return out;
}

// Beast is the laxer one: it must take what we took, and see the same in it.
void compare_with_beast(std::string_view bytes, const Handled& ours) {
  http::request_parser<http::string_body> parser;
  parser.eager(true);
  parser.header_limit(1 << 20);
  if (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  boost::beast::error_code error;
  parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  check(!error || error == http::error::need_more);
  check(parser.is_done());
  const std::string& query = ours.incoming.query;
  const auto target = parser.get().target();
  const std::string_view seen(target.data(), target.size());
  check(seen == ours.incoming.path + (seen.find('?') == std::string_view::npos ? "" : "?" + query));
  check(parser.get().body() == ours.body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  MemoryHost whole_host(small_limits()), cut_host(small_limits());
  const Outcome whole = outcome_of(bytes, bytes.size(), &whole_host);
  const Outcome cut = outcome_of(bytes, 1 + data[0] % 64, &cut_host);
  check(whole.requests == cut.requests);
  check(whole.refused == cut.refused);
  if (!whole_host.handled.empty()) compare_with_beast(bytes, whole_host.handled[0]);
  return 0;
}
