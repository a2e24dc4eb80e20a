// SPDX-License-Identifier: Apache-2.0
// The watch's own thread, under readers that infer all the time.
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "published_folder.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

constexpr const char* kName = "strategic-int8";
constexpr uint64_t kMillisecond = 1'000'000;

template <typename Condition>
bool soon(Condition condition) {
  for (int i = 0; i < 20000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

uint64_t looks(const tickmlp_watch* watch) {
  tickmlp_watch_report last;
  return tickmlp_watch_last(watch, &last) == TICKMLP_OK ? last.looks : 0;
}

}  // namespace

TEST_CASE("publications reach running readers, and every answer is its generation's") {
  PublishedFolder folder;
  Watched watched(folder, load_variant(kName, 1, 1));
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> wrong{0}, seen_by[2] = {0, 0};
  std::thread readers[2];
  for (int i = 0; i < 2; ++i)
    readers[i] = std::thread([&, i] {
      tickmlp_reader* reader = nullptr;
      if (tickmlp_reader_create(watched.slot.swap, nullptr, nullptr, &reader, nullptr) != TICKMLP_OK) ++wrong;
      while (!stop) {
        const tickmlp_held* held = tickmlp_reader_take(reader);
        wrong += !answers_golden(*held) || held->generation < seen_by[i];
        seen_by[i] = held->generation;
        std::this_thread::yield();
      }
      tickmlp_reader_release(reader);
      tickmlp_reader_free(reader);
    });
  REQUIRE(tickmlp_watch_start(watched.watch, kMillisecond, nullptr) == TICKMLP_OK);
  for (uint64_t g = 2; g <= 12; ++g) {
    folder.publish(variant(kName, g, static_cast<uint32_t>(g)));
    CHECK(soon([&] { return seen_by[0] == g && seen_by[1] == g; }));
  }
  tickmlp_watch_stop(watched.watch);
  stop = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(wrong == 0);
  tickmlp_watch_report last;
  tickmlp_watch_last(watched.watch, &last);
  CHECK(last.taken == 11);
  CHECK(last.running == 12);
}

TEST_CASE("start and stop, again and again, and what start refuses") {
  PublishedFolder folder;
  folder.publish(variant(kName, 1, 1));
  Watched watched(folder, load_variant(kName, 1, 1));
  tickmlp_error error;
  for (const uint64_t period : {uint64_t{0}, kMillisecond - 1, uint64_t{3'600'000'000'001}})
    CHECK(tickmlp_watch_start(watched.watch, period, &error) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_watch_start(nullptr, kMillisecond, &error) == TICKMLP_BAD_ARGUMENT);
  for (int i = 0; i < 5; ++i) {
    const uint64_t before = looks(watched.watch);
    REQUIRE(tickmlp_watch_start(watched.watch, uint64_t{3600} * 1000 * kMillisecond, &error) == TICKMLP_OK);
    CHECK(tickmlp_watch_start(watched.watch, kMillisecond, &error) == TICKMLP_BAD_ARGUMENT);
    CHECK(soon([&] { return looks(watched.watch) == before + 1; }));  // the first look is at once
    const auto begin = std::chrono::steady_clock::now();
    tickmlp_watch_stop(watched.watch);  // within the hour's wait
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::minutes(5));
    CHECK(looks(watched.watch) == before + 1);
    tickmlp_watch_stop(watched.watch);
  }
  REQUIRE(tickmlp_watch_start(watched.watch, kMillisecond, &error) == TICKMLP_OK);
  const uint64_t before = looks(watched.watch);
  CHECK(soon([&] { return looks(watched.watch) > before + 5; }));
  CHECK(tickmlp_watch_poll(watched.watch, nullptr) == TICKMLP_OK);  // between its looks
}  // freed while its thread runs

TEST_CASE("the callback runs on the watch's thread, which has its name and takes no signals") {
  PublishedFolder folder;
  folder.publish(variant(kName, 2, 2));
  struct Seen {
    std::atomic<int> calls{0};
    char name[16] = {};
    bool blocked = false;
  } seen;
  tickmlp_watch_options options = {};
  options.context = &seen;
  options.on_report = [](void* context, const tickmlp_watch_report* report) {
    auto* out = static_cast<Seen*>(context);
    pthread_getname_np(pthread_self(), out->name, sizeof out->name);
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    out->blocked = sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGTERM) == 1;
    out->calls += report->event == TICKMLP_WATCH_TAKEN;
  };
  Watched watched(folder, load_variant(kName, 1, 1), options);
  REQUIRE(tickmlp_watch_start(watched.watch, kMillisecond, nullptr) == TICKMLP_OK);
  CHECK(soon([&] { return seen.calls == 1; }));
  tickmlp_watch_stop(watched.watch);
  CHECK(std::string(seen.name) == "tickmlp-watch");
  CHECK(seen.blocked);
}
