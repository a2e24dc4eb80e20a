// SPDX-License-Identifier: Apache-2.0
// A server that has warmed up allocates nothing for a request, over a real connection. Our own malloc counts.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "serve/http/worker.h"

using namespace tickmlp::serve;

namespace {

std::atomic<std::uint64_t> allocations;

constexpr int kWarmUp = 200, kRequests = 2000;

}  // namespace

extern "C" {
void* __libc_malloc(size_t);
void* malloc(size_t bytes) { return allocations.fetch_add(1, std::memory_order_relaxed), __libc_malloc(bytes); }
}

namespace {

std::string request_of(const std::string& fields, const std::string& body) {
  return "POST /v2/models/strategic-int8/infer HTTP/1.1\r\nHost: localhost\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

int connect_to(std::uint16_t port) {
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE_EQ(connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return client;
}

// What the whole process allocates over kRequests requests, one after the other on one connection.
std::uint64_t allocations_of(std::uint16_t port, const std::string& request) {
  const int client = connect_to(port);
  char answer[8192];
  std::uint64_t before = 0;
  for (int i = 0; i < kWarmUp + kRequests; ++i) {
    if (i == kWarmUp) before = allocations;
    if (send(client, request.data(), request.size(), 0) != static_cast<ssize_t>(request.size())) break;
    const ssize_t bytes = recv(client, answer, sizeof answer, 0);  // one packet of loopback: the whole answer
    if (bytes < 15 || std::memcmp(answer, "HTTP/1.1 200 OK", 15) != 0) {
      close(client);
      FAIL(std::string(answer, bytes > 0 ? static_cast<std::size_t>(bytes) : 0));
    }
  }
  const std::uint64_t made = allocations - before;
  close(client);
  return made;
}

// A server in this process, and what ends it.
struct Running {
  Repository repository{{std::string(TICKMLP_SOURCE_ROOT) + "/weights", "", 2, "", {}}};
  Shadows shadows{{}, repository, 1};
  Log log{LogOptions{"-", LogLevel::off, {}}};
  Metrics metrics;
  Health health;
  Jobs jobs{log};
  WorkerOptions options;
  std::optional<Worker> worker;
  std::promise<std::string> started;
  std::thread thread;

  Running() {
    REQUIRE_FALSE(repository.open());
    options.port = 0;
    worker.emplace(options, Shared{repository, shadows, jobs, health, metrics, log}, 0);
    thread = std::thread([this] { worker->run(-1, &started); });
    REQUIRE_EQ(started.get_future().get(), "");
  }
  ~Running() {
    worker->drain();
    thread.join();
  }
};

}  // namespace

TEST_CASE("the counter counts") {
  const std::uint64_t before = allocations;
  void* volatile memory = std::malloc(100);
  std::free(memory);
  CHECK_GT(allocations, before);
}

TEST_CASE("a request allocates nothing once the server is warm") {
  Running server;
  std::string numbers;
  for (int i = 0; i < 13; ++i) numbers += (i == 0 ? "0." : ",0.") + std::to_string(i + 1);
  const std::string json = R"({"inputs":[{"name":"input","shape":[1,13],"datatype":"FP32","data":[)" + numbers + "]}]}";
  const std::string raw = request_of("Inference-Header-Content-Length: 0\r\n", std::string(52, '\0'));
  SUBCASE("raw") { CHECK_EQ(allocations_of(server.worker->port(), raw), 0); }
  SUBCASE("JSON") { CHECK_EQ(allocations_of(server.worker->port(), request_of("", json)), 0); }
}
