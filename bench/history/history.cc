// SPDX-License-Identifier: Apache-2.0
#include "history/history.h"

#include <algorithm>
#include <ctime>
#include <filesystem>

#include "certify/evidence_files.h"
#include "certify/verify.h"
#include "cli.h"
#include "input_file.h"
#include "output_file.h"
#include "page/html.h"
#include "page/page.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

std::string plain(const json& value) {
  if (value.is_string()) return printable(value.get<std::string>());
  return value.is_number() ? value.dump() : "-";
}

// "2026-01-31T12:00:00Z"; nothing when it is no such time.
std::optional<double> parse_time(const std::string& text) {
  std::tm parts{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return static_cast<double>(timegm(&parts));
}

PathFigures path_figures(const json& document, const char* id) {
  for (const json& scenario : field(document, "scenarios"))
    if (field(scenario, "id") == id)
      return {number(field(scenario, "central_ns")), number(field(scenario, "p50_ns")),
              number(field(scenario, "p99_ns"))};
  return {};
}

// The first line of what a check saw; the others are the single figures, which `verify` lists.
std::string in_a_line(const Check& check) {
  const std::size_t end = check.seen.find('\n');
  return check.name + ": " + check.seen.substr(0, end) +
         (end == std::string::npos ? "" : check.seen.substr(end + 2, check.seen.find('\n', end + 1) - end - 2));
}

// Certificates are often kept without what lay beside them; that is no sign of an edit.
Checked check(const std::string& file, const Certificate& certificate, std::vector<std::string>* wrong) {
  const json& name = field(field(certificate.document, "evidence", "hlog"), "file");
  const std::string log = name.is_string() ? name.get<std::string>() : "";
  const bool alone = !log.empty() && log.find('/') == log.npos && !file_exists(folder_of(file) + log);
  for (const Check& check : certificate.checks)
    if (!check.good && (!alone || check.name == "digest")) wrong->push_back(in_a_line(check));
  return !wrong->empty() ? Checked::kInvalid : alone ? Checked::kDigestOnly : Checked::kValid;
}

HistoryEntry entry_of(const std::string& file) {
  const Certificate certificate = open_certificate(file);
  const json& document = certificate.document;
  HistoryEntry entry;
  entry.file = file;
  entry.files = certificate.files;
  entry.checked = check(file, certificate, &entry.wrong);
  entry.started = plain(field(document, "started"));
  const auto seconds = parse_time(entry.started);
  if (!seconds) refuse(printable(file) + ": started " + entry.started + " is no time; expected 2026-01-31T12:00:00Z");
  entry.seconds = *seconds;
  entry.model = plain(field(document, "model", "name")) + ", " + plain(field(document, "model", "dtype"));
  entry.generation = plain(field(document, "model", "generation"));
  entry.kernel = plain(field(document, "kernel"));
  entry.tool = plain(field(document, "tool", "version"));
  if (const json& commit = field(document, "tool", "commit"); commit.is_string())
    entry.tool += " " + plain(commit).substr(0, 12);
  entry.cpu = plain(field(document, "machine", "cpu"));
  entry.verdict = plain(field(document, "verdict"));
  entry.full = path_figures(document, "full-hot");
  entry.tick = path_figures(document, "tick-hot");
  entry.to_memory_floor = number(field(document, "ratios", "full_to_memory_floor"));
  return entry;
}

std::string time_text(const std::optional<double>& ns) { return ns ? with_commas_fixed(*ns, 1) : "-"; }

json null_or(const std::optional<double>& value) { return value ? json(*value) : json(); }

json path_json(const PathFigures& path) {
  return {{"central_ns", null_or(path.central_ns)}, {"p50_ns", null_or(path.p50_ns)}, {"p99_ns", null_or(path.p99_ns)}};
}

std::string wrong_text(const HistoryEntry& entry) {
  std::string text;
  for (const std::string& why : entry.wrong) text += (text.empty() ? "" : "; ") + why;
  return text + ". `tickmlp verify` has the rest\n";
}

}  // namespace

std::string checked_name(Checked checked) {
  return checked == Checked::kValid ? "valid" : checked == Checked::kDigestOnly ? "digest only" : "INVALID";
}

History read_history(const std::string& folder) {
  namespace files = std::filesystem;
  std::error_code error;
  std::vector<std::string> names;
  for (files::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (std::error_code ignored; at->path().extension() == ".json" && at->is_regular_file(ignored))
      names.push_back(at->path().string());
  if (error) refuse("cannot read the folder " + printable(folder) + ": " + error.message());
  std::sort(names.begin(), names.end());
  History history;
  for (const std::string& name : names) try {
      history.entries.push_back(entry_of(name));
    } catch (const Failure& failure) {
      history.left_out.push_back(failure.message);
    }
  if (history.entries.empty())
    refuse("no certificate in " + printable(folder) + " (" + std::to_string(names.size()) +
           " files *.json); expected what `tickmlp certify --json` writes" +
           (history.left_out.empty() ? "" : "; " + history.left_out.front()));
  std::stable_sort(history.entries.begin(), history.entries.end(),
                   [](const HistoryEntry& a, const HistoryEntry& b) { return a.seconds < b.seconds; });
  return history;
}

std::string history_table(const History& history) {
  std::vector<std::vector<std::string>> rows{{"started", "model", "generation", "kernel", "CPU", "verdict", "checked",
                                              "path", "central ns", "p50 ns", "p99 ns", "x memory floor"}};
  for (const HistoryEntry& entry : history.entries) {
    const auto add = [&](const char* path, const PathFigures& figures, const std::string& ratio) {
      rows.push_back({entry.started, entry.model, entry.generation, entry.kernel, entry.cpu, entry.verdict,
                      checked_name(entry.checked), path, time_text(figures.central_ns), time_text(figures.p50_ns),
                      time_text(figures.p99_ns), ratio});
    };
    add("full", entry.full, entry.to_memory_floor ? fixed_point(*entry.to_memory_floor, 3) : "-");
    if (entry.tick.central_ns) add("tick", entry.tick, "-");
  }
  std::string text = columns(rows, 2, 8);
  for (const HistoryEntry& entry : history.entries)
    if (entry.checked == Checked::kInvalid) text += "  INVALID: " + printable(entry.file) + ": " + wrong_text(entry);
  for (const std::string& why : history.left_out) text += "  left out: " + why + "\n";
  return text;
}

json history_json(const History& history) {
  json entries = json::array();
  for (const HistoryEntry& entry : history.entries)
    entries.push_back({{"file", printable(entry.file)},
                       {"started", entry.started},
                       {"model", entry.model},
                       {"generation", entry.generation},
                       {"kernel", entry.kernel},
                       {"tool", entry.tool},
                       {"cpu", entry.cpu},
                       {"verdict", entry.verdict},
                       {"checked", checked_name(entry.checked)},
                       {"wrong", entry.wrong},
                       {"full", path_json(entry.full)},
                       {"tick", path_json(entry.tick)},
                       {"full_to_memory_floor", null_or(entry.to_memory_floor)}});
  return {{"schema", "tickmlp-history/1"}, {"certificates", entries}, {"left_out", history.left_out}};
}

int show_history(const HistoryOptions& options) {
  const History history = read_history(options.folder);
  if (!options.html.empty()) {
    for (const HistoryEntry& entry : history.entries) check_target(options.html, entry.files);
    write_atomically(options.html, {history_page(history)});
  }
  print(options.json ? history_json(history).dump(2) + "\n" : history_table(history));
  if (!options.html.empty() && !options.json) print("  page       " + printable(options.html) + "\n");
  return std::any_of(history.entries.begin(), history.entries.end(),
                     [](const HistoryEntry& entry) { return entry.checked == Checked::kInvalid; })
             ? kFail
             : kPass;
}

}  // namespace tickmlp::bench
