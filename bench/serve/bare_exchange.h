// SPDX-License-Identifier: Apache-2.0
// What a whole request through shared memory cannot beat on this CPU: the same bytes over the same lines, and the same
// model between them, without any ring, check or count.
#ifndef TICKMLP_BENCH_SERVE_BARE_EXCHANGE_H_
#define TICKMLP_BENCH_SERVE_BARE_EXCHANGE_H_
#include <algorithm>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

#include "cli.h"
#include "tickmlp.h"

namespace tickmlp::bench {

// A line's first word is its number, and floats stand behind it, as in the ring.
class Lines {
 public:
  static constexpr std::size_t kHeader = 12;
  explicit Lines(std::size_t floats) : memory_(new (std::align_val_t{128}) unsigned char[kHeader + 4 * floats + 128]) {
    std::memset(memory_, 0, kHeader + 4 * floats + 128);
  }
  ~Lines() { ::operator delete[](memory_, std::align_val_t{128}); }
  Lines(const Lines&) = delete;
  float* floats() { return reinterpret_cast<float*>(memory_ + kHeader); }
  std::uint32_t number() const { return __atomic_load_n(word(), __ATOMIC_ACQUIRE); }
  void set_number(std::uint32_t number) { __atomic_store_n(word(), number, __ATOMIC_RELEASE); }

 private:
  std::uint32_t* word() const { return reinterpret_cast<std::uint32_t*>(memory_); }
  unsigned char* memory_;
};

// Between this core and the server's, whose thread sleeps while nobody is attached. `questions` is some of `floats`
// each; call(const float* inputs, float* outputs) is the model, for one thread at a time.
template <class Call>
void time_bare_exchange(const tickmlp_clock& clock, int other_core, const std::vector<float>& questions,
                        std::size_t floats, std::size_t outputs, const Call& call, tickmlp_recorder* recorder) {
  constexpr std::uint32_t kRounds = 20'000, kReady = 1, kFailed = UINT32_MAX;
  Lines request(floats), answer(outputs);
  std::vector<float> computed(outputs), seen(outputs);
  for (std::size_t at = 0; at < questions.size(); at += floats) call(questions.data() + at, seen.data());  // may refuse
  std::thread other([&] {
    tickmlp_error error{};
    if (tickmlp_pin_thread(other_core, &error) != TICKMLP_OK) return answer.set_number(kFailed);
    answer.set_number(kReady);
    for (std::uint32_t i = kReady + 1; i < kRounds; ++i) {
      while (request.number() != i) {
      }
      for (std::size_t k = 0; k < floats; k += 16) __builtin_prefetch(request.floats() + k);
      call(request.floats(), computed.data());
      std::copy(computed.begin(), computed.end(), answer.floats());
      answer.set_number(i);
    }
  });
  while (answer.number() == 0) {
  }
  if (answer.number() == kReady)
    for (std::uint32_t i = kReady + 1; i < kRounds; ++i) {
      const float* inputs = questions.data() + i % (questions.size() / floats) * floats;
      for (std::size_t k = 0; k < floats; k += 16) static_cast<void>(*static_cast<const volatile float*>(inputs + k));
      const std::uint64_t begin = tickmlp_clock_begin();
      std::copy_n(inputs, floats, request.floats());
      request.set_number(i);
      while (answer.number() != i) {
      }
      std::copy_n(answer.floats(), outputs, seen.data());
      tickmlp_recorder_record(recorder, tickmlp_clock_ns(&clock, tickmlp_clock_end() - begin));
    }
  other.join();
  if (recorder->count == 0) refuse("cannot pin a thread to core " + std::to_string(other_core));
}

}  // namespace tickmlp::bench
#endif
