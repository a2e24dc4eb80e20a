// SPDX-License-Identifier: Apache-2.0
#include "publish.h"

#include <algorithm>
#include <csignal>

#include "candidate.h"
#include "cause.h"
#include "contents.h"
#include "folder.h"

namespace tickmlp::publish {
namespace {

// From here to the end is milliseconds: a signal that comes meanwhile comes too late, and nothing is left half done.
void ignore_interrupts() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
}

void check_expected(const Request& request, const Contents& contents) {
  const std::string seen = contents.current ? contents.current->blob.file() : "none";
  if (!request.expect.empty() && seen != request.expect)
    refuse(kRaceLost,
           "current is " + seen + "; expected " + request.expect + ": somebody else has published meanwhile");
}

void check_same_model(const Folder& folder, const Candidate& candidate, const Contents& contents,
                      std::vector<std::string>* warnings) {
  for (const PublishedName& other : contents.blobs)
    if (other.name != candidate.name.name)
      refuse(kOtherModel, "the model is named " + candidate.name.name + "; expected " + other.name +
                              " as in this folder: a folder holds one model");
  if (!contents.current) return;
  const std::string file = contents.current->blob.file();
  const auto bytes = folder.read(file, kMostBlobBytes);
  Interface running;
  if (!bytes || !interface_of(*bytes, &running))
    warnings->push_back(file + " is missing or damaged: its inputs and outputs were not compared");
  else if (!(running == candidate.interface))
    refuse(kOtherModel, "the model has " + candidate.interface.text() + "; expected " + running.text() + " as " + file +
                            ", which programs run: another folder takes another model");
}

void check_generation(const Request& request, const Candidate& candidate, const Contents& contents) {
  const uint64_t wanted = candidate.name.generation, highest = contents.highest;
  if (contents.current && contents.current->blob == candidate.name)
    refuse(kAlreadyCurrent, candidate.name.file() + " is current already; expected another blob");
  if (!request.rollback_from) {
    if (contents.any_published && wanted <= highest)
      refuse(kGenerationTooLow, "generation " + std::to_string(wanted) + "; expected at least " +
                                    std::to_string(highest + 1) + ", since " + std::to_string(highest) +
                                    " was published (--rollback-from to go back)");
    return;
  }
  if (!contents.any_published || *request.rollback_from != highest)
    refuse(kRaceLost, "the highest generation published is " +
                          (contents.any_published ? std::to_string(highest) : std::string("none")) + "; expected " +
                          std::to_string(*request.rollback_from) + " as --rollback-from says");
  if (wanted > highest)
    refuse(kUsage, "generation " + std::to_string(wanted) + " is above " + std::to_string(highest) +
                       "; expected one to go back to (without --rollback-from it is a publication)");
}

// Which blobs must never be gone back to by themselves: those that a rollback leaves behind, and those of publishers
// that died before they were current.
std::vector<PublishedName> to_withdraw(const Candidate& candidate, const Contents& contents, bool rollback) {
  std::vector<PublishedName> names;
  for (const PublishedName& other : contents.blobs) {
    const bool left_behind = rollback && other.generation > candidate.name.generation;
    const bool never_current = contents.current && other.generation > contents.highest;
    if ((left_behind || never_current) && other != candidate.name && !contents.is_withdrawn(other))
      names.push_back(other);
  }
  return names;
}

void put_signature(Folder* folder, const std::string& file, const std::string& signature) {
  const std::string name = file + std::string(kSignatureSuffix);
  const auto there = folder->read(name, kMostSignature);
  if (!there) folder->add(name, signature);
  else if (*there != signature) folder->replace(name, signature);  // another key's, of a blob that nobody runs
}

}  // namespace

Outcome publish(const Request& request) {
  const Candidate candidate = read_candidate(request.blob);
  const std::string signature =
      request.signature.empty() ? std::string() : read_signature(request.signature, candidate.name);
  Folder folder(request.folder);
  folder.lock(request.wait_seconds);
  ignore_interrupts();
  Outcome outcome;
  outcome.leftovers = folder.remove_leftovers();
  const Contents contents = read_contents(folder, candidate.name, request.repair);
  check_expected(request, contents);
  check_same_model(folder, candidate, contents, &outcome.warnings);
  check_generation(request, candidate, contents);

  const std::string file = candidate.name.file();
  outcome.current.blob = candidate.name;
  if (request.rollback_from && candidate.name.generation < contents.highest)
    outcome.current.rollback_from = contents.highest;
  outcome.previous = contents.current ? contents.current->blob.file() : "";
  outcome.bytes = candidate.bytes.size();

  folder.add(file, candidate.bytes);
  if (!signature.empty()) put_signature(&folder, file, signature);
  for (const PublishedName& name : to_withdraw(candidate, contents, outcome.current.rollback_from.has_value()))
    folder.add(name.file() + std::string(kWithdrawnSuffix), "");
  folder.sync();
  folder.replace(std::string(kCurrent), outcome.current.line());
  try {
    folder.sync();
  } catch (const Refusal& refusal) {
    refuse(kNotDurable, file + " is current, and a power cut could undo that: " + refusal.message);
  }
  clean_up(&folder, outcome.current, request.keep, &outcome);
  return outcome;
}

}  // namespace tickmlp::publish
