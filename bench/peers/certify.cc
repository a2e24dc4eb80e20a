// SPDX-License-Identifier: Apache-2.0
// `compare_peers certify`: the certificate of `tickmlp certify` with the peers in it.
#include "certify.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "agreement.h"
#include "certify/comparators.h"
#include "cli.h"
#include "../options.h"
#include "ours.h"

namespace tickmlp::bench {
namespace {

std::string id_of(const Entrant& entrant) { return "other-" + entrant.system + "-" + entrant.dtype; }

class Peers : public ComparatorSource {
 public:
  std::string folder;  // of one network, as scripts/peer_models writes it
  PeerFiles files;

  Opponents check(const ComparedModel& model) override {
    if (model.reference.empty())
      wrong_usage("other systems are compared with --reference FLOAT32.blob: none was given");
    network_ = read_network(folder);
    Field reference, certified;  // each blob's full path comes first; refused where they have another shape
    add_ours(model.reference, network_, model.states, &reference);
    add_ours(model.blob, network_, model.states, &certified);
    const States states{model.count, {model.states, model.states + model.count * network_.inputs}};
    const std::vector<float> expected = outputs_of(reference.entrants[0].runner.get(), network_, states);
    const std::string wrong = check_agreement(certified.entrants[0], network_, states, expected).wrong;
    if (!wrong.empty())
      refuse(printable(model.blob) + " is not the model of " + printable(model.reference) + ": " + wrong);

    Field field;
    add_peers(network_, files, &field);
    Opponents found;
    for (const Entrant& entrant : field.entrants) {
      const Agreement agreement = check_agreement(entrant, network_, states, expected);
      if (agreement.wrong.empty())
        found.ready.push_back({id_of(entrant), entrant.system, entrant.version, entrant.dtype, agreement.largest,
                               agreement.argmax_share});
      else found.skipped.push_back({entrant.system + " " + entrant.dtype, "wrong outputs: " + agreement.wrong});
    }
    for (const Skipped& entry : field.skipped) found.skipped.push_back({entry.system, entry.why});
    for (const Opponent& one : found.ready) ready_.push_back(one.id);
    return found;
  }

  std::vector<Comparator> load() override {
    Field field;
    add_peers(network_, files, &field);
    std::vector<Comparator> list;
    for (const std::string& id : ready_) {
      const auto entrant = std::find_if(field.entrants.begin(), field.entrants.end(),
                                        [&](const Entrant& candidate) { return id_of(candidate) == id; });
      if (entrant == field.entrants.end()) {
        list.push_back({id, [](const float*, float*) { refuse("could not be loaded again"); }});
        continue;
      }
      const std::shared_ptr<Runner> runner = std::move(entrant->runner);
      list.push_back({id, [runner](const float* state, float* output) { runner->infer(state, output); }});
    }
    return list;
  }

 private:
  Network network_;
  std::vector<std::string> ready_;
};

// What scripts/compare_peers starts: PROGRAM certify --network FOLDER --onnxruntime LIBRARY, then what its user wrote.
constexpr int kOwnWords = 6;

}  // namespace

int certify_with_peers(int count, char** words) {
  const int own = std::min(kOwnWords, count);
  const auto peers = std::make_shared<Peers>();
  CLI::App app("A certificate with other systems in it.", "compare_peers");
  Action action;
  CLI::App* command =
      add_certify_with(&app, command_line("scripts/compare_peers --certify", count - own, words + own), peers, &action);
  command->add_option("--network", peers->folder, "One model's folder of scripts/peer_models.make")->required();
  command->add_option("--onnxruntime", peers->files.onnxruntime, "libonnxruntime.so.1");
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != static_cast<int>(CLI::ExitCodes::Success)) wrong_usage(error.what());
    app.exit(error);
    return kPass;
  }
  return action();
}

}  // namespace tickmlp::bench
