// SPDX-License-Identifier: Apache-2.0
// A split of keys among arms.
#include "error.h"

using namespace tickmlp;

namespace {

// The finalizer of SplitMix64 (Steele, Lea and Flood 2014, with Stafford's constants): one to one on 64 bits, so that
// the top 16 take each of their values for exactly 2^48 keys, and every input bit flips each output bit half the time.
uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

}  // namespace

extern "C" {

tickmlp_status tickmlp_split_make(const uint32_t* shares, size_t arms, uint64_t salt, tickmlp_split* split,
                                  tickmlp_error* error) {
  if (shares == nullptr || split == nullptr)
    return fail(error, TICKMLP_BAD_ARGUMENT, "shares or split is NULL; expected both");
  if (arms == 0 || arms > TICKMLP_SPLIT_ARMS)
    return fail(error, TICKMLP_SPLIT_SHARES, "%zu arms; expected 1 to %d", arms, TICKMLP_SPLIT_ARMS);
  tickmlp_split made = {};
  made.salt = salt;
  made.arms = static_cast<uint32_t>(arms);
  uint64_t end = 0;
  for (size_t arm = 0; arm < TICKMLP_SPLIT_ARMS; ++arm) {
    if (arm < arms) end += shares[arm];
    made.ends[arm] = static_cast<uint32_t>(end);
  }
  if (end != TICKMLP_SPLIT_WHOLE)
    return fail(error, TICKMLP_SPLIT_SHARES, "shares of %llu in all; expected %d, so many parts is the whole",
                static_cast<unsigned long long>(end), TICKMLP_SPLIT_WHOLE);
  *split = made;
  return TICKMLP_OK;
}

// The salt is mixed first: neighbouring salts would give splits that are shifted copies of each other.
uint32_t tickmlp_split_choose(const tickmlp_split* split, uint64_t key) {
  if (split == nullptr) return 0;
  const auto place = static_cast<uint32_t>(mix(key ^ mix(split->salt + 0x9E3779B97F4A7C15)) >> 48);
  uint32_t arm = 0;
  while (place >= split->ends[arm]) ++arm;
  return arm;
}

}  // extern "C"
