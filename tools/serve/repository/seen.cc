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
  next->ready = true;
  for (const auto& [name, entry] : entries_) {
    next->rows.push_back({name, entry.reason, entry.served, entry.taken, entry.refused, entry.refused_file});
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
  const std::shared_ptr<const Snapshot> now = seen();  // which keeps it while others replace it
  for (const Row& row : now->rows) {
    if (row.served == nullptr) {
      rows.push_back({row.name, "", "UNAVAILABLE", row.reason, 0, true, row.taken, row.refused});
      rows.back().refused_file = row.refused_file;
      continue;
    }
    const std::uint64_t generation = row.served->current->state().generation;
    const BreakerState& breaker = row.served->current->breaker;
    rows.push_back({row.name, std::to_string(generation), "READY", row.reason, generation, true, row.taken, row.refused,
                    breaker.open.load(std::memory_order_relaxed), breaker.opened.load(std::memory_order_relaxed),
                    breaker.failures.load(std::memory_order_relaxed), breaker.fallbacks.load(std::memory_order_relaxed),
                    row.refused_file});
    for (auto other = row.served->others.rbegin(); other != row.served->others.rend(); ++other)
      if (other->first != generation)
        rows.push_back({row.name, std::to_string(other->first), "READY", "", other->first, false});
  }
  return rows;
}

bool Repository::ready() const { return seen()->ready; }

}  // namespace tickmlp::serve
