// SPDX-License-Identifier: Apache-2.0
// One publication, from the folder to a model.
#include "watch/policy.h"

#include <sodium.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "blob.h"
#include "error.h"
#include "model.h"
#include "watch/drift.h"

namespace tickmlp::watch {
namespace {

// A file's bytes, from the host's allocator.
class Bytes {
 public:
  explicit Bytes(const tickmlp_allocator& allocator) : allocator_(allocator) {}
  ~Bytes() {
    if (memory_ != nullptr) allocator_.release(allocator_.context, memory_);
  }
  Bytes(const Bytes&) = delete;

  tickmlp_status read(const Folder& folder, const char* name, const FileKind& kind, tickmlp_error* error) {
    File file;
    if (auto s = open_file_at(folder.descriptor, name, kind, &file, error)) return s;
    memory_ = allocator_.allocate(allocator_.context, file.bytes);
    count_ = file.bytes;
    owned_by_other_ = file.owned_by_other;
    const tickmlp_status status =
        memory_ != nullptr ? read_file(file, data(), error)
                           : fail(error, TICKMLP_OUT_OF_MEMORY, "no memory for the %zu bytes of %s", count_, name);
    close_file(&file);
    return status;
  }
  uint8_t* data() const { return static_cast<uint8_t*>(memory_); }
  size_t count() const { return count_; }
  bool owned_by_other() const { return owned_by_other_; }

 private:
  const tickmlp_allocator& allocator_;
  void* memory_ = nullptr;
  size_t count_ = 0;
  bool owned_by_other_ = false;
};

// Before anything is parsed: whether these are the bytes that were published.
tickmlp_status check_digest(const Bytes& blob, const Publication& publication, tickmlp_error* error) {
  uint8_t digest[32];
  char seen[9];
  sha256(blob.data(), blob.count(), nullptr, 0, digest);
  std::snprintf(seen, sizeof seen, "%02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3]);
  if (std::strcmp(seen, publication.sha8) == 0) return TICKMLP_OK;
  return fail(error, TICKMLP_BLOB_DIGEST, "the file's SHA-256 begins with %s; expected %s, as its name says", seen,
              publication.sha8);
}

tickmlp_status check_signature_file(const Folder& folder, const Publication& publication, const Policy& policy,
                                    const Bytes& blob, tickmlp_error* error) {
  const SignatureName name(publication);
  if (!stamp_of(folder, name.text).there)
    return fail(error, TICKMLP_SIGNATURE_MISSING, "no %s; expected a signature beside the blob", name.text);
  Bytes text(policy.allocator);
  if (auto s = text.read(folder, name.text, {"a signature", kMaxSignatureBytes, false}, error)) return s;
  return check_signature(policy.key, publication, blob.data(), blob.count(), reinterpret_cast<char*>(text.data()),
                         text.count(), error);
}

tickmlp_status check_header(const tickmlp_model_info& info, const Publication& publication, tickmlp_error* error) {
  if (std::strcmp(info.name, publication.name) == 0 && info.generation == publication.generation) return TICKMLP_OK;
  return fail(error, TICKMLP_BAD_PUBLICATION,
              "the blob is %s of generation %llu; expected %s of generation %llu, as its file's name says", info.name,
              static_cast<unsigned long long>(info.generation), publication.name,
              static_cast<unsigned long long>(publication.generation));
}

uint64_t read_clock(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace

SignatureName::SignatureName(const Publication& publication) {
  std::snprintf(text, sizeof text, "%s.minisig", publication.file);
}

uint64_t unix_ns() { return read_clock(CLOCK_REALTIME); }
uint64_t monotonic_ns() { return read_clock(CLOCK_MONOTONIC); }

void describe(const Publication& publication, tickmlp_watch_report* report) {
  std::memcpy(report->file, publication.file, sizeof report->file);
  report->generation = publication.generation;
  report->rollback = publication.rollback;
}

tickmlp_status read_policy(const tickmlp_watch_options& options, Policy* out, tickmlp_error* error) {
  Policy policy = {};
  if (options.load != nullptr) std::memcpy(&policy.load, options.load, sizeof policy.load);
  const int mode = raw_value(policy.load.mode);
  if (mode != TICKMLP_COPY)
    return fail(error, TICKMLP_BAD_ARGUMENT, "load mode is %d; a watch always copies: expected TICKMLP_COPY", mode);
  const tickmlp_allocator* allocator = policy.load.allocator;
  if (allocator != nullptr && (allocator->allocate == nullptr || allocator->release == nullptr))
    return fail(error, TICKMLP_BAD_ARGUMENT, "the allocator lacks a function; expected allocate and release");
  policy.allocator = allocator != nullptr ? *allocator
                                          : tickmlp_allocator{[](void*, size_t bytes) { return std::malloc(bytes); },
                                                              [](void*, void* memory) { std::free(memory); }, nullptr};
  if (auto s = check_limits(options.drift, error)) return s;
  policy.drift = options.drift;
  policy.generations = {options.least_generation, options.forbid_rollback != 0};
  policy.wants_signature = options.public_key != nullptr;
  if (policy.wants_signature) {
    if (sodium_init() < 0) return fail(error, TICKMLP_OUT_OF_MEMORY, "libsodium could not be initialised");
    if (auto s = read_public_key(options.public_key, &policy.key, error)) return s;
  }
  *out = policy;
  return TICKMLP_OK;
}

tickmlp_status load_publication(const Folder& folder, const Publication& publication, const Policy& policy,
                                tickmlp_model** out, tickmlp_error* error) {
  Bytes blob(policy.allocator);
  if (auto s = blob.read(folder, publication.file, {"a blob", kMaxBlobBytes, false}, error)) return s;
  if (auto s = check_digest(blob, publication, error)) return s;
  if (policy.wants_signature)
    if (auto s = check_signature_file(folder, publication, policy, blob, error)) return s;
  tickmlp_model* model = nullptr;
  if (auto s = tickmlp_model_load_bytes(blob.data(), blob.count(), &policy.load, &model, error)) return s;
  if (auto s = check_header(model->info, publication, error)) {
    tickmlp_model_free(model);
    return s;
  }
  model->info.owned_by_other = blob.owned_by_other();
  *out = model;
  return TICKMLP_OK;
}

}  // namespace tickmlp::watch
