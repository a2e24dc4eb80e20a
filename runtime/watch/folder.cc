// SPDX-License-Identifier: Apache-2.0
#include "watch/folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "error.h"

namespace tickmlp::watch {
namespace {

// The path comes last in these sentences: it may be cut.
tickmlp_status cannot_open(const char* path, int reason, tickmlp_error* error) {
  if (reason == ENOTDIR)
    return fail(error, TICKMLP_FILE_KIND, "it or a part of its path is no folder; expected a published folder: %s",
                path);
  return fail(error, TICKMLP_FILE_OPEN, "cannot open the published folder: %s: %s", strerrordesc_np(reason), path);
}

tickmlp_status check_folder(const struct stat& status, const char* path, tickmlp_error* error) {
  if ((status.st_mode & S_IWOTH) == 0) return TICKMLP_OK;
  return fail(error, TICKMLP_FILE_WRITABLE,
              "the folder has mode %03o: everybody may write to it; expected no write permission for others: %s",
              static_cast<unsigned>(status.st_mode & 0777), path);
}

}  // namespace

void close_folder(Folder* folder) {
  if (folder->descriptor >= 0) close(folder->descriptor);
  *folder = Folder{};
}

tickmlp_status refresh_folder(const char* path, Folder* folder, tickmlp_error* error) {
  struct stat status;
  const bool there = stat(path, &status) == 0;
  const int reason = errno;
  const bool same =
      there && folder->descriptor >= 0 && status.st_dev == folder->device && status.st_ino == folder->inode;
  if (!same) close_folder(folder);
  if (!there) return cannot_open(path, reason, error);
  if (!same) {
    do {  // O_PATH: what is needed of the folder is that files in it can be opened by name
      folder->descriptor = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    } while (folder->descriptor < 0 && errno == EINTR);
    if (folder->descriptor < 0) return cannot_open(path, errno, error);
    if (fstat(folder->descriptor, &status) != 0) {
      const int failure = errno;
      close_folder(folder);
      return cannot_open(path, failure, error);
    }
    folder->device = status.st_dev;
    folder->inode = status.st_ino;
  }
  const tickmlp_status checked = check_folder(status, path, error);
  if (checked != TICKMLP_OK) close_folder(folder);
  return checked;
}

tickmlp_status read_current(const Folder& folder, Current* out, tickmlp_error* error) {
  File file;
  const FileKind kind = {"the one line of `current`", kMaxCurrentBytes, false};
  if (auto s = open_file_at(folder.descriptor, "current", kind, &file, error)) return s;
  const tickmlp_status status = read_file(file, reinterpret_cast<uint8_t*>(out->text), error);
  out->bytes = file.bytes;
  close_file(&file);
  return status;
}

Stamp stamp_of(const Folder& folder, const char* file) {
  struct stat status;
  if (fstatat(folder.descriptor, file, &status, AT_SYMLINK_NOFOLLOW) != 0) {
    Stamp unknown = {};
    unknown.there = errno != ENOENT;  // who opens it will hear what is wrong
    return unknown;
  }
  return {true,
          status.st_dev,
          status.st_ino,
          status.st_size,
          status.st_mtim.tv_sec,
          status.st_mtim.tv_nsec,
          status.st_ctim.tv_sec,
          status.st_ctim.tv_nsec};
}

}  // namespace tickmlp::watch
