// SPDX-License-Identifier: Apache-2.0
// Which byte streams are requests for the server, and what they are understood as.
#include <doctest/doctest.h>

#include "memory_connection.h"

using namespace tickmlp::serve;

namespace {

struct Outcome {
  std::vector<std::string> requests;  // "PATH?QUERY BODY" of each
  std::string status;                 // of the last answer
  bool ended = false;
};

Outcome outcome_of(std::string_view bytes, std::size_t split = std::string_view::npos, const HttpLimits& limits = {}) {
  MemoryHost host(limits);
  const auto connection = std::make_shared<MemoryConnection>(host);
  connection->start();
  connection->feed(bytes.substr(0, split));
  if (split < bytes.size()) connection->feed(bytes.substr(split));
  Outcome out;
  for (const Handled& one : host.handled)
    out.requests.push_back(one.incoming.path + "?" + one.incoming.query + " " + one.body);
  const std::size_t last = connection->sent_bytes.rfind("HTTP/1.1 ");
  if (last != std::string::npos) out.status = connection->sent_bytes.substr(last + 9, 3);
  out.ended = connection->ended;
  return out;
}

std::string post(const std::string& fields, const std::string& body) {
  return "POST /infer HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n" + body;
}
std::string chunked(const std::string& body) { return post("Transfer-Encoding: chunked\r\n", body); }

void check_refused(const std::string& bytes, const std::string& status = "400") {
  CAPTURE(bytes);
  const Outcome outcome = outcome_of(bytes);
  CHECK(outcome.requests.empty());
  CHECK(outcome.status == status);
  CHECK(outcome.ended);
}

void check_body(const std::string& bytes, const std::string& body) {
  CAPTURE(bytes);
  for (std::size_t split = 0; split <= bytes.size(); ++split) {
    const Outcome outcome = outcome_of(bytes, split);
    REQUIRE(outcome.requests.size() == 1);
    CHECK(outcome.requests[0] == "/infer? " + body);
    CHECK(outcome.status == "200");
  }
}

}  // namespace

TEST_CASE("requests that are understood, wherever the stream is cut") {
  check_body(post("Content-Length: 5\r\n", "hello"), "hello");
  check_body(post("content-length:5  \r\nExpect: 100-Continue\r\n", "hello"), "hello");
  check_body("\r\n" + post("Content-Length: 0\r\n", ""), "");
  check_body("POST /infer HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi", "hi");
  check_body(chunked("5\r\nhello\r\n0\r\n\r\n"), "hello");
  check_body(chunked("2;a=b\r\nhe\r\n0003\r\nllo\r\n0;x\r\nTrailer: yes\r\n\r\n"), "hello");
  check_body(chunked("A\r\n0123456789\r\n0\r\n\r\n"), "0123456789");
  const std::string pair = post("Content-Length: 1\r\n", "a") + "GET /q?r=s HTTP/1.1\r\nHost: [::1]:80\r\n\r\n";
  for (std::size_t split = 0; split <= pair.size(); ++split)
    CHECK(outcome_of(pair, split).requests == std::vector<std::string>{"/infer? a", "/q?r=s "});
}

TEST_CASE("heads that two readers could understand differently are refused") {
  for (const char* fields : {"Content-Length: +5\r\n",
                             "Content-Length: -5\r\n",
                             "Content-Length: 0x5\r\n",
                             "Content-Length: 5, 5\r\n",
                             "Content-Length: 5 5\r\n",
                             "Content-Length:\r\n",
                             "Content-Length: 18446744073709551621\r\n",
                             "Content-Length: 5\r\nContent-Length: 5\r\n",
                             "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                             "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                             "Transfer-Encoding: gzip, chunked\r\n",
                             "Transfer-Encoding: identity\r\n",
                             "Transfer-Encoding: xchunked\r\n",
                             "Transfer-Encoding:\r\n",
                             "Content-Length : 5\r\n",
                             "Content Length: 5\r\n",
                             ": 5\r\n",
                             "no colon\r\n",
                             "X: a\r\n b\r\n",
                             "X: a\r\n\tb\r\n",
                             " X: a\r\n",
                             "X: a\rb\r\n",
                             "X: a\nY: b\r\n",
                             "X: a\x01\r\n",
                             "X: a\x7f\r\n",
                             "Host: other\r\n",
                             "Expect: something\r\n",
                             "Authorization: a\r\nAuthorization: b\r\n",
                             "Inference-Header-Content-Length: +1\r\n",
                             "Inference-Header-Content-Length: 1\r\nInference-Header-Content-Length: 1\r\n"})
    check_refused(post(fields, "hello"));
  check_refused(post(std::string("X: a\0b\r\n", 8), "hello"));
  check_refused("POST /infer HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
  check_refused("POST /infer HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  for (const char* host : {"", "a b", "a/b", "a@b", "a,b", "..", ".a", "a:b", "a:", "a:123456", "[::1", "[]", "a\x80"})
    check_refused("GET /p HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n");
}

TEST_CASE("request lines") {
  for (const char* line :
       {"GET http://h/p HTTP/1.1", "CONNECT h:80 HTTP/1.1", "OPTIONS * HTTP/1.1", "GET  /p HTTP/1.1",
        "GET /p  HTTP/1.1", "GET /p HTTP/1.1 ", " GET /p HTTP/1.1", "GET /p HTTP/2.0", "GET /p HTTP/0.9",
        "GET /p HTTP/1.2", "GET /p http/1.1", "GET /p", "GET /p#f HTTP/1.1", "GET /\xc3\xa4 HTTP/1.1",
        "GET /a b HTTP/1.1", "G(T /p HTTP/1.1", "GET\t/p HTTP/1.1", "GET /p HTTP/1.1x"})
    check_refused(std::string(line) + "\r\nHost: h\r\n\r\n");
  check_refused("GET /p HTTP/1.1\nHost: h\n\n");
  check_refused("GET /p HTTP/1.1\r\nHost: h\r\n\n\n");
  check_refused("\n");
}

TEST_CASE("chunks that two readers could understand differently are refused") {
  for (const char* chunks : {"0x5\r\nhello\r\n",
                             "+5\r\nhello\r\n",
                             " 5\r\nhello\r\n",
                             "5 \r\nhello\r\n",
                             "5\t;a\r\nhello\r\n",
                             "\r\nhello\r\n",
                             ";a\r\n",
                             "g\r\n",
                             "5\nhello\r\n",
                             "5\rhello",
                             "5\r\nhello\n0\r\n\r\n",
                             "5\r\nhelloX",
                             "5\r\nhello\rX",
                             "00000000000000005\r\nhello\r\n",
                             "5;\r\nhello\r\n",
                             "5;=a\r\nhello\r\n",
                             "5;a=\r\nhello\r\n",
                             "5;a b\r\nhello\r\n",
                             "5;a\x01\r\n",
                             "0\r\nContent-Length: 1\r\n\r\n",
                             "0\r\nHOST: a\r\n\r\n",
                             "0\r\nno colon\r\n\r\n",
                             "0\r\n folded: a\r\n\r\n",
                             "0\r\nA : b\r\n\r\n",
                             "0\r\n\n"})
    check_refused(chunked(chunks));
  check_refused(chunked("ffffffffffffffff\r\n"), "413");
  check_refused(chunked("800001\r\n"), "413");
}

TEST_CASE("each limit, to the byte") {
  HttpLimits limits;
  limits.header_bytes = 300;
  limits.body_bytes = 10;
  limits.chunk_overhead_bytes = 40;
  const auto status = [&](const std::string& bytes) { return outcome_of(bytes, std::string::npos, limits).status; };
  const std::string head = "GET /p HTTP/1.1\r\nHost: h\r\nX: ";
  CHECK(status(head + std::string(300 - head.size() - 4, 'x') + "\r\n\r\n") == "200");
  CHECK(status(head + std::string(301 - head.size() - 4, 'x') + "\r\n\r\n") == "431");
  CHECK(status(head + std::string(301 - head.size(), 'x')) == "431");  // its end has not come
  CHECK(status(post("Content-Length: 10\r\n", "0123456789")) == "200");
  CHECK(status(post("Content-Length: 11\r\n", "")) == "413");  // before any of it has come
  CHECK(status(chunked("a\r\n0123456789\r\n0\r\n\r\n")) == "200");
  CHECK(status(chunked("a\r\n0123456789\r\n1\r\n")) == "413");
  CHECK(status(chunked("1;" + std::string(29, 'e') + "\r\nx\r\n0\r\n\r\n")) == "200");  // 33 + 2 + 3 + 2 = 40
  CHECK(status(chunked("1;" + std::string(30, 'e') + "\r\nx\r\n0\r\n\r\n")) == "413");
  CHECK(status(chunked("1;" + std::string(60, 'e'))) == "413");  // its end has not come
  CHECK(status(chunked("0\r\n" + std::string("A: b\r\n") + std::string(60, 'T'))) == "413");
}

TEST_CASE("a connection that is paused keeps itself, until it is closed") {
  MemoryHost host;
  host.shedding = true;
  auto connection = std::make_shared<MemoryConnection>(host);
  connection->start();
  connection->feed(post("Content-Length: 0\r\n", ""));
  MemoryConnection* paused = connection.get();
  connection.reset();
  CHECK(host.connections_gone == 0);
  paused->close();
  CHECK(host.connections_gone == 1);
}

TEST_CASE("times: a request that does not arrive, an idle connection, one that was shed") {
  MemoryHost host;
  const auto connection = std::make_shared<MemoryConnection>(host);
  connection->start();
  SUBCASE("half a request, a byte at a time") {
    const std::string bytes = chunked("5\r\nhe");
    for (const char byte : bytes) {
      host.now += 100'000'000;
      connection->feed({&byte, 1});
      connection->check_time();
    }
    host.now += 10'000'000'000 - bytes.size() * 100'000'000;
    connection->check_time();
    CHECK(connection->sent_bytes.find("HTTP/1.1 408 ") == std::string::npos);
    host.now += 100'000'000;
    connection->check_time();
    CHECK(connection->sent_bytes.find("HTTP/1.1 408 ") == 0);
    CHECK(connection->ended);
    host.now += 2'100'000'000;
    connection->check_time();
    CHECK(connection->closed);
  }
  SUBCASE("idle") {
    host.now += 74'900'000'000;
    connection->check_time();
    CHECK_FALSE(connection->closed);
    host.now += 200'000'000;
    connection->check_time();
    CHECK(connection->closed);
    CHECK(connection->sent_bytes.empty());
  }
  SUBCASE("shed: told so, and not read for 0.9 s") {
    host.shedding = true;
    connection->feed(post("Content-Length: 0\r\n", "") + post("Content-Length: 0\r\n", ""));
    CHECK(connection->sent_bytes.find("HTTP/1.1 503 ") == 0);
    CHECK(connection->sent_bytes.find("Retry-After: 1\r\n") != std::string::npos);
    CHECK(connection->sent_bytes.rfind("HTTP/1.1 503 ") == 0);  // once: the second waits
    CHECK_FALSE(connection->reads());
    host.shedding = false;
    host.now += 800'000'000;
    connection->check_time();
    CHECK(host.handled.empty());
    host.now += 100'000'000;
    connection->check_time();
    CHECK(host.handled.size() == 1);
    CHECK(connection->reads());
  }
}

TEST_CASE("a connection keeps no large buffer, and answers a thousand requests of one recv in turns") {
  MemoryHost host;
  host.answer_body.assign(1000, 'x');
  {
    const auto connection = std::make_shared<MemoryConnection>(host);
    connection->start();
    std::string bytes;
    for (int i = 0; i < 1000; ++i) bytes += "GET /p HTTP/1.1\r\nHost: h\r\n\r\n";
    connection->feed(bytes);
    CHECK(host.handled.size() == 1000);
    connection->feed(post("Content-Length: 1000000\r\n", std::string(1'000'000, 'y')));
    CHECK(host.handled.size() == 1001);
    CHECK(host.handled.back().body.size() == 1'000'000);
  }
  CHECK(host.connections_gone == 1);
}
