// SPDX-License-Identifier: Apache-2.0
// The server's cache by itself: against a plain list, with every hash the same, with questions that are too large.
#include <doctest/doctest.h>

#include <cstring>
#include <list>
#include <random>
#include <vector>

#include "serve/cache/cache.h"

namespace {

using namespace tickmlp::serve;

constexpr std::size_t kEntries = 20;
constexpr std::uint64_t kTtl = 1000;

// The same with std::list, which compares everything.
struct Plain {
  struct Entry {
    std::vector<std::uint8_t> blob;
    std::vector<float> inputs, outputs;
    std::uint64_t made;
  };
  std::list<Entry> entries;

  static bool same(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
  }
  const Entry* find(const std::vector<std::uint8_t>& blob, const std::vector<float>& inputs, std::size_t outputs,
                    std::uint64_t now) {
    for (auto at = entries.begin(); at != entries.end(); ++at) {
      if (at->blob != blob || !same(at->inputs, inputs) || at->outputs.size() != outputs) continue;
      if (now - at->made > kTtl) {
        entries.erase(at);
        return nullptr;
      }
      entries.splice(entries.begin(), entries, at);
      return &entries.front();
    }
    return nullptr;
  }
  void insert(Entry entry) {
    if (entries.size() == kEntries) entries.pop_back();
    entries.push_front(std::move(entry));
  }
};

// Few models, inputs and lengths, so that everything that may be confused is asked again and again.
void compare_with_plain(std::uint64_t hash_mask) {
  Cache cache(kEntries, kTtl, hash_mask);
  Plain plain;
  std::mt19937 random(7);
  std::uint64_t now = 5000, hits = 0;
  for (int i = 0; i < 50'000; ++i) {
    now += random() % 40;
    std::vector<std::uint8_t> blob(32, 9);
    blob[random() % 2 == 0 ? 0 : 31] = static_cast<std::uint8_t>(random() % 3);
    std::vector<float> inputs(3 * (1 + random() % 2), 0.5F);
    if (const auto value = random() % 5; value != 0) inputs[random() % inputs.size()] = static_cast<float>(value);
    if (random() % 8 == 0) inputs[0] = random() % 2 == 0 ? -0.0F : 0.0F;
    Cache::Question question{blob.data(), inputs, 1 + random() % 2};
    question.hash = cache.hash_of(question);
    const float* found = cache.find(question, now);
    const Plain::Entry* expected = plain.find(blob, inputs, question.outputs, now);
    REQUIRE((found != nullptr) == (expected != nullptr));
    if (found != nullptr) {
      ++hits;
      REQUIRE(std::memcmp(found, expected->outputs.data(), question.outputs * sizeof(float)) == 0);
      continue;
    }
    const std::vector<float> outputs(question.outputs, static_cast<float>(i));
    cache.insert(question, outputs.data(), now);
    plain.insert({blob, inputs, outputs, now});
    REQUIRE(cache.size() == plain.entries.size());
  }
  CHECK(hits > 1000);
}

TEST_CASE("cache: the answers of a plain list, in its order of use") { compare_with_plain(~std::uint64_t{0}); }
TEST_CASE("cache: also where every question has the same hash") { compare_with_plain(0); }

TEST_CASE("cache: what is larger than an entry is not kept") {
  Cache cache(4, kTtl);
  const std::vector<std::uint8_t> blob(32);
  const std::vector<float> inputs(Cache::kFloats), outputs(1);
  Cache::Question question{blob.data(), inputs, 1};
  CHECK(!Cache::fits(question));
  cache.insert(question, outputs.data(), 1);
  CHECK(cache.size() == 0);
  question.inputs = question.inputs.first(Cache::kFloats - 1);
  CHECK(Cache::fits(question));
  cache.insert(question, outputs.data(), 1);
  CHECK(cache.size() == 1);
}

TEST_CASE("cache: two servers hash with different keys") {
  const std::vector<std::uint8_t> blob(32);
  const std::vector<float> inputs(420, 0.25F);
  const Cache::Question question{blob.data(), inputs, 10};
  CHECK(Cache(1, 1).hash_of(question) != Cache(1, 1).hash_of(question));
}

}  // namespace
