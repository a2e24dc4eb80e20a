// SPDX-License-Identifier: Apache-2.0
// A text file that appears whole or not at all.
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "error.h"

namespace tickmlp {
namespace {

// 0, or errno.
int write_all(int descriptor, const char* text, size_t bytes) {
  while (bytes != 0) {
    const ssize_t written = write(descriptor, text, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written == 0 ? ENOSPC : errno;
    text += written;
    bytes -= static_cast<size_t>(written);
  }
  return fsync(descriptor) == 0 ? 0 : errno;
}

tickmlp_status refuse(tickmlp_error* error, tickmlp_status status, const char* what, const char* path, int reason) {
  return fail(error, status, "%s: %s: %s", what, std::strerror(reason), path);  // the path last: it may be cut
}

}  // namespace
}  // namespace tickmlp

// The folder is not synced: after a crash the old figures are as stale as none.
extern "C" tickmlp_status tickmlp_monitor_write(const char* path, const char* text, size_t bytes,
                                                tickmlp_error* error) {
  using namespace tickmlp;
  if (path == nullptr || (text == nullptr && bytes != 0))
    return fail(error, TICKMLP_BAD_ARGUMENT, "path or text is NULL; expected both");
  char temporary[PATH_MAX];
  if (std::snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= static_cast<int>(sizeof temporary))
    return refuse(error, TICKMLP_FILE_CREATE, "no temporary file beside", path, ENAMETOOLONG);
  const int descriptor = mkostemp(temporary, O_CLOEXEC);
  if (descriptor < 0) return refuse(error, TICKMLP_FILE_CREATE, "no temporary file beside", path, errno);
  // mkostemp gives 0600, and the node exporter is another user.
  int reason = fchmod(descriptor, 0644) == 0 ? write_all(descriptor, text, bytes) : errno;
  if (close(descriptor) != 0 && reason == 0) reason = errno;
  tickmlp_status status = TICKMLP_OK;
  if (reason != 0) status = refuse(error, TICKMLP_FILE_WRITE, "cannot write the file beside", path, reason);
  else if (rename(temporary, path) != 0)
    status = refuse(error, TICKMLP_FILE_RENAME, "the temporary file cannot become", path, errno);
  if (status != TICKMLP_OK) unlink(temporary);
  return status;
}
