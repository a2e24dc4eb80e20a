// SPDX-License-Identifier: Apache-2.0
// System calls and allocations that fail, one after the other, during a look: an error by name, nothing lost, the last
// good model answers, and the next look takes what this one could not. This program's own wrappers of the C library's
// calls make them fail.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdarg>

#include "counting_allocator.h"
#include "published_folder.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

// What happens to the calls of one look.
struct Faults {
  bool armed = false;
  int calls = 0, fail_at = -1, reason = 0;
  bool only_interruptible = false;  // EINTR: not for stat() and mmap(), which are never interrupted
  bool short_reads = false;
  bool fails(bool interruptible) {
    if (!armed || (only_interruptible && !interruptible)) return false;
    if (calls++ != fail_at) return false;
    errno = reason;
    return true;
  }
} faults;

}  // namespace

// The library's open(), stat() and so on are these. Large-file names, as it is built with 64-bit offsets.
extern "C" {
int openat64(int folder, const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const int mode = (flags & O_CREAT) != 0 ? va_arg(list, int) : 0;
  va_end(list);
  if (faults.fails(true)) return -1;
  return static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
}
ssize_t pread64(int file, void* into, size_t bytes, off64_t from) {
  if (faults.fails(true)) return -1;
  if (faults.armed && faults.short_reads && bytes > 7) bytes = 7;
  return syscall(SYS_pread64, file, into, bytes, from);
}
int stat64(const char* path, struct stat64* out) noexcept {
  if (faults.fails(false)) return -1;
  return static_cast<int>(syscall(SYS_newfstatat, AT_FDCWD, path, out, 0));
}
int fstat64(int file, struct stat64* out) noexcept {
  if (faults.fails(false)) return -1;
  return static_cast<int>(syscall(SYS_fstat, file, out));
}
int fstatat64(int folder, const char* path, struct stat64* out, int flags) noexcept {
  if (faults.fails(false)) return -1;
  return static_cast<int>(syscall(SYS_newfstatat, folder, path, out, flags));
}
void* mmap64(void* where, size_t bytes, int protection, int flags, int file, off64_t from) noexcept {
  if (faults.fails(false)) return MAP_FAILED;
  return reinterpret_cast<void*>(syscall(SYS_mmap, where, bytes, protection, flags, file, from));
}
}

namespace {

constexpr const char* kName = "tactical-int8";

long open_files() { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); }

// A folder with a signed publication, a slot with a reader, and what is allocated.
struct Scene {
  Counting counting;
  tickmlp_load_options load_options = {nullptr, TICKMLP_COPY, 0, &counting.allocator};
  Signer signer{1};
  std::string key = signer.public_line();
  PublishedFolder folder;
  Watched watched;
  int held;
  long open;

  Scene() : watched(folder, load(variant(kName, 1, 1), &counting.allocator), options()) {
    watched.slot.reader();
    watched.look();  // the folder is open from here on
    const std::vector<uint8_t> next = variant(kName, 2, 2);
    const std::string name = folder.put(next);
    folder.put(name + ".minisig", signer.sign(next, "name=tactical generation=2"));
    folder.point(name);
    held = counting.held;
    open = open_files();
  }
  tickmlp_watch_options options() {
    tickmlp_watch_options options = {};
    options.load = &load_options;
    options.public_key = key.c_str();
    return options;
  }
  tickmlp_status look_with_faults() {
    faults.armed = true;
    const tickmlp_status status = watched.look();
    faults.armed = false;
    return status;
  }
  // After a look that failed: nothing is left of it, and the next one succeeds.
  bool recovers() {
    return counting.held == held && open_files() <= open && watched.generation() == 1 &&
           golden_holds(watched.slot.state().model) && watched.takes(2);
  }
};

}  // namespace

TEST_CASE("every system call of a look fails once") {
  for (const int reason : {EIO, EMFILE, ENOMEM, EACCES}) {
    int failed = 0;
    for (int n = 0;; ++n) {
      Scene scene;
      faults = {false, 0, n, reason, false, false};
      const tickmlp_status status = scene.look_with_faults();
      if (faults.calls <= n) {  // there is no such call any more
        CHECK(status == TICKMLP_OK);
        break;
      }
      if (status == TICKMLP_OK) {  // a stamp: only to know later whether the file has changed
        CHECK(scene.watched.generation() == 2);
        ++failed;
        continue;
      }
      CAPTURE(n);
      CAPTURE(reason);
      INFO(scene.watched.report.error.message);
      CHECK((status == TICKMLP_FILE_OPEN || status == TICKMLP_FILE_READ || status == TICKMLP_OUT_OF_MEMORY));
      CHECK(scene.watched.report.event == TICKMLP_WATCH_REFUSED);
      CHECK(scene.recovers());
      ++failed;
    }
    CHECK(failed >= 14);  // the folder, three files opened, looked at and read, two stamps, the memory of the weights
  }
}

TEST_CASE("interrupted calls and short reads are gone on with") {
  int interrupted = 0;
  for (int n = 0;; ++n, ++interrupted) {
    Scene scene;
    faults = {false, 0, n, EINTR, true, false};
    CHECK(scene.look_with_faults() == TICKMLP_OK);
    CHECK(scene.watched.generation() == 2);
    if (faults.calls <= n) break;
  }
  CHECK(interrupted >= 6);
  Scene scene;
  faults = {};
  faults.short_reads = true;
  CHECK(scene.look_with_faults() == TICKMLP_OK);
  CHECK(scene.watched.generation() == 2);
  CHECK(faults.calls > 15000);  // 105 KB in sevens
}

TEST_CASE("every allocation of a look fails once") {
  for (int n = 0;; ++n) {
    Scene scene;
    scene.counting.calls = 0;
    scene.counting.fail_at = n;
    const tickmlp_status status = scene.watched.look();
    if (scene.counting.calls <= n) {
      CHECK(status == TICKMLP_OK);
      CHECK(n >= 8);  // blob, signature, handle, scratch, two sessions for the drift, a publication, a reader's parts
      break;
    }
    CAPTURE(n);
    CHECK(status == TICKMLP_OUT_OF_MEMORY);
    CHECK(scene.watched.report.event == TICKMLP_WATCH_REFUSED);
    CHECK(scene.recovers());
  }
}

TEST_CASE("with nothing new a look reads `current`, and nothing else; nor does it allocate") {
  Scene scene;
  const auto count = [&] {
    faults = {};
    scene.counting.calls = 0;
    scene.look_with_faults();
    return faults.calls;
  };
  CHECK(count() > 10);
  for (int i = 0; i < 3; ++i) {
    CHECK(count() == 4);  // stat of the folder; openat, fstat and pread of `current`; and a close
    CHECK(scene.counting.calls == 0);
  }
  scene.folder.put(scene.folder.publish(variant(kName, 3, 3)), "not a blob");
  CHECK(count() > 4);
  CHECK(scene.watched.report.error.status == TICKMLP_BLOB_DIGEST);
  for (int i = 0; i < 3; ++i) {
    CHECK(count() == 6);  // and the stamps of the blob and its signature
    CHECK(scene.counting.calls == 0);
  }
}

TEST_CASE("a watch itself without memory") {
  Slot slot(load_variant("strategic-int8", 1, 1));
  const tickmlp_allocator none = {[](void*, size_t) -> void* { return nullptr; }, [](void*, void*) {}, nullptr};
  const tickmlp_load_options load_options = {nullptr, TICKMLP_COPY, 0, &none};
  tickmlp_watch_options options = {};
  options.swap = slot.swap;
  options.load = &load_options;
  tickmlp_watch* watch = nullptr;
  tickmlp_error error;
  CHECK(tickmlp_watch_create("/tmp", &options, &watch, &error) == TICKMLP_OUT_OF_MEMORY);
  CHECK(watch == nullptr);
}

TEST_CASE("a stalled reader holds publications back; they come when it goes on, and it is told once") {
  PublishedFolder folder;
  Watched watched(folder, load_variant("strategic-int8", 1, 1));
  tickmlp_reader* reader = watched.slot.reader("slow");
  tickmlp_reader_take(reader);
  for (uint64_t g = 2; g <= 5; ++g) {  // the default bound: four retired models
    folder.publish(variant("strategic-int8", g, static_cast<uint32_t>(g)));
    CHECK(watched.takes(g));
  }
  folder.publish(variant("strategic-int8", 6, 6));
  CHECK(watched.refuses(TICKMLP_READER_STALLED, "reader slow"));
  CHECK(watched.look() == TICKMLP_READER_STALLED);
  CHECK(watched.report.event == TICKMLP_WATCH_SAME);
  CHECK(tickmlp_reader_take(reader)->generation == 5);
  CHECK(watched.takes(6));
  CHECK(tickmlp_reader_take(reader)->generation == 6);
}
