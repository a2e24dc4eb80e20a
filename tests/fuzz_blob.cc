// SPDX-License-Identifier: Apache-2.0
// libFuzzer over the loader. Structure hash and digest are made true first, so that the fuzzer gets past them to the
// checks behind; whatever loads must run, and the tick path must give the bits of the full path.
#include <cstdlib>
#include <cstring>
#include <vector>

#include "../kernels/contract.h"
#include "../runtime/blob.h"

using namespace tickmlp;

namespace {

void make_hashes_true(std::vector<uint8_t>& bytes) {
  auto* header = reinterpret_cast<BlobHeader*>(bytes.data());
  const auto* heads = reinterpret_cast<const BlobHead*>(bytes.data() + sizeof(BlobHeader));
  const bool fits =
      header->head_count <= kMaxHeads && bytes.size() >= sizeof(BlobHeader) + header->head_count * sizeof(BlobHead);
  if (fits) header->structure_hash = structure_hash(*header, heads);
  const size_t after = offsetof(BlobHeader, digest) + 32;
  sha256(bytes.data(), offsetof(BlobHeader, digest), bytes.data() + after, bytes.size() - after, header->digest);
}

void check(bool good) {
  if (!good) std::abort();
}

void run_model(tickmlp_model* model) {
  const tickmlp_model_info& info = *tickmlp_model_describe(model);
  const std::vector<float> input(info.inputs, 0.5f);
  std::vector<float> output(info.outputs), ticked(info.outputs);
  tickmlp_session* session = nullptr;
  check(tickmlp_session_create(model, nullptr, &session, nullptr) == TICKMLP_OK);
  const tickmlp_status full = tickmlp_infer(session, input.data(), input.size(), output.data(), output.size());
  check(full == TICKMLP_OK || full == TICKMLP_NON_FINITE_OUTPUT);
  tickmlp_session_free(session);

  tickmlp_window* window = nullptr;
  if (tickmlp_window_create(model, nullptr, &window, nullptr) != TICKMLP_OK) return;
  check(tickmlp_window_reset(window, input.data(), input.size()) == TICKMLP_OK);
  for (int bar = 0; bar < 2; ++bar) {
    const tickmlp_status tick =
        tickmlp_window_tick(window, input.data(), info.window_columns, ticked.data(), ticked.size());
    check(tick == full);
    if (tick == TICKMLP_OK) check(std::memcmp(ticked.data(), output.data(), output.size() * sizeof(float)) == 0);
    check(tickmlp_window_advance(window) == TICKMLP_OK);
  }
  tickmlp_window_free(window);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint8_t> bytes(data, data + size);
  if (size >= sizeof(BlobHeader)) make_hashes_true(bytes);
  tickmlp_model* model = nullptr;
  tickmlp_error error = {TICKMLP_OK, ""};
  const tickmlp_status status = tickmlp_model_load_bytes(bytes.data(), bytes.size(), nullptr, &model, &error);
  if (status == TICKMLP_OK) run_model(model);
  else if (error.status != status || error.message[0] == 0) std::abort();  // every refusal names itself
  tickmlp_model_free(model);
  return 0;
}
