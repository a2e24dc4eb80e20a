// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "blob.h"
#include "error.h"
#include "region.h"

namespace tickmlp {
namespace {

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "not a regular file";
}

tickmlp_status check_file(const struct stat& status, const char* path, const FileKind& kind, tickmlp_error* error) {
  if (!S_ISREG(status.st_mode))
    return fail(error, TICKMLP_FILE_KIND, "%s is %s; expected a regular file", path, kind_of(status.st_mode));
  const auto size = static_cast<unsigned long long>(status.st_size);
  if (size == 0) return fail(error, TICKMLP_FILE_SIZE, "%s is empty; expected %s", path, kind.what);
  if (size > kind.most_bytes)
    return fail(error, TICKMLP_FILE_SIZE, "%s has %llu bytes; %s has at most %llu", path, size, kind.what,
                static_cast<unsigned long long>(kind.most_bytes));
  if ((status.st_mode & S_IWOTH) != 0)
    return fail(error, TICKMLP_FILE_WRITABLE,
                "%s has mode %03o: everybody may write to it; expected no write permission for others", path,
                static_cast<unsigned>(status.st_mode & 0777));
  return TICKMLP_OK;
}

}  // namespace

tickmlp_status open_file_at(int folder, const char* path, const FileKind& kind, File* out, tickmlp_error* error) {
  // O_NONBLOCK: a FIFO must not hang the host.
  const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (kind.follow_links ? 0 : O_NOFOLLOW);
  int descriptor;
  do {
    descriptor = openat(folder, path, flags);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0 && (errno == ENXIO || errno == ENODEV))
    return fail(error, TICKMLP_FILE_KIND, "%s is a socket or a device; expected a regular file", path);
  if (descriptor < 0 && errno == ELOOP && !kind.follow_links)
    return fail(error, TICKMLP_FILE_KIND, "%s is a symbolic link; expected a regular file", path);
  if (descriptor < 0)
    return fail(error, TICKMLP_FILE_OPEN, "cannot open %s: %s; expected %s that can be read", path,
                strerrordesc_np(errno), kind.what);
  File file{descriptor, 0, false, path};
  struct stat status;
  if (fstat(descriptor, &status) != 0) {
    close_file(&file);
    return fail(error, TICKMLP_FILE_READ, "cannot stat %s: %s", path, strerrordesc_np(errno));
  }
  if (auto s = check_file(status, path, kind, error)) {
    close_file(&file);
    return s;
  }
  file.bytes = static_cast<uint64_t>(status.st_size);
  file.owned_by_other = status.st_uid != geteuid() && status.st_uid != 0;
  *out = file;
  return TICKMLP_OK;
}

tickmlp_status open_file(const char* path, File* out, tickmlp_error* error) {
  return open_file_at(AT_FDCWD, path, {"a blob", kMaxBlobBytes, true}, out, error);
}

void close_file(File* file) {
  if (file->descriptor >= 0) close(file->descriptor);
  file->descriptor = -1;
}

// read() and not a copy from a mapping: a file truncated meanwhile is then an error and not a SIGBUS.
tickmlp_status read_file(const File& file, uint8_t* into, tickmlp_error* error) {
  uint64_t done = 0;
  while (done < file.bytes) {
    const ssize_t got = pread(file.descriptor, into + done, file.bytes - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return fail(error, TICKMLP_FILE_READ, "reading %s failed at byte %llu: %s", file.path,
                  static_cast<unsigned long long>(done), strerrordesc_np(errno));
    if (got == 0)
      return fail(error, TICKMLP_FILE_READ, "%s ended at byte %llu while being read; it had %llu", file.path,
                  static_cast<unsigned long long>(done), static_cast<unsigned long long>(file.bytes));
    done += static_cast<uint64_t>(got);
  }
  return TICKMLP_OK;
}

tickmlp_status map_file(const File& file, Region* out, tickmlp_error* error) {
  void* mapping = mmap(nullptr, file.bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, file.descriptor, 0);
  if (mapping == MAP_FAILED)
    return fail(error, TICKMLP_FILE_READ, "mapping %llu bytes failed: %s", static_cast<unsigned long long>(file.bytes),
                strerrordesc_np(errno));
  *out = Region{static_cast<uint8_t*>(mapping), file.bytes, mapping, file.bytes, TICKMLP_UNLOCKED};
  return TICKMLP_OK;
}

}  // namespace tickmlp
