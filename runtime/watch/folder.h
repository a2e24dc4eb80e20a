// SPDX-License-Identifier: Apache-2.0
// The published folder, held open: what stands at its path is compared at every look.
#pragma once

#include <sys/stat.h>

#include "region.h"
#include "watch/publication.h"

namespace tickmlp::watch {

struct Folder {
  int descriptor = -1;
  dev_t device = 0;
  ino_t inode = 0;
};

// Opens what stands at the path, or keeps what is open where it is still that: an open folder's inode number is not
// given away, so a new folder differs. One stat() then. Errors: FILE_OPEN, FILE_KIND, FILE_WRITABLE; closed then.
tickmlp_status refresh_folder(const char* path, Folder* folder, tickmlp_error* error);
void close_folder(Folder* folder);

struct Current {
  char text[kMaxCurrentBytes];
  size_t bytes;
};
// Four system calls. Errors: FILE_*.
tickmlp_status read_current(const Folder& folder, Current* out, tickmlp_error* error);

// What changes when a file in the folder is put in place, replaced, overwritten or given other permissions.
struct Stamp {
  bool there;
  dev_t device;
  ino_t inode;
  off_t bytes;
  int64_t modified_s, modified_ns, changed_s, changed_ns;
  bool operator==(const Stamp&) const = default;
};
Stamp stamp_of(const Folder& folder, const char* file);

}  // namespace tickmlp::watch
