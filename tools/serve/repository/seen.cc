// SPDX-License-Identifier: Apache-2.0
// What others see of a repository: a snapshot, replaced after each change, so that nobody waits for a load.
#include "serve/repository/repository.h"

namespace tickmlp::serve {

std::shared_ptr<const Repository::Snapshot> Repository::seen() const {
  const std::lock_guard lock(seeing_);
  return snapshot_;
}

std::shared_ptr<const Catalogue> Repository::catalogue() const { return seen()->catalogue; }

void Repository::publish() {
  auto catalogue = std::make_shared<Catalogue>();
  auto next = std::make_shared<Snapshot>();
  next->ready = !entries_.empty();
  for (const auto& [name, entry] : entries_) {
    next->rows.push_back({name, entry.reason, entry.served});
    if (entry.served != nullptr) catalogue->emplace(name, entry.served);
    else next->ready = next->ready && entry.unloaded;
  }
  next->catalogue = std::move(catalogue);
  {
    const std::lock_guard lock(seeing_);
    snapshot_ = std::move(next);
  }
  number_.fetch_add(1, std::memory_order_release);
}

std::vector<IndexRow> Repository::index() const {
  std::vector<IndexRow> rows;
  for (const Row& row : seen()->rows) {
    if (row.served == nullptr) {
      rows.push_back({row.name, "", "UNAVAILABLE", row.reason});
      continue;
    }
    rows.push_back({row.name, std::to_string(row.served->current->state().generation), "READY", row.reason});
    for (auto other = row.served->others.rbegin(); other != row.served->others.rend(); ++other)
      rows.push_back({row.name, std::to_string(other->first), "READY", ""});
  }
  return rows;
}

bool Repository::ready() const { return seen()->ready; }

}  // namespace tickmlp::serve
