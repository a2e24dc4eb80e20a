// SPDX-License-Identifier: Apache-2.0
#ifndef TICKMLP_BENCH_OUTPUT_FILE_H_
#define TICKMLP_BENCH_OUTPUT_FILE_H_
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tickmlp::bench {

// Writes the parts, one after the other, as the whole new content of `path`: a unique temporary file beside it, fsync,
// rename. Readers see the old file or the new one, never a part; on failure the old one stays and nothing else is left.
// Refuses (exit 4) a target that is there and is no regular file.
void write_atomically(const std::string& path, std::initializer_list<std::string_view> parts);

// Several files that belong together: all are written and synced under temporary names first, so that a full disk
// leaves the old ones as they were; then all are renamed, in the order in which they were added. What names the others
// comes last: whoever stops in between leaves an old one that tells of other contents, and never half a file.
class OutputFiles {
 public:
  OutputFiles();
  ~OutputFiles();  // without commit(): nothing is left
  OutputFiles(const OutputFiles&) = delete;
  OutputFiles& operator=(const OutputFiles&) = delete;
  // Refuses (exit 4) as write_atomically() does.
  void add(const std::string& path, std::initializer_list<std::string_view> parts);
  // What commit() takes away if it is there: a file that belonged to the old contents only.
  void remove(const std::string& path);
  void commit();

 private:
  struct Staged;
  std::vector<std::unique_ptr<Staged>> staged_;
  std::vector<std::string> removed_;
};

// Refuses now what would be refused after minutes of measuring: a folder that is missing or cannot be written to.
// A target that is one of the inputs (the model file, the states) is wrong usage (exit 2); empty names are passed over.
void check_target(const std::string& path, const std::vector<std::string>& inputs);

}  // namespace tickmlp::bench
#endif
