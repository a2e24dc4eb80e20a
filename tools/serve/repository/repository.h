// SPDX-License-Identifier: Apache-2.0
// The models of a folder: which there are, which of them serve, and their coming and going while they serve.
#ifndef TICKMLP_SERVE_REPOSITORY_REPOSITORY_H_
#define TICKMLP_SERVE_REPOSITORY_REPOSITORY_H_
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/refusal.h"
#include "serve/repository/scan.h"
#include "serve/repository/served.h"
#include "watch/tickmlp_watch.h"

namespace tickmlp::serve {

using Catalogue = std::map<std::string, std::shared_ptr<const Served>, std::less<>>;

struct RepositoryOptions {
  std::string folder;
  std::string kernel;            // empty: the best
  std::size_t versions = 2;      // of a published folder: so many, beside the current one, answer by their number
  std::string public_key;        // minisign's line; empty: signatures are not looked at
  tickmlp_drift_limits drift{};  // between generations of published folders
};

// A row of the repository's index.
struct IndexRow {
  std::string name, version, state, reason;  // state: READY or UNAVAILABLE; version: empty where nothing serves
};

// Thread-safe: one lock, which no request for an inference takes. Loads read files, milliseconds.
class Repository {
 public:
  explicit Repository(RepositoryOptions options) : options_(std::move(options)) {}

  // What the folder holds now. Refused: no folder, nothing in it, two that give one name. A model that is refused by
  // the library's checks is in the index with its reason.
  Refusal open();

  // Rises with each change of what catalogue() gives. Any thread, no lock.
  std::uint64_t number() const { return number_.load(std::memory_order_acquire); }
  std::shared_ptr<const Catalogue> catalogue() const;

  // Reads the model again: a new generation is swapped in, the same one stays. On failure the old one serves on.
  Refusal load(std::string_view name);
  Refusal unload(std::string_view name);
  std::vector<IndexRow> index() const;
  // Every model of the folder serves.
  bool ready() const;

  // Looks at what published folders name as current, and frees what no reader holds any more. For a housekeeping
  // thread. Returns a line for each thing that happened.
  std::vector<std::string> poll();

 private:
  struct WatchFree {
    void operator()(tickmlp_watch* watch) const { tickmlp_watch_free(watch); }
  };
  struct Entry {
    Found found;
    std::shared_ptr<const Served> served;               // null: does not serve
    std::unique_ptr<tickmlp_watch, WatchFree> watch{};  // of a published folder; goes before what it publishes to
    std::string reason;                                 // of the last refusal; empty: none
    std::uint64_t breaker_opened = 0;                   // times, of those that were told
    bool breaker_open = false;                          // as it was told last
    bool unloaded = false;                              // on request
  };

  Refusal load_entry(Entry* entry);
  Refusal reload(Entry* entry);
  Refusal first(Entry* entry, Model model);
  Refusal load_file(const std::string& path, Model* out) const;
  tickmlp_watch_options watch_options(tickmlp_load_options* load, const Slot* slot) const;
  void refresh_versions(Entry* entry);
  static void tell_breaker(Entry* entry, std::vector<std::string>* lines);
  void publish();

  const RepositoryOptions options_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::shared_ptr<const Catalogue> catalogue_ = std::make_shared<Catalogue>();
  std::atomic<std::uint64_t> number_ = 0;
};

}  // namespace tickmlp::serve
#endif
