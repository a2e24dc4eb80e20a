// SPDX-License-Identifier: Apache-2.0
// The library's handles with owners, and its errors as Failures.
#ifndef TICKMLP_BENCH_MODEL_H_
#define TICKMLP_BENCH_MODEL_H_
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tickmlp.h"

namespace tickmlp::bench {

struct ModelFree {
  void operator()(tickmlp_model* model) const { tickmlp_model_free(model); }
};
struct SessionFree {
  void operator()(tickmlp_session* session) const { tickmlp_session_free(session); }
};
using Model = std::unique_ptr<tickmlp_model, ModelFree>;
using Session = std::unique_ptr<tickmlp_session, SessionFree>;
struct WindowFree {
  void operator()(tickmlp_window* window) const { tickmlp_window_free(window); }
};
using Window = std::unique_ptr<tickmlp_window, WindowFree>;

// "blob-digest: ..." with the exit code that fits: a kernel name that cannot be meant is wrong usage, the rest refused.
[[noreturn]] void fail(const std::string& what, tickmlp_status status, const tickmlp_error& error);

// What a measurement begins with: this thread on `core`, and the clock.
tickmlp_clock pin_and_calibrate(int core);

// An empty kernel name takes the best available.
Model load_model(const std::string& path, const std::string& kernel, tickmlp_load_mode mode = TICKMLP_COPY);
Model load_model_bytes(std::span<const std::uint8_t> bytes, const std::string& kernel);
Session open_session(const Model& model, tickmlp_non_finite non_finite = TICKMLP_STRICT);
Window open_window(const Model& model, tickmlp_non_finite non_finite = TICKMLP_STRICT);

// What the library has allocated and not released: handles, sessions and windows, not the weights.
struct MemoryBlock {
  void* memory;
  std::size_t bytes;
};
const std::vector<MemoryBlock>& library_blocks();

const char* dtype_name(tickmlp_element_type type);
const char* lock_name(tickmlp_lock lock);
std::string kernel_names();  // "int8-avx512vnni, int8-scalar, ..."
std::string hexadecimal(std::span<const std::uint8_t> bytes);

}  // namespace tickmlp::bench
#endif
