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

// What the library's checks said, with the status's name.
Refusal refused(tickmlp_status status, const tickmlp_error& error);

// A row of the repository's index.
struct IndexRow {
  std::string name, version, state, reason;  // state: READY or UNAVAILABLE; version: empty where nothing serves
  std::uint64_t generation = 0;              // the version as a number
  bool is_current = true;                    // what answers where no version is asked for
  std::uint64_t taken = 0, refused = 0;      // generations, of the current one's row
  unsigned breaker_open = 0;                 // threads whose circuit breaker over it is open
  std::uint64_t breaker_opened = 0, breaker_failures = 0;  // times, so far
  std::uint64_t breaker_fallbacks = 0;                     // answers by an older generation in its place
  std::string refused_file{};                              // the last that was refused, of the current one's row
};

// Thread-safe. Loads read files, milliseconds and more, and take turns; nobody else waits for them: what is asked for
// meanwhile comes from a snapshot of before.
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
  // Goes back to an older generation of a published folder: to `version`, or to the newest below the one that runs. It
  // stays until the next load(), whatever `current` names meanwhile.
  Refusal rollback(std::string_view name, std::optional<std::uint64_t> version);
  std::vector<IndexRow> index() const;
  // A copy for whoever asks, of what load() would take now. Null: it cannot be loaded.
  Model load_copy(std::string_view name);
  // Every model of the folder serves, or was unloaded on request.
  bool ready() const;

  // Looks at what published folders name as current, frees what no reader holds any more, and forgets what was unloaded
  // and is gone from the folder. For a housekeeping thread. Returns a line for each thing that happened.
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
    bool unloaded = false;                              // on request
    std::uint64_t taken = 0, refused = 0;               // generations, so far
    bool pinned = false;                                // to the generation of a rollback
    std::string refused_file{};                         // what the last refusal was about: a name without its folder
  };

  // What others see.
  struct Row {
    std::string name, reason;
    std::shared_ptr<const Served> served;  // null: does not
    std::uint64_t taken = 0, refused = 0;
    std::string refused_file{};
  };
  struct Snapshot {
    std::shared_ptr<const Catalogue> catalogue = std::make_shared<Catalogue>();
    std::vector<Row> rows;
    bool ready = false;
  };

  static std::uint64_t publication(const Entry& entry);
  static void note_refusal(Entry* entry);
  Refusal load_entry(Entry* entry);
  Refusal reload(Entry* entry);
  Refusal first(Entry* entry, Model model);
  Refusal watch(Entry* entry, const Slot& slot) const;
  Refusal load_found(const Found& found, Model* out) const;
  Refusal load_file(const std::string& path, Model* out) const;
  tickmlp_watch_options watch_options(tickmlp_load_options* load, const Slot* slot) const;
  void refresh_versions(Entry* entry);
  void publish();
  std::shared_ptr<const Snapshot> seen() const;

  const RepositoryOptions options_;
  std::mutex loading_;
  std::map<std::string, Entry, std::less<>> entries_;  // under loading_
  mutable std::mutex seeing_;                          // held for a copy of pointers
  std::shared_ptr<const Snapshot> snapshot_ = std::make_shared<Snapshot>();
  std::atomic<std::uint64_t> number_ = 0;
};

}  // namespace tickmlp::serve
#endif
