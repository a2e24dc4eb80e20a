// SPDX-License-Identifier: Apache-2.0
// The memory that a model's bytes live in: private and locked where the box allows, or the file's own mapping.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tickmlp.h"

namespace tickmlp {

struct Region {
  uint8_t* bytes = nullptr;  // what was asked for, at least 4,096-byte aligned
  size_t count = 0;
  void* mapping = nullptr;  // what is unmapped in the end
  size_t mapping_bytes = 0;
  tickmlp_lock lock = TICKMLP_UNLOCKED;
};

// Private, zeroed, writable memory on its own 2 MiB pages, as a huge page where the kernel gives one.
// Error: OUT_OF_MEMORY.
tickmlp_status allocate_region(size_t count, Region* out, tickmlp_error* error);
// Locks (best effort, unless required: NOT_LOCKED) and makes it read-only. Sets region->lock to what was got.
tickmlp_status seal_region(Region* region, bool require_locked, tickmlp_error* error);
void release_region(Region* region);

// A file that was opened once and checked: regular, 1 byte to 256 MiB, not world-writable.
struct File {
  int descriptor = -1;
  uint64_t bytes = 0;
  bool owned_by_other = false;
  const char* path = nullptr;  // the caller's, for sentences
};

// What a file is to be, for the checks and their sentences.
struct FileKind {
  const char* what;  // "a blob"
  uint64_t most_bytes;
  bool follow_links;  // of the last component of its path
};
// `path` from the open folder on. Errors: FILE_OPEN, FILE_KIND, FILE_SIZE, FILE_WRITABLE.
tickmlp_status open_file_at(int folder, const char* path, const FileKind& kind, File* out, tickmlp_error* error);
// A blob by its path. Errors: the same.
tickmlp_status open_file(const char* path, File* out, tickmlp_error* error);
void close_file(File* file);
// The whole file into memory of file.bytes. Short reads and EINTR are continued. Error: FILE_READ.
tickmlp_status read_file(const File& file, uint8_t* into, tickmlp_error* error);
// A shared read-only mapping. Error: FILE_READ.
tickmlp_status map_file(const File& file, Region* out, tickmlp_error* error);

}  // namespace tickmlp
