// SPDX-License-Identifier: Apache-2.0
// Loading through the public interface: files of every kind, modes, allocators, kernels by name.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cfenv>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "blob_bytes.h"

using namespace tickmlp;
using namespace tickmlp::testing;
namespace fs = std::filesystem;

namespace {

// A folder that goes away with the test.
struct Folder {
  fs::path path;
  Folder() {
    char name[] = "/tmp/tickmlp-test-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  std::string file(const std::string& name) const { return path / name; }
};

void write_bytes(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
}

struct Loaded {
  tickmlp_status status;
  tickmlp_model* model = nullptr;
  tickmlp_error error = {};
  explicit Loaded(const std::string& path, tickmlp_load_options options = {}) {
    status = tickmlp_model_load(path.c_str(), &options, &model, &error);
  }
  ~Loaded() { tickmlp_model_free(model); }
  Loaded(const Loaded&) = delete;
};

// The outputs for the golden inputs equal the golden outputs, to the bit.
bool golden_holds(const tickmlp_model* model) {
  tickmlp_session* session = nullptr;
  REQUIRE(tickmlp_session_create(model, nullptr, &session, nullptr) == TICKMLP_OK);
  const float *inputs, *outputs;
  const uint32_t count = tickmlp_model_golden(model, &inputs, &outputs);
  const tickmlp_model_info& info = *tickmlp_model_describe(model);
  std::vector<float> seen(count * info.outputs);
  REQUIRE(tickmlp_infer_batch(session, inputs, count, seen.data(), nullptr) == TICKMLP_OK);
  tickmlp_session_free(session);
  return std::memcmp(seen.data(), outputs, seen.size() * 4) == 0;
}

// An allocator that fails at the Nth call and counts what is held.
struct Counting {
  int calls = 0, fail_at = -1, held = 0;
  static void* allocate(void* context, size_t bytes) {
    auto* self = static_cast<Counting*>(context);
    if (self->calls++ == self->fail_at) return nullptr;
    ++self->held;
    return std::malloc(bytes);
  }
  static void release(void* context, void* memory) {
    --static_cast<Counting*>(context)->held;
    std::free(memory);
  }
};

}  // namespace

TEST_CASE("what the bundled models say of themselves") {
  Loaded loaded(weights_path("tactical-int8"));
  REQUIRE_MESSAGE(loaded.status == TICKMLP_OK, std::string(loaded.error.message));
  const tickmlp_model_info& info = *tickmlp_model_describe(loaded.model);
  CHECK(std::string(info.name) == "tactical");
  CHECK(info.inputs == 420);
  CHECK(info.outputs == 10);
  CHECK(info.heads == 4);
  CHECK(info.lanes == 224);
  CHECK(info.window_rows == 60);
  CHECK(info.window_columns == 7);
  CHECK(info.weight_bytes == 420 * 224 + 4 * (3 * 64 * 3 + 32));
  CHECK(reinterpret_cast<uintptr_t>(info.weights) % 64 == 0);
  tickmlp_head_info head;
  REQUIRE(tickmlp_model_head(loaded.model, 3, &head) == TICKMLP_OK);
  CHECK(std::string(head.name) == "critic");
  CHECK(head.hidden == 32);
  CHECK(head.output_begin == 9);
  CHECK(head.activation == TICKMLP_IDENTITY);
  CHECK(tickmlp_model_head(loaded.model, 4, &head) == TICKMLP_BAD_ARGUMENT);
}

TEST_CASE("every bundled blob on every kernel of its type, in both modes") {
  for (const char* name : kBundled)
    for (tickmlp_load_mode mode : {TICKMLP_COPY, TICKMLP_MAPPED})
      for (size_t k = 0; k < tickmlp_kernel_count(); ++k) {
        tickmlp_kernel_info kernel;
        REQUIRE(tickmlp_kernel_get(k, &kernel) == TICKMLP_OK);
        CAPTURE(name);
        CAPTURE(kernel.name);
        Loaded loaded(weights_path(name), {kernel.name, mode, 0, nullptr});
        const bool same_type =
            std::string(name).find(kernel.type == TICKMLP_INT8 ? "int8" : "float32") != std::string::npos;
        if (!same_type) CHECK(loaded.status == TICKMLP_KERNEL_TYPE);
        else if (!kernel.available) CHECK(loaded.status == TICKMLP_KERNEL_UNAVAILABLE);
        else CHECK((loaded.status == TICKMLP_OK && golden_holds(loaded.model)));
      }
  CHECK(Loaded(weights_path("tactical-int8"), {"int8-abacus", TICKMLP_COPY, 0, nullptr}).status ==
        TICKMLP_KERNEL_UNKNOWN);
}

TEST_CASE("files that are no blob's file, each refused by name") {
  const Folder folder;
  CHECK(Loaded(folder.file("missing")).status == TICKMLP_FILE_OPEN);
  CHECK(Loaded(folder.path).status == TICKMLP_FILE_KIND);
  CHECK(Loaded("/dev/zero").status == TICKMLP_FILE_KIND);
  REQUIRE(mkfifo(folder.file("fifo").c_str(), 0600) == 0);
  CHECK(Loaded(folder.file("fifo")).status == TICKMLP_FILE_KIND);
  fs::create_symlink("nowhere", folder.file("dangling"));
  CHECK(Loaded(folder.file("dangling")).status == TICKMLP_FILE_OPEN);
  fs::create_symlink("loop", folder.file("loop"));
  CHECK(Loaded(folder.file("loop")).status == TICKMLP_FILE_OPEN);
  write_bytes(folder.file("empty"), {});
  CHECK(Loaded(folder.file("empty")).status == TICKMLP_FILE_SIZE);
  write_bytes(folder.file("one"), {0x89});
  CHECK(Loaded(folder.file("one")).status == TICKMLP_BLOB_MAGIC);
  write_bytes(folder.file("sparse"), {});
  REQUIRE(truncate(folder.file("sparse").c_str(), off_t{1} << 40) == 0);
  CHECK(Loaded(folder.file("sparse")).status == TICKMLP_FILE_SIZE);
  write_bytes(folder.file("open"), bundled("strategic-int8"));
  fs::permissions(folder.file("open"), fs::perms::all);
  CHECK(Loaded(folder.file("open")).status == TICKMLP_FILE_WRITABLE);
  const int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {AF_UNIX, {}};
  std::strncpy(address.sun_path, folder.file("socket").c_str(), sizeof address.sun_path - 1);
  REQUIRE(bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  CHECK(Loaded(folder.file("socket")).status == TICKMLP_FILE_KIND);
  close(descriptor);
}

TEST_CASE("a file without read permission") {
  if (geteuid() == 0) {
    MESSAGE("SKIP: root reads everything");
    return;
  }
  const Folder folder;
  write_bytes(folder.file("closed"), bundled("strategic-int8"));
  fs::permissions(folder.file("closed"), fs::perms::none);
  CHECK(Loaded(folder.file("closed")).status == TICKMLP_FILE_OPEN);
}

TEST_CASE("the file may be replaced, overwritten, truncated or deleted after loading") {
  const Folder folder;
  for (int fate = 0; fate < 4; ++fate) {
    const std::string path = folder.file("model.blob");
    write_bytes(path, bundled("tactical-int8"));
    Loaded loaded(path);
    REQUIRE(loaded.status == TICKMLP_OK);
    if (fate == 0)
      fs::rename((write_bytes(folder.file("other"), bundled("strategic-int8")), folder.file("other")), path);
    if (fate == 1) write_bytes(path, std::vector<uint8_t>(200000, 0xEE));
    if (fate == 2) REQUIRE(truncate(path.c_str(), 0) == 0);
    if (fate == 3) fs::remove(path);
    CHECK(golden_holds(loaded.model));
  }
}

TEST_CASE("from bytes at any alignment, and damaged bytes") {
  const std::vector<uint8_t> good = bundled("strategic-float32");
  for (size_t shift : {0u, 1u, 3u, 8u, 63u}) {
    std::vector<uint8_t> shifted(good.size() + shift);
    std::memcpy(shifted.data() + shift, good.data(), good.size());
    tickmlp_model* model = nullptr;
    REQUIRE(tickmlp_model_load_bytes(shifted.data() + shift, good.size(), nullptr, &model, nullptr) == TICKMLP_OK);
    std::fill(shifted.begin(), shifted.end(), uint8_t{0});
    CHECK(golden_holds(model));
    tickmlp_model_free(model);
  }
  tickmlp_model* model = nullptr;
  CHECK(tickmlp_model_load_bytes(good.data(), good.size() - 1, nullptr, &model, nullptr) == TICKMLP_BLOB_TRUNCATED);
  CHECK(tickmlp_model_load_bytes(good.data(), 0, nullptr, &model, nullptr) == TICKMLP_FILE_SIZE);
  CHECK(tickmlp_model_load_bytes(nullptr, 10, nullptr, &model, nullptr) == TICKMLP_BAD_ARGUMENT);
  CHECK(model == nullptr);
}

TEST_CASE("every allocation fails once: a named error, nothing leaked") {
  for (int n = 0;; ++n) {
    Counting counting;
    counting.fail_at = n;
    const tickmlp_allocator allocator = {Counting::allocate, Counting::release, &counting};
    tickmlp_session* session = nullptr;
    tickmlp_status status;
    {
      Loaded loaded(weights_path("tactical-float32"), {nullptr, TICKMLP_COPY, 0, &allocator});
      status = loaded.status;
      if (status == TICKMLP_OK) status = tickmlp_session_create(loaded.model, nullptr, &session, nullptr);
      tickmlp_session_free(session);
    }
    CHECK(counting.held == 0);
    if (counting.calls <= n) {
      CHECK(status == TICKMLP_OK);
      CHECK(n == 3);  // the handle, the golden scratch, the session
      break;
    }
    CHECK(status == TICKMLP_OUT_OF_MEMORY);
  }
}

TEST_CASE("locking denied: degraded and said, or refused where the host requires it") {
  const pid_t child = fork();
  if (child == 0) {  // RLIMIT_MEMLOCK cannot be given back, so in a child; root needs to lose its privilege first
    const rlimit none = {0, 0};
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0) _exit(10);
    if (geteuid() == 0 && setuid(65534) != 0) _exit(11);
    Loaded degraded(weights_path("strategic-int8"));
    if (degraded.status == TICKMLP_FILE_OPEN) _exit(12);
    if (degraded.status != TICKMLP_OK || tickmlp_model_describe(degraded.model)->lock != TICKMLP_UNLOCKED) _exit(1);
    Loaded refused(weights_path("strategic-int8"), {nullptr, TICKMLP_COPY, 1, nullptr});
    _exit(refused.status == TICKMLP_NOT_LOCKED ? 0 : 2);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) >= 10) MESSAGE("SKIP: cannot give up privilege here, code " << WEXITSTATUS(status));
  else CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("arguments that contradict each other") {
  tickmlp_model* model = nullptr;
  tickmlp_error error = {};
  CHECK(tickmlp_model_load(nullptr, nullptr, &model, &error) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_model_load("x", nullptr, nullptr, &error) == TICKMLP_BAD_ARGUMENT);
  CHECK(Loaded(weights_path("tactical-int8"), {nullptr, static_cast<tickmlp_load_mode>(7), 0, nullptr}).status ==
        TICKMLP_BAD_ARGUMENT);
  CHECK(Loaded(weights_path("tactical-int8"), {nullptr, TICKMLP_MAPPED, 1, nullptr}).status == TICKMLP_BAD_ARGUMENT);
  const tickmlp_allocator half = {Counting::allocate, nullptr, nullptr};
  CHECK(Loaded(weights_path("tactical-int8"), {nullptr, TICKMLP_COPY, 0, &half}).status == TICKMLP_BAD_ARGUMENT);
  tickmlp_model_free(nullptr);
  tickmlp_session_free(nullptr);
}

TEST_CASE("every status has a name of its own") {
  std::map<std::string, int> names;
  for (int s = 0; s < TICKMLP_STATUS_COUNT; ++s) ++names[tickmlp_status_name(static_cast<tickmlp_status>(s))];
  CHECK(names.size() == TICKMLP_STATUS_COUNT);
  CHECK(std::string(tickmlp_status_name(TICKMLP_STATUS_COUNT)) == "unknown");
}

TEST_CASE("loading under another rounding mode and FTZ gives the same model") {
  std::fesetround(FE_UPWARD);
  {
    Loaded loaded(weights_path("tactical-int8"));
    CHECK(loaded.status == TICKMLP_OK);
  }
  CHECK(std::fegetround() == FE_UPWARD);
  std::fesetround(FE_TONEAREST);
}
