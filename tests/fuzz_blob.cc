// SPDX-License-Identifier: Apache-2.0
// libFuzzer over the loader. The digest is made true first, so that the fuzzer gets past it; whatever loads must run.
#include <cstdlib>
#include <cstring>
#include <vector>

#include "../runtime/blob.h"

using namespace tickmlp;

namespace {

void run_model(tickmlp_model* model) {
  tickmlp_session* session = nullptr;
  if (tickmlp_session_create(model, nullptr, &session, nullptr) != TICKMLP_OK) std::abort();
  const tickmlp_model_info& info = *tickmlp_model_describe(model);
  const std::vector<float> input(info.inputs, 0.5f);
  std::vector<float> output(info.outputs);
  const tickmlp_status status = tickmlp_infer(session, input.data(), input.size(), output.data(), output.size());
  if (status != TICKMLP_OK && status != TICKMLP_NON_FINITE_OUTPUT) std::abort();
  tickmlp_session_free(session);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint8_t> bytes(data, data + size);
  if (size >= sizeof(BlobHeader)) {
    auto* header = reinterpret_cast<BlobHeader*>(bytes.data());
    const size_t after = offsetof(BlobHeader, digest) + 32;
    sha256(bytes.data(), offsetof(BlobHeader, digest), bytes.data() + after, size - after, header->digest);
  }
  tickmlp_model* model = nullptr;
  tickmlp_error error = {TICKMLP_OK, ""};
  const tickmlp_status status = tickmlp_model_load_bytes(bytes.data(), bytes.size(), nullptr, &model, &error);
  if (status == TICKMLP_OK) run_model(model);
  else if (error.status != status || error.message[0] == 0) std::abort();  // every refusal names itself
  tickmlp_model_free(model);
  return 0;
}
