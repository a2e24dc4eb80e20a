// SPDX-License-Identifier: Apache-2.0
// `tickmlp-publish FOLDER BLOB`: the command line and what it prints.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cause.h"
#include "publish.h"
#include "tickmlp.h"

namespace tickmlp::publish {
namespace {

constexpr const char* kFooter =
    "The blob becomes FOLDER/NAME-GENERATION-SHA8.blob, and FOLDER/current its name: readers see the old one or the "
    "new\n"
    "one, whenever this is killed. Generations only rise, unless --rollback-from says otherwise.\n"
    "Exit codes: 0 published, 2 wrong usage, 4 refused blob or signature file, 20 generation-too-low, 21 "
    "already-current,\n"
    "22 race-lost, 23 busy, 24 other-model, 25 cannot-write, 26 not-durable, 27 damaged-folder, 29 wrong-signature,\n"
    "31 outcome-lost (published).";

// CLI11 takes -1 for 2^64 - 1.
std::string check_whole(const std::string& text) {
  const bool whole = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  return whole ? "" : text + "; expected a whole number";
}

void describe(CLI::App* app, Request* request, bool* json) {
  app->add_option("FOLDER", request->folder, "The published folder")->required();
  app->add_option("BLOB", request->blob, "The blob to publish")->required();
  app->add_option("--signature", request->signature, "Its minisign signature, published beside it");
  app->add_option("--rollback-from", request->rollback_from,
                  "BLOB's generation is lower on purpose: N, the highest one published, is given up")
      ->check(check_whole);
  app->add_option("--expect", request->expect, "The file that `current` names now, or none: else somebody was faster");
  app->add_option("--keep", request->keep,
                  "Remove all but the current and the N - 1 generations below it (at least 2; default: all stay)")
      ->check(check_whole);
  app->add_option("--wait", request->wait_seconds, "Seconds to wait for another publisher (default: 10)")
      ->check(CLI::Range(0.0, 3600.0));
  app->add_flag("--repair", request->repair, "Publish over a `current` that cannot be read");
  app->add_flag("--json", *json, "Print the outcome as JSON");
  app->set_version_flag("--version", "tickmlp-publish " + std::string(tickmlp_version()));
  app->footer(kFooter);
}

std::string as_json(const Outcome& outcome) {
  nlohmann::json document = {{"published", true},
                             {"file", outcome.current.blob.file()},
                             {"generation", outcome.current.blob.generation},
                             {"bytes", outcome.bytes},
                             {"signed", outcome.is_signed},
                             {"previous", nullptr},
                             {"rollback_from", nullptr},
                             {"leftovers", outcome.leftovers},
                             {"removed", outcome.removed},
                             {"warnings", outcome.warnings}};
  if (!outcome.previous.empty()) document["previous"] = outcome.previous;
  if (outcome.current.rollback_from) document["rollback_from"] = *outcome.current.rollback_from;
  return document.dump(2) + "\n";
}

std::string as_text(const Outcome& outcome) {
  std::string text = "published " + outcome.current.blob.file() + " (" + std::to_string(outcome.bytes) + " bytes, " +
                     (outcome.is_signed ? "signed" : "not signed") + ")";
  if (!outcome.previous.empty()) text += ", was " + outcome.previous;
  if (outcome.current.rollback_from)
    text += ", rolled back from generation " + std::to_string(*outcome.current.rollback_from);
  text += "\n";
  if (!outcome.removed.empty()) text += "removed " + std::to_string(outcome.removed.size()) + " older generations\n";
  return text;
}

int parse_and_publish(int count, char** words) {
  CLI::App app("Publish one blob into a folder that running processes watch.", "tickmlp-publish");
  Request request;
  bool json = false;
  describe(&app, &request, &json);
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(error);
    refuse(kUsage, std::string(error.what()) + "; see --help");
  }
  const Outcome outcome = publish(request);
  for (const std::string& warning : outcome.warnings)
    std::fprintf(stderr, "tickmlp-publish: warning: %s\n", warning.c_str());
  if (std::fputs((json ? as_json(outcome) : as_text(outcome)).c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    refuse_errno(kOutcomeLost, outcome.current.blob.file() + " is current, and standard output took no word of it",
                 "expected it open");
  return 0;
}

}  // namespace
}  // namespace tickmlp::publish

int main(int count, char** words) {
  using namespace tickmlp::publish;
  for (const int number : {SIGPIPE, SIGXFSZ}) std::signal(number, SIG_IGN);  // errors, not deaths
  try {
    return parse_and_publish(count, words);
  } catch (const Refusal& refusal) {
    std::fprintf(stderr, "tickmlp-publish: error %s: %s\n", refusal.cause.name, refusal.message.c_str());
    return refusal.cause.exit_code;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tickmlp-publish: error internal: %s\n", error.what());
  }
  return kRefusedInput.exit_code;
}
