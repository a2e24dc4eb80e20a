// SPDX-License-Identifier: Apache-2.0
// The ring of `tickmlp serve --shared-memory`: the server's half and the client's, in two threads of one process.
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <random>
#include <thread>

#include "serve/client/client.h"
#include "serve/shared/ring.h"

using namespace tickmlp::shared;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint32_t kInputs = 13, kOutputs = 10;

// Memory that ends where a page ends, with none behind it.
class Memory {
 public:
  explicit Memory(std::size_t bytes) : pages_((bytes + 4095) / 4096) {
    memory_ = static_cast<unsigned char*>(
        mmap(nullptr, (pages_ + 1) * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    REQUIRE(memory_ != MAP_FAILED);
    REQUIRE(mprotect(memory_ + pages_ * 4096, 4096, PROT_NONE) == 0);
    begin_ = memory_ + pages_ * 4096 - bytes;  // segments are multiples of 128, so this is aligned
  }
  ~Memory() { munmap(memory_, (pages_ + 1) * 4096); }
  unsigned char* begin() const { return begin_; }

 private:
  std::size_t pages_;
  unsigned char *memory_, *begin_;
};

// A client that is attached, with one model, and a socket pair in place of the server's socket.
struct Attached {
  Geometry geometry;
  Memory memory;
  Ring ring;
  int sockets[2];
  tickmlp_client client{};

  explicit Attached(const Geometry& of) : geometry(of), memory(of.segment_bytes()), ring(memory.begin(), of) {
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0);
    client.geometry = of;
    client.link = tickmlp::client::Link::kReady;
    client.socket = sockets[0];
    client.segment = memory.begin();
    client.model_count = 1;
    client.models[0].inputs = kInputs;
    client.models[0].outputs = kOutputs;
  }
  ~Attached() {
    if (client.socket >= 0) close(client.socket);
    close(sockets[1]);
  }
};

float scored(const float* state, std::uint32_t k) { return state[k] * 2 + state[12 - k]; }

// What a server does with one request; false: there is none.
bool serve_one(Ring* ring, std::vector<float>* inputs, std::vector<float>* outputs) {
  const std::uint32_t slot = ring->next();
  if (slot == kMaxSlots) return false;
  const Request request = ring->take(slot);
  inputs->resize(std::size_t{request.states} * kInputs);
  outputs->resize(std::size_t{request.states} * kOutputs);
  ring->copy_inputs(slot, false, inputs->size(), inputs->data());
  for (std::uint32_t s = 0; s < request.states; ++s)
    for (std::uint32_t k = 0; k < kOutputs; ++k) (*outputs)[s * kOutputs + k] = scored(inputs->data() + s * kInputs, k);
  ring->answer(slot, {0, 0, 7, 0, 0, kOutputs}, outputs->data(), outputs->size());
  return true;
}

// Sends `requests`, up to `depth` in flight, and holds every answer against what it must be.
int wrong_answers(tickmlp_client* client, int requests, std::uint32_t depth) {
  struct InFlight {
    std::uint64_t ticket;
    std::vector<float> inputs;
  };
  std::vector<InFlight> flying;
  std::mt19937 random(depth);
  int wrong = 0;
  for (int i = 0; i < requests || !flying.empty();) {
    if (i < requests && flying.size() < depth) {
      InFlight next{0, std::vector<float>((1 + i % 3) * kInputs)};
      for (float& x : next.inputs) x = static_cast<float>(random() % 1000);
      wrong += tickmlp_client_send(client, 0, next.inputs.data(), 1 + i % 3, &next.ticket) != TICKMLP_CLIENT_OK;
      flying.push_back(std::move(next));
      ++i;
      if (random() % 3 != 0) continue;
    }
    const std::size_t which = random() % flying.size();
    std::vector<float> outputs(flying[which].inputs.size() / kInputs * kOutputs);
    tickmlp_client_answer answer;
    wrong += tickmlp_client_receive(client, flying[which].ticket, outputs.data(), 20 * kSecond, &answer) !=
             TICKMLP_CLIENT_OK;
    wrong += answer.generation != 7;
    for (std::size_t k = 0; k < outputs.size(); ++k)
      wrong += outputs[k] != scored(flying[which].inputs.data() + k / kOutputs * kInputs, k % kOutputs);
    flying.erase(flying.begin() + static_cast<std::ptrdiff_t>(which));
  }
  return wrong;
}

}  // namespace

TEST_CASE("requests and answers lie apart, aligned, and inside the segment") {
  for (std::uint32_t slots : {1u, 3u, 64u})
    for (std::uint32_t floats : {1u, 12u, 13u, 14u, 29u, 420u}) {
      const Geometry geometry{slots, floats, floats + 1};
      std::size_t end = kSlots;
      for (std::uint32_t slot = 0; slot < slots; ++slot) {
        REQUIRE(geometry.request(slot) == end);
        REQUIRE(geometry.answer(slot) >= end + sizeof(Request) + kKeyBytes + 4 * floats);
        end = geometry.answer(slot) + Geometry::aligned(sizeof(Answer) + 4 * (floats + 1));
        REQUIRE(geometry.answer(slot) % kAlignment == 0);
      }
      CHECK(end == geometry.segment_bytes());
    }
  CHECK_FALSE(Geometry{0, 1, 1}.valid());
  CHECK_FALSE(Geometry{65, 1, 1}.valid());
  CHECK_FALSE(Geometry{1, 0, 1}.valid());
  CHECK_FALSE(Geometry{1, 1, UINT32_MAX}.valid());
}

TEST_CASE("every answer is that of its request, with several in flight") {
  for (std::uint32_t depth : {1u, 4u}) {
    Attached attached({4, 3 * kInputs, 3 * kOutputs});
    std::atomic<bool> stop = false;
    std::thread server([&] {
      std::vector<float> inputs, outputs;
      while (!stop) serve_one(&attached.ring, &inputs, &outputs);
    });
    CHECK(wrong_answers(&attached.client, 20'000, depth) == 0);
    stop = true;
    server.join();
  }
}

TEST_CASE("a server that sleeps whenever it can misses no request") {
  Attached attached({2, 3 * kInputs, 3 * kOutputs});
  attached.client.sleeps = true;
  std::atomic<bool> stop = false;
  int sleeps = 0, missed = 0;
  std::thread server([&] {
    std::vector<float> inputs, outputs;
    while (!stop) {
      if (serve_one(&attached.ring, &inputs, &outputs)) continue;
      attached.ring.set_asleep(true);
      if (!serve_one(&attached.ring, &inputs, &outputs)) {
        pollfd bell{attached.sockets[1], POLLIN, 0};
        const bool rang = poll(&bell, 1, 5000) == 1;
        (rang ? sleeps : missed) += 1;
      }
      attached.ring.set_asleep(false);
      Message message;
      while (recv(attached.sockets[1], &message, sizeof message, MSG_DONTWAIT) > 0) {
      }
    }
  });
  CHECK(wrong_answers(&attached.client, 3'000, 1) == 0);
  stop = true;
  const Message wake = tickmlp::client::make_message(kWake, 0, "");
  CHECK(send(attached.sockets[0], &wake, sizeof wake, 0) == sizeof wake);
  server.join();
  CHECK(missed == 0);
  CHECK(sleeps > 10);
}

TEST_CASE("sequences that wrap are sequences") {
  Attached attached({1, kInputs, kOutputs});
  attached.client.slots[0].sequence = UINT32_MAX - 3;
  std::vector<float> inputs, outputs;
  for (int i = 0; i < 8; ++i) {
    std::vector<float> state(kInputs, static_cast<float>(i)), answer(kOutputs);
    std::uint64_t ticket = 0;
    REQUIRE(tickmlp_client_send(&attached.client, 0, state.data(), 1, &ticket) == TICKMLP_CLIENT_OK);
    REQUIRE(tickmlp_client_receive(&attached.client, ticket, answer.data(), 0, nullptr) == TICKMLP_CLIENT_DEADLINE);
    REQUIRE(serve_one(&attached.ring, &inputs, &outputs));
    REQUIRE_FALSE(serve_one(&attached.ring, &inputs, &outputs));
    REQUIRE(tickmlp_client_receive(&attached.client, ticket, answer.data(), 0, nullptr) == TICKMLP_CLIENT_OK);
    REQUIRE(tickmlp_client_receive(&attached.client, ticket, answer.data(), 0, nullptr) == TICKMLP_CLIENT_BAD_ARGUMENT);
    CHECK(answer[0] == 3.0f * static_cast<float>(i));
  }
}

TEST_CASE("a slot is answered in turn, whatever the others hold") {
  Attached attached({3, kInputs, kOutputs});
  std::vector<float> state(kInputs), inputs, outputs;
  std::uint64_t tickets[3];
  for (std::uint64_t& ticket : tickets)
    REQUIRE(tickmlp_client_send(&attached.client, 0, state.data(), 1, &ticket) == TICKMLP_CLIENT_OK);
  std::uint64_t more;
  CHECK(tickmlp_client_send(&attached.client, 0, state.data(), 1, &more) == TICKMLP_CLIENT_SLOTS_BUSY);
  CHECK(attached.ring.next() == 0);
  CHECK(attached.ring.next() == 1);
  // The first slot has a request again before the third had its turn.
  store_release(reinterpret_cast<std::uint32_t*>(attached.memory.begin() + attached.geometry.request(0)), 99);
  CHECK(attached.ring.next() == 2);
  CHECK(attached.ring.next() == 0);
  CHECK(attached.ring.next() == kMaxSlots);
}

TEST_CASE("what a server wrote is not believed beyond what was asked") {
  Attached attached({1, kInputs, kOutputs});
  std::vector<float> state(kInputs), answer(kOutputs, 77.0f);
  const auto answered_with = [&](std::uint32_t status, std::uint32_t outputs) {
    std::uint64_t ticket = 0;
    REQUIRE(tickmlp_client_send(&attached.client, 0, state.data(), 1, &ticket) == TICKMLP_CLIENT_OK);
    REQUIRE(attached.ring.next() == 0);
    attached.ring.answer(0, {0, status, 1, 0, 0, outputs}, nullptr, 0);
    return tickmlp_client_receive(&attached.client, ticket, answer.data(), kSecond, nullptr);
  };
  CHECK(answered_with(TICKMLP_CLIENT_STATUS_COUNT, kOutputs) == TICKMLP_CLIENT_SERVER_ERROR);
  CHECK(answered_with(UINT32_MAX, kOutputs) == TICKMLP_CLIENT_SERVER_ERROR);
  CHECK(answered_with(TICKMLP_CLIENT_NO_MODEL, kOutputs) == TICKMLP_CLIENT_NO_MODEL);
  CHECK(answered_with(TICKMLP_CLIENT_OK, kOutputs + 1) == TICKMLP_CLIENT_MODEL_CHANGED);
  CHECK(answer == std::vector<float>(kOutputs, 77.0f));
  std::uint64_t ticket;
  CHECK(tickmlp_client_send(&attached.client, 0, state.data(), 1, &ticket) == TICKMLP_CLIENT_MODEL_CHANGED);
}

TEST_CASE("the end of a server is noticed while waiting, and every name has its text") {
  Attached attached({1, kInputs, kOutputs});
  std::vector<float> state(kInputs), answer(kOutputs);
  shutdown(attached.sockets[1], SHUT_RDWR);
  attached.client.segment = static_cast<unsigned char*>(
      mmap(nullptr, attached.geometry.segment_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK(tickmlp_client_infer(&attached.client, 0, state.data(), 1, answer.data(), 20 * kSecond, nullptr) ==
        TICKMLP_CLIENT_SERVER_GONE);
  for (int i = 0; i < TICKMLP_CLIENT_STATUS_COUNT; ++i)
    CHECK(std::string(tickmlp_client_status_name(static_cast<tickmlp_client_status>(i))) != "unknown");
  CHECK(std::string(tickmlp_client_status_name(TICKMLP_CLIENT_STATUS_COUNT)) == "unknown");
}
