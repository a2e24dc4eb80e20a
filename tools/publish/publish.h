// SPDX-License-Identifier: Apache-2.0
// One publication: the protocol of docs/TRAINING_CYCLE.md, in order.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "names.h"

namespace tickmlp::publish {

struct Request {
  std::string folder, blob;
  std::string signature;                  // a file, "" for none
  std::optional<uint64_t> rollback_from;  // the highest generation published so far
  std::string expect;                     // the file that `current` must name, "none", or "" for any
  uint64_t keep = 0;                      // generations to keep, 0: all
  double wait_seconds = 10;               // for another publisher
  bool repair = false;                    // go on where `current` cannot be read
};

struct Outcome {
  Current current;
  std::string previous;              // the file that was current, "" for none
  std::size_t bytes = 0;             // of the blob
  bool is_signed = false;            // a signature lies beside it
  std::size_t leftovers = 0;         // temporary files of dead publishers, removed
  std::vector<std::string> removed;  // by keep
  std::vector<std::string> warnings;
};

// Throws Refusal; of the causes not-durable alone means that readers see the new blob.
Outcome publish(const Request& request);

}  // namespace tickmlp::publish
