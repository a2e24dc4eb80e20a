// SPDX-License-Identifier: Apache-2.0
// The published folder as its one writer sees it. Files appear in it whole or not at all.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tickmlp::publish {

class Folder {
 public:
  // Opens it once; everything else goes through that descriptor. Cause: cannot-write (missing, not a folder).
  explicit Folder(const std::string& path);
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  // One publisher at a time, by flock() on the folder itself: the kernel gives it up when the holder dies, however it
  // dies, and it leaves no file. Causes: busy after so many seconds, cannot-write where the file system has no locks.
  void lock(double seconds);
  // Under the lock every temporary file belongs to a publisher that is dead. Returns how many there were.
  std::size_t remove_leftovers();

  std::vector<std::string> files() const;  // sorted. Cause: cannot-write
  // nullopt where there is none. Cause: damaged-folder (a link, not a regular file, more bytes than `most`, EIO).
  std::optional<std::string> read(const std::string& name, std::size_t most) const;

  // Written beside, fsync()ed, then linked to its name: never over another file. A file of the same bytes is as good:
  // a publisher that died left it. Causes: cannot-write, damaged-folder (other bytes under this name).
  void add(const std::string& name, std::string_view bytes);
  // The same by rename(), over an older file.
  void replace(const std::string& name, std::string_view bytes);
  // Makes links and renames so far durable. Cause: cannot-write.
  void sync();
  // No error where it is not there. Cause: cannot-write.
  void remove(const std::string& name);

  const std::string& path() const { return path_; }

 private:
  std::string write_temporary(std::string_view bytes);

  std::string path_;
  int descriptor_ = -1;
  int temporaries_ = 0;
};

}  // namespace tickmlp::publish
