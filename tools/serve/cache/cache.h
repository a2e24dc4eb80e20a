// SPDX-License-Identifier: Apache-2.0
// Answers that were given before: one serving thread's shard of the response cache.
#ifndef TICKMLP_SERVE_CACHE_CACHE_H_
#define TICKMLP_SERVE_CACHE_CACHE_H_
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/unordered_set.hpp>
#include <cstdint>
#include <memory>
#include <span>

#include "tickmlp.h"

namespace tickmlp::serve {

struct CacheOptions {
  std::size_t entries = 0;                    // in all; each thread has its share. 0: no cache
  std::uint64_t ttl_ns = 3600'000'000'000ul;  // an answer older than that is computed again
};

// Least recently used goes first. Thread-compatible. All memory comes with the constructor.
//
// An entry is found by the blob's SHA-256 and the bytes of the inputs, all of which are compared: what has the same
// hash, the same generation number or a similar shape is still another question. A blob's digest says more than its
// name and generation do, and an answer of the same blob under another name is the same bits.
class Cache {
 public:
  static constexpr std::size_t kFloats = 448;  // inputs and outputs of an entry together: the tactical model's 420 + 10

  struct Question {
    const std::uint8_t* blob_sha256;  // [32]
    std::span<const float> inputs;    // of all states
    std::size_t outputs;              // numbers in its answer
    std::uint64_t hash = 0;           // hash_of()
  };

  // `hash_mask`: for tests, which bits of the hash count; with 0 every question collides.
  explicit Cache(std::size_t entries, std::uint64_t ttl_ns, std::uint64_t hash_mask = ~std::uint64_t{0});
  ~Cache();
  Cache(const Cache&) = delete;

  // Larger ones are not kept.
  static bool fits(const Question& question) { return question.inputs.size() + question.outputs <= kFloats; }
  // Keyed with bytes that no client knows, drawn when the cache was made: nobody can make questions collide on purpose.
  std::uint64_t hash_of(const Question& question) const;

  // `now_ns` of any clock that does not fall. The outputs, valid until the next call; null: not here.
  const float* find(const Question& question, std::uint64_t now_ns);
  // After a find() that gave null.
  void insert(const Question& question, const float* outputs, std::uint64_t now_ns);

  std::size_t size() const { return size_; }

 private:
  struct Entry;
  struct Equal;
  struct Hash;
  struct Storage;
  void remove(Entry& entry);

  const std::size_t entries_;
  const std::uint64_t ttl_ns_, hash_mask_;
  std::size_t size_ = 0;
  std::uint8_t secret_[192];
  std::unique_ptr<Storage> storage_;
};

}  // namespace tickmlp::serve
#endif
