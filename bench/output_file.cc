// SPDX-License-Identifier: Apache-2.0
#include "output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "cli.h"

namespace tickmlp::bench {
namespace {

[[noreturn]] void refuse_file(const std::string& path, const std::string& what, int system_error) {
  refuse("cannot write " + printable(path) + ": " + what + ": " + std::strerror(system_error));
}

// Removes the temporary file unless it was renamed away.
struct TemporaryFile {
  std::string path;
  int descriptor = -1;
  TemporaryFile() = default;
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (descriptor >= 0) close(descriptor);
    if (!path.empty()) unlink(path.c_str());
  }
};

// Follows links, so that a link to a report stays a link.
std::string real_target(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return path;
  if (!S_ISREG(status.st_mode)) refuse("cannot write " + printable(path) + ": it is there and is not a regular file");
  const std::unique_ptr<char, decltype(&std::free)> resolved(realpath(path.c_str(), nullptr), &std::free);
  return resolved ? std::string(resolved.get()) : path;
}

void open_beside(const std::string& target, TemporaryFile* file) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    const std::string name = target + ".tmp-" + std::to_string(getpid()) + "-" + std::to_string(attempt);
    file->descriptor = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file->descriptor >= 0) {
      file->path = name;
      return;
    }
    if (errno != EEXIST) break;
  }
  refuse_file(target, "creating a temporary file beside it", errno);
}

void write_all(const std::string& target, int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) refuse_file(target, "writing", written == 0 ? ENOSPC : errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

// Makes the rename itself durable. Best effort: some file systems cannot sync a folder.
void sync_folder_of(const std::string& target) {
  const std::size_t slash = target.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : target.substr(0, slash + 1);
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  fsync(descriptor);
  close(descriptor);
}

// Renaming another file over it would lose what is printed there, and the evidence of `--json /dev/stdout` would lie in
// /dev.
bool is_printed_to(const struct stat& target) {
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat printed {};
    if (fstat(descriptor, &printed) == 0 && S_ISREG(printed.st_mode) && printed.st_dev == target.st_dev &&
        printed.st_ino == target.st_ino)
      return true;
  }
  return false;
}

}  // namespace

struct OutputFiles::Staged {
  std::string target;
  TemporaryFile file;
};

OutputFiles::OutputFiles() = default;
OutputFiles::~OutputFiles() = default;

void OutputFiles::add(const std::string& path, std::initializer_list<std::string_view> parts) {
  auto staged = std::make_unique<Staged>();
  staged->target = real_target(path);
  open_beside(staged->target, &staged->file);
  for (const std::string_view part : parts) write_all(staged->target, staged->file.descriptor, part);
  if (fsync(staged->file.descriptor) != 0) refuse_file(staged->target, "fsync", errno);
  const int descriptor = staged->file.descriptor;
  staged->file.descriptor = -1;
  if (close(descriptor) != 0) refuse_file(staged->target, "close", errno);
  staged_.push_back(std::move(staged));
}

void OutputFiles::remove(const std::string& path) { removed_.push_back(path); }

void OutputFiles::commit() {
  for (const auto& staged : staged_) {
    if (rename(staged->file.path.c_str(), staged->target.c_str()) != 0)
      refuse_file(staged->target, "renaming the temporary file", errno);
    staged->file.path.clear();
  }
  for (const std::string& path : removed_)
    if (unlink(path.c_str()) != 0 && errno != ENOENT) refuse_file(path, "removing the old one", errno);
  for (const auto& staged : staged_) sync_folder_of(staged->target);
  staged_.clear();
}

void write_atomically(const std::string& path, std::initializer_list<std::string_view> parts) {
  OutputFiles files;
  files.add(path, parts);
  files.commit();
}

void check_target(const std::string& path, const std::vector<std::string>& inputs) {
  struct stat target {};
  const bool exists = stat(path.c_str(), &target) == 0;
  if (exists && is_printed_to(target))
    wrong_usage("the output " + printable(path) + " is where this program prints to; expected another name");
  for (const std::string& name : inputs) {
    struct stat input {};
    if (exists && stat(name.c_str(), &input) == 0 && target.st_dev == input.st_dev && target.st_ino == input.st_ino)
      wrong_usage("the output " + printable(path) + " is the input " + printable(name) +
                  " itself; expected another name");
  }
  TemporaryFile file;
  open_beside(real_target(path), &file);
}

}  // namespace tickmlp::bench
