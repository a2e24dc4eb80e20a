// SPDX-License-Identifier: Apache-2.0
#ifndef TICKMLP_SERVE_LOG_JOURNAL_H_
#define TICKMLP_SERVE_LOG_JOURNAL_H_
#include <map>
#include <string>
#include <vector>

#include "serve/log/log.h"
#include "serve/repository/repository.h"

namespace tickmlp::serve {

// Tells the log what has happened to the models, whoever did it: a published folder, a route, a breaker.
// Thread-compatible.
class Journal {
 public:
  explicit Journal(Log& log) : log_(log) {}
  // Compares with the index of the last call; at first, with nothing.
  void look(const std::vector<IndexRow>& index);

 private:
  void tell(const IndexRow& before, const IndexRow& now);

  Log& log_;
  std::map<std::string, IndexRow> seen_;
};

}  // namespace tickmlp::serve
#endif
