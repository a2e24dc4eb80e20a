// SPDX-License-Identifier: Apache-2.0
// What is to be published: a blob that the loader accepts on this CPU, and perhaps a signature.
#pragma once

#include <string>

#include "names.h"
#include "tickmlp.h"

namespace tickmlp::publish {

// What a reader's program depends on: it may not change within a folder.
struct Interface {
  uint32_t inputs = 0, outputs = 0, window_rows = 0, window_columns = 0;
  bool operator==(const Interface&) const = default;
  std::string text() const;
};

struct Candidate {
  PublishedName name;
  Interface interface;
  std::string bytes;
};

// Loads it as a process would (each rule of the format, golden vectors), and reads the same bytes.
// Causes: refused-input with the loader's status and sentence; other-model for a name that no file can have.
Candidate read_candidate(const std::string& path);

// The same check of bytes at hand. False where the loader refuses them.
bool interface_of(const std::string& bytes, Interface* out);

// The text of a minisign signature whose trusted comment is "name=NAME generation=N", perhaps with more words. Whether
// it is the right key's is for the watcher to say: only it has the key. Causes: refused-input, wrong-signature.
std::string read_signature(const std::string& path, const PublishedName& name);

}  // namespace tickmlp::publish
