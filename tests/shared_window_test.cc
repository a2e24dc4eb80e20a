// SPDX-License-Identifier: Apache-2.0
// Windows over the ring of `tickmlp serve --shared-memory`: what a client sends, in which order, what it believes.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <random>
#include <string>
#include <thread>

#include "serve/client/client.h"
#include "serve/shared/ring.h"

using namespace tickmlp::shared;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint32_t kRows = 4, kColumns = 3, kInputs = kRows * kColumns, kOutputs = 2;

struct Seen {
  Request request;
  std::uint64_t key;
  float first;  // of the inputs
};

// A client that is attached, with one model, and the server's half in this process.
struct Attached {
  Geometry geometry{3, kInputs, kOutputs};
  std::vector<unsigned char> memory = std::vector<unsigned char>(geometry.segment_bytes() + kAlignment);
  unsigned char* segment = memory.data() + (kAlignment - reinterpret_cast<std::uintptr_t>(memory.data()) % kAlignment);
  Ring ring{segment, geometry};
  int sockets[2];
  tickmlp_client client{};
  std::vector<Seen> seen;
  std::uint32_t window = 0;

  Attached() {
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0);
    client.geometry = geometry;
    client.link = tickmlp::client::Link::kReady;
    client.socket = sockets[0];
    client.segment = segment;
    client.windows = 2;
    client.model_count = 1;
    client.models[0].inputs = kInputs;
    client.models[0].outputs = kOutputs;
    client.models[0].columns = kColumns;
    REQUIRE(tickmlp_client_window_open(&client, 0, 99, &window, nullptr) == TICKMLP_CLIENT_OK);
  }
  ~Attached() {
    close(sockets[0]);
    close(sockets[1]);
  }

  // What a server does with one request: outputs are twice the row's first.
  bool serve_one(std::uint32_t status = TICKMLP_CLIENT_OK) {
    const std::uint32_t slot = ring.next();
    if (slot == kMaxSlots) return false;
    Seen one{ring.take(slot), 0, 0};
    const bool keyed = one.request.kind == kReset;
    if (keyed) one.key = ring.key(slot);
    if (one.request.inputs != 0) ring.copy_inputs(slot, keyed, 1, &one.first);
    seen.push_back(one);
    const float outputs[kOutputs] = {2 * one.first, 2 * one.first};
    const std::uint32_t count = status == TICKMLP_CLIENT_OK && one.request.kind == kTick ? kOutputs : 0;
    ring.answer(slot, {0, status, 7, 0, 0, count}, outputs, count);
    return true;
  }
};

}  // namespace

TEST_CASE("requests of a window arrive in the order in which they were sent, whatever came late") {
  Attached attached;
  std::atomic<bool> stop = false;
  std::thread server([&] {
    std::mt19937 random(1);
    while (!stop) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 60));
      attached.serve_one();
    }
  });
  std::mt19937 random(2);
  int late = 0, wrong = 0;
  float next = 0, outputs[kOutputs];
  std::vector<float> state(kInputs);
  for (int i = 0; i < 5'000; ++i) {
    state[0] = ++next;
    const std::uint64_t deadline = random() % 4 == 0 ? 20 * kSecond : random() % 40'000;
    tickmlp_client_status status;
    if (random() % 8 == 0) status = tickmlp_client_window_advance(&attached.client, attached.window, deadline, nullptr);
    else
      status = tickmlp_client_window_tick(&attached.client, attached.window, state.data(), outputs, deadline, nullptr);
    if (status == TICKMLP_CLIENT_WINDOW_EMPTY)
      status = tickmlp_client_window_reset(&attached.client, attached.window, state.data(), 20 * kSecond, nullptr);
    late += status == TICKMLP_CLIENT_DEADLINE;
    wrong += status != TICKMLP_CLIENT_DEADLINE && status != TICKMLP_CLIENT_OK;
  }
  stop = true;
  server.join();
  CHECK(wrong == 0);
  CHECK(late > 100);
  float before = 0;
  int falls = 0;
  for (const Seen& one : attached.seen) {
    if (one.request.inputs == 0) continue;
    falls += one.first <= before;
    before = one.first;
  }
  CHECK(falls == 0);
}

TEST_CASE("what the server is told: the window's number, the key at each reset, one line for a row") {
  Attached attached;
  std::uint32_t second = 0, third = 0;
  REQUIRE(tickmlp_client_window_open(&attached.client, 0, 5, &second, nullptr) == TICKMLP_CLIENT_OK);
  CHECK(second == 1);
  CHECK(tickmlp_client_window_open(&attached.client, 0, 5, &third, nullptr) == TICKMLP_CLIENT_WINDOW_LIMIT);
  const std::vector<float> state(kInputs, 3.0f);
  float outputs[kOutputs];
  CHECK(tickmlp_client_window_tick(&attached.client, second, state.data(), outputs, 0, nullptr) ==
        TICKMLP_CLIENT_WINDOW_EMPTY);  // not even sent
  CHECK(tickmlp_client_window_reset(&attached.client, second, state.data(), 0, nullptr) == TICKMLP_CLIENT_DEADLINE);
  REQUIRE(attached.serve_one());
  CHECK(attached.seen[0].request.kind == kReset);
  CHECK(attached.seen[0].request.states == 1);
  CHECK(attached.seen[0].key == 5);
  CHECK(attached.seen[0].first == 3.0f);
  tickmlp_client_window_close(&attached.client, second);
  REQUIRE(attached.serve_one());
  CHECK(attached.seen[1].request.kind == kClose);
  CHECK_FALSE(attached.serve_one());
  CHECK(tickmlp_client_window_advance(&attached.client, second, 0, nullptr) == TICKMLP_CLIENT_BAD_ARGUMENT);
}

TEST_CASE("a tick's answer is not believed beyond what was asked") {
  Attached attached;
  attached.client.window[attached.window].in_doubt = false;
  const float row[kColumns] = {1, 2, 3};
  const auto answered_with = [&](std::uint32_t status) {
    std::uint64_t ticket = 0;
    float outputs[kOutputs] = {77, 77};
    REQUIRE(tickmlp_client_window_send(&attached.client, attached.window, row, &ticket) == TICKMLP_CLIENT_OK);
    std::uint64_t other = 0;
    CHECK(tickmlp_client_window_send(&attached.client, attached.window, row, &other) == TICKMLP_CLIENT_SLOTS_BUSY);
    REQUIRE(attached.serve_one(status));
    const auto got = tickmlp_client_receive(&attached.client, ticket, outputs, kSecond, nullptr);
    CHECK(outputs[0] == (got == TICKMLP_CLIENT_OK ? 2.0f : 77.0f));
    return got;
  };
  CHECK(answered_with(TICKMLP_CLIENT_OK) == TICKMLP_CLIENT_OK);
  CHECK(answered_with(TICKMLP_CLIENT_WINDOW_EMPTY) == TICKMLP_CLIENT_WINDOW_EMPTY);
  CHECK(answered_with(UINT32_MAX) == TICKMLP_CLIENT_SERVER_ERROR);
}
