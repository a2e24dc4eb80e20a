// SPDX-License-Identifier: Apache-2.0
// Who may free what, and when: the whole protocol between readers and publisher, over two kinds of shared
// 64-bit words, `current` and `announced`. In the library both are swap::Word, std::atomic; tests/swap_model explores
// this same text with a model checker's atomics.
//
// Publications are numbered 1, 2, 3 ... `current` is the number of the newest. Each reader announces, in a word of its
// own, the number that it took. The publisher may free publication r once every reader's word is above r.
//
// Why the reader needs no fence between its load of `current` and its announcement: what it announces is not "I am
// about to look" but a lower bound of all that it can ever hold. Having read n from `current` it never reads less again
// (coherence of one atomic object), so with n in its word it holds n, or something newer that it has not announced yet,
// and nothing older. The store is a release after its last use of older publications, the publisher's load an acquire:
// those uses happened before the free.
//
// Only a reader that holds nothing has no such bound: its word says kIdle, and the publisher frees whatever is retired.
// When it comes back it stores a bound first and loads `current` after it; the publisher stores `current` first and
// loads the words after it. Each side stores, then loads what the other stores (Dekker's pattern), and acquire and
// release allow both loads to miss both stores: the publisher would free what the reader has just taken. So these four
// are sequentially consistent. The reader pays that (one locked instruction) only after a release.
#pragma once

#include <cstdint>

namespace tickmlp::swap {

inline constexpr uint64_t kIdle = UINT64_MAX;  // in a reader's word: it holds nothing

// Reader. `held` is the number that it took last and has not released. What it held before is given up.
template <class Current, class Announced>
uint64_t take(const Current& current, Announced& announced, uint64_t held) {
  const uint64_t number = current.load_acquire();
  if (number != held) announced.store_release(number);
  return number;
}

// Reader that holds nothing. `last`: the number that it took last, 0 at first; a bound, since numbers never fall.
template <class Current, class Announced>
uint64_t take_from_idle(const Current& current, Announced& announced, uint64_t last) {
  announced.store_ordered(last);
  const uint64_t number = current.load_ordered();
  announced.store_release(number);
  return number;
}

template <class Announced>
void release(Announced& announced) {
  announced.store_release(kIdle);
}

// Publisher, after publication `number` has been filled.
template <class Current>
void publish(Current& current, uint64_t number) {
  current.store_ordered(number);
}

// Publisher, after publish(): the lowest number that this reader may hold; kIdle: none but what it will take.
template <class Announced>
uint64_t lowest_held(const Announced& announced) {
  return announced.load_ordered();
}

}  // namespace tickmlp::swap
