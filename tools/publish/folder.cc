// SPDX-License-Identifier: Apache-2.0
#include "folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <thread>

#include "cause.h"
#include "names.h"

namespace tickmlp::publish {
namespace {

constexpr std::chrono::milliseconds kLockPeriod{5};
constexpr mode_t kMode = 0644;  // the loader refuses what everybody may write
const char* const kIntact = "nothing was published, `current` is as it was";

struct Descriptor {
  int number;
  explicit Descriptor(int opened) : number(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number >= 0) close(number);
  }
};

// False with errno set.
bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written == 0) errno = ENOSPC;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// False with errno set.
bool read_all(int descriptor, std::size_t most, std::string* out) {
  char buffer[65536];
  while (out->size() <= most) {
    const ssize_t got = ::read(descriptor, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) return true;
    out->append(buffer, static_cast<std::size_t>(got));
  }
  errno = EFBIG;
  return false;
}

}  // namespace

void refuse_errno(Cause cause, const std::string& what, const std::string& expected) {
  const int reason = errno;
  refuse(cause, what + ": " + std::strerror(reason) + "; " + expected);
}

Folder::Folder(const std::string& path) : path_(path) {
  descriptor_ = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ < 0) refuse_errno(kCannotWrite, path, "expected a folder that is there");
}

Folder::~Folder() { close(descriptor_); }

void Folder::lock(double seconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      refuse_errno(kCannotWrite, path_ + " takes no lock", "expected a folder on a local file system");
    if (std::chrono::steady_clock::now() >= deadline)
      refuse(kBusy, path_ + " is held by another publisher for longer than " + std::to_string(seconds) +
                        " s; expected it to be done by then (--wait)");
    std::this_thread::sleep_for(kLockPeriod);
  }
}

std::size_t Folder::remove_leftovers() {
  std::size_t count = 0;
  for (const std::string& name : files()) {
    if (!name.starts_with(kTemporaryPrefix)) continue;
    remove(name);
    ++count;
  }
  return count;
}

std::vector<std::string> Folder::files() const {
  // A descriptor of its own: the position in a folder belongs to the open file, and fdopendir takes it over.
  const int copy = openat(descriptor_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(copy < 0 ? nullptr : fdopendir(copy), &closedir);
  if (stream == nullptr) refuse_errno(kCannotWrite, "cannot list " + path_, kIntact);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(stream.get())) names.emplace_back(entry->d_name);
  if (errno != 0) refuse_errno(kCannotWrite, "cannot list " + path_, kIntact);
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<std::string> Folder::read(const std::string& name, std::size_t most) const {
  const Descriptor file(openat(descriptor_, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.number < 0 && errno == ENOENT) return {};
  struct stat status {};
  std::string bytes;
  if (file.number < 0 || fstat(file.number, &status) != 0)
    refuse_errno(kDamagedFolder, "cannot open " + path_ + "/" + name, "expected a regular file");
  if (!S_ISREG(status.st_mode)) refuse(kDamagedFolder, path_ + "/" + name + " is not a regular file; expected one");
  if (!read_all(file.number, most, &bytes))
    refuse_errno(kDamagedFolder, "cannot read " + path_ + "/" + name,
                 "expected a file of at most " + std::to_string(most) + " bytes");
  return bytes;
}

// Returns its name. Nothing of it is left when it fails.
std::string Folder::write_temporary(std::string_view bytes) {
  const std::string name =
      std::string(kTemporaryPrefix) + std::to_string(getpid()) + "-" + std::to_string(temporaries_++);
  Descriptor file(openat(descriptor_, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kMode));
  if (file.number < 0) refuse_errno(kCannotWrite, "cannot create a file in " + path_, kIntact);
  bool done = fchmod(file.number, kMode) == 0 && write_all(file.number, bytes) && fsync(file.number) == 0;
  if (done) {
    const int descriptor = file.number;
    file.number = -1;
    done = close(descriptor) == 0;
  }
  if (!done) {
    const int reason = errno;
    unlinkat(descriptor_, name.c_str(), 0);
    errno = reason;
    refuse_errno(kCannotWrite, "cannot write " + std::to_string(bytes.size()) + " bytes to " + path_, kIntact);
  }
  return name;
}

void Folder::add(const std::string& name, std::string_view bytes) {
  if (const auto there = read(name, bytes.size())) {
    if (*there == bytes) return;
    refuse(kDamagedFolder, path_ + "/" + name + " is there with other bytes; expected those that its name promises: " +
                               "remove it by hand");
  }
  const std::string temporary = write_temporary(bytes);
  const bool linked = linkat(descriptor_, temporary.c_str(), descriptor_, name.c_str(), 0) == 0;
  const int reason = errno;
  unlinkat(descriptor_, temporary.c_str(), 0);  // where that fails, the next publisher does it
  errno = reason;
  if (!linked) refuse_errno(kCannotWrite, "cannot link " + path_ + "/" + name, kIntact);
}

void Folder::replace(const std::string& name, std::string_view bytes) {
  const std::string temporary = write_temporary(bytes);
  if (renameat(descriptor_, temporary.c_str(), descriptor_, name.c_str()) == 0) return;
  const int reason = errno;
  unlinkat(descriptor_, temporary.c_str(), 0);
  errno = reason;
  refuse_errno(kCannotWrite, "cannot rename to " + path_ + "/" + name, kIntact);
}

void Folder::sync() {
  if (fsync(descriptor_) != 0) refuse_errno(kCannotWrite, "cannot sync " + path_, kIntact);
}

void Folder::remove(const std::string& name) {
  if (unlinkat(descriptor_, name.c_str(), 0) != 0 && errno != ENOENT)
    refuse_errno(kCannotWrite, "cannot remove " + path_ + "/" + name, kIntact);
}

}  // namespace tickmlp::publish
