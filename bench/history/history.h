// SPDX-License-Identifier: Apache-2.0
// `tickmlp history`: the certificates of a folder, in the order of time.
#ifndef TICKMLP_BENCH_HISTORY_HISTORY_H_
#define TICKMLP_BENCH_HISTORY_HISTORY_H_
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace tickmlp::bench {

// What the history keeps of a hot path in a certificate.
struct PathFigures {
  std::optional<double> central_ns, p50_ns, p99_ns;
};

// What `verify` says of a certificate. Without its evidence beside it only the digest can be looked at.
enum class Checked { kValid, kDigestOnly, kInvalid };

struct HistoryEntry {
  Checked checked = Checked::kInvalid;
  std::vector<std::string> wrong;  // "CHECK: what was seen", of an invalid one: what was edited, or does not fit
  std::vector<std::string> files;  // of its own: itself and its evidence
  std::string file, started, model, generation, kernel, tool, cpu, verdict;
  double seconds = 0;  // since 1970
  PathFigures full, tick;
  std::optional<double> to_memory_floor;  // full path over memory floor
};

struct History {
  std::vector<HistoryEntry> entries;  // by time
  std::vector<std::string> left_out;  // "FILE: why", in words
};

// All files *.json of the folder, not of folders in it, each checked as `verify` does: a few milliseconds each. Refuses
// (exit 4) a folder that cannot be read, and one without any certificate; what is no certificate is left out by name.
History read_history(const std::string& folder);

std::string checked_name(Checked checked);  // "valid", "digest only", "INVALID"
std::string history_table(const History& history);
nlohmann::json history_json(const History& history);
std::string history_page(const History& history);

struct HistoryOptions {
  std::string folder, html;
  bool json = false;
};
// Exit 0, or 1 when a certificate is invalid; it is shown and drawn all the same, and marked.
int show_history(const HistoryOptions& options);

}  // namespace tickmlp::bench
#endif
