// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include <cstdlib>
#include <new>

#if TICKMLP_HAVE_MIMALLOC
#include <mimalloc.h>
#endif

#include "cli.h"

namespace tickmlp::bench {
namespace {

// The library has no allocator of its own; a program hands it the one that it is linked with. This one also remembers
// each block, so that `certify` can evict them.
std::vector<MemoryBlock> g_blocks;

void free_memory(void* memory) {
#if TICKMLP_HAVE_MIMALLOC
  mi_free(memory);
#else
  std::free(memory);
#endif
}

void* allocate(void*, std::size_t bytes) {
#if TICKMLP_HAVE_MIMALLOC
  void* memory = mi_malloc_aligned(bytes, 16);
#else
  void* memory = std::malloc(bytes);
#endif
  if (memory == nullptr) return nullptr;
  try {
    g_blocks.push_back({memory, bytes});
  } catch (const std::bad_alloc&) {  // nothing may be thrown through the library
    free_memory(memory);
    return nullptr;
  }
  return memory;
}

void release(void*, void* memory) {
  std::erase_if(g_blocks, [=](const MemoryBlock& block) { return block.memory == memory; });
  free_memory(memory);
}

constexpr tickmlp_allocator kAllocator{allocate, release, nullptr};

}  // namespace

void fail(const std::string& what, tickmlp_status status, const tickmlp_error& error) {
  std::string message = what + ": " + tickmlp_status_name(status);
  if (error.message[0] != '\0') message += std::string(": ") + printable(error.message);
  if (status == TICKMLP_KERNEL_UNKNOWN) message += "\n  kernels: " + kernel_names();
  const bool usage = status == TICKMLP_KERNEL_UNKNOWN || status == TICKMLP_KERNEL_TYPE;
  throw Failure{usage ? kWrongUsage : kRefused, message};
}

tickmlp_clock pin_and_calibrate(int core) {
  tickmlp_error error{};
  tickmlp_clock clock{};
  if (const auto status = tickmlp_pin_thread(core, &error); status != TICKMLP_OK) fail("cannot measure", status, error);
  if (const auto status = tickmlp_clock_calibrate(&clock, &error); status != TICKMLP_OK)
    fail("cannot measure", status, error);
  return clock;
}

Model load_model(const std::string& path, const std::string& kernel, tickmlp_load_mode mode) {
  tickmlp_load_options options{};
  options.kernel = kernel.empty() ? nullptr : kernel.c_str();
  options.mode = mode;
  options.allocator = &kAllocator;
  tickmlp_model* model = nullptr;
  tickmlp_error error{};
  const tickmlp_status status = tickmlp_model_load(path.c_str(), &options, &model, &error);
  if (status != TICKMLP_OK) fail("cannot load " + printable(path), status, error);
  return Model(model);
}

Model load_model_bytes(std::span<const std::uint8_t> bytes, const std::string& kernel) {
  tickmlp_load_options options{};
  options.kernel = kernel.empty() ? nullptr : kernel.c_str();
  options.allocator = &kAllocator;
  tickmlp_model* model = nullptr;
  tickmlp_error error{};
  const tickmlp_status status = tickmlp_model_load_bytes(bytes.data(), bytes.size(), &options, &model, &error);
  if (status != TICKMLP_OK) fail("cannot load a model of " + std::to_string(bytes.size()) + " bytes", status, error);
  return Model(model);
}

Session open_session(const Model& model, tickmlp_non_finite non_finite) {
  tickmlp_session_options options{};
  options.non_finite = non_finite;
  tickmlp_session* session = nullptr;
  tickmlp_error error{};
  const tickmlp_status status = tickmlp_session_create(model.get(), &options, &session, &error);
  if (status != TICKMLP_OK) fail("cannot open a session", status, error);
  return Session(session);
}

const std::vector<MemoryBlock>& library_blocks() { return g_blocks; }

const char* dtype_name(tickmlp_element_type type) { return type == TICKMLP_INT8 ? "int8" : "float32"; }

const char* lock_name(tickmlp_lock lock) {
  switch (lock) {
    case TICKMLP_UNLOCKED: return "unlocked";
    case TICKMLP_LOCKED_PAGES: return "locked-pages";
    case TICKMLP_LOCKED_HUGE_PAGE: return "locked-huge-page";
  }
  return "unknown";
}

std::string kernel_names() {
  std::string names;
  for (std::size_t i = 0; i < tickmlp_kernel_count(); ++i) {
    tickmlp_kernel_info kernel{};
    if (tickmlp_kernel_get(i, &kernel) != TICKMLP_OK) continue;
    names += std::string(names.empty() ? "" : ", ") + kernel.name;
  }
  return names;
}

std::string hexadecimal(std::span<const std::uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

Window open_window(const Model& model, tickmlp_non_finite non_finite) {
  const tickmlp_session_options options = {non_finite, 0};
  tickmlp_window* window = nullptr;
  tickmlp_error error{};
  const tickmlp_status status = tickmlp_window_create(model.get(), &options, &window, &error);
  if (status != TICKMLP_OK) fail("cannot make a window", status, error);
  return Window(window);
}

}  // namespace tickmlp::bench
