// SPDX-License-Identifier: Apache-2.0
// The options of `tickmlp sample` and `compare`.
#include "cli.h"
#include "compare/compare.h"
#include "compare/signed_rank.h"
#include "options.h"

namespace tickmlp::bench {
namespace {

void add_measuring(CLI::App* command, std::string* path, std::string* input, int* core, double* seconds) {
  command->add_option("--path", *path, "full (default) or tick")->check(CLI::IsMember({"full", "tick"}));
  command->add_option("--input", *input, "float32 .npy file [states, inputs] (default: the blob's golden vectors)")
      ->type_name("STATES.npy");
  command->add_option("--core", *core, "Core to pin to (default: the last allowed one)")->check(whole_number(0, 8191));
  command->add_option("--seconds", *seconds, "Of measuring in each process (default: 0.065)")
      ->check(CLI::Range(0.001, 60.0));
}

void add_sample(CLI::App* app, Action* action) {
  const auto options = std::make_shared<SampleOptions>();
  CLI::App* command = app->add_subcommand("sample", "Measure once, shortly, and print one line of JSON (for compare)");
  command->add_option("blob", options->blob, "Model file")->required()->type_name("BLOB");
  command->add_option("--kernel", options->kernel, "Force a kernel by name")->type_name("NAME");
  add_measuring(command, &options->path, &options->input, &options->core, &options->seconds);
  command->footer(
      footer("  tickmlp sample weights/tactical-int8.blob\n"
             "  tickmlp sample weights/tactical-int8.blob --path tick --seconds 1 --core 3"));
  command->callback([=] { *action = [=] { return sample(*options); }; });
}

// One of the four forms, whole.
void check_form(const CompareOptions& options) {
  const int forms = !options.binaries.empty() + !options.blobs.empty() + !options.kernels.empty();
  const bool stored = !options.certificates.empty();
  if (forms + stored != 1)
    wrong_usage("expected two certificates, or one of --binaries A B, --blobs A B and --kernels A B");
  if (stored && options.certificates.size() != 2) wrong_usage("one certificate: expected two, OLD.json and NEW.json");
  if (stored && (!options.blob.empty() || !options.kernel.empty() || !options.input.empty()))
    wrong_usage("--blob, --kernel and --input do not go with two certificates, which are read and not measured");
  if (!stored && options.blobs.empty() == options.blob.empty())
    wrong_usage(options.blob.empty() ? "expected --blob BLOB, the model that both run"
                                     : "--blob does not go with --blobs, which names both models");
  if (!options.kernel.empty() && !options.kernels.empty())
    wrong_usage("--kernel does not go with --kernels, which names both kernels");
}

}  // namespace

void add_compare(CLI::App* app, const std::string& command_line, Action* action) {
  add_sample(app, action);
  const auto options = std::make_shared<CompareOptions>();
  CLI::App* command = app->add_subcommand("compare", "Say whether B is slower than A, from runs in turns (10 s)");
  command->add_option("certificates", options->certificates, "Two stored certificates, read and not measured")
      ->type_name("OLD.json NEW.json")
      ->expected(0, 2);
  for (const auto& [name, names, what] :
       {std::tuple{"--binaries", &options->binaries, "Two tickmlp programs, on --blob"},
        std::tuple{"--blobs", &options->blobs, "Two models of one element type, in this program"},
        std::tuple{"--kernels", &options->kernels, "Two kernels, on --blob in this program"}})
    command->add_option(name, *names, what)->type_name("A B")->expected(2);
  command->add_option("--blob", options->blob, "Model file, for --binaries and --kernels")->type_name("BLOB");
  command->add_option("--kernel", options->kernel, "Force a kernel by name in both")->type_name("NAME");
  command->add_option("--pairs", options->pairs, "Pairs of processes (default: 30; 9 are the fewest that can tell)")
      ->check(whole_number(1, static_cast<std::int64_t>(kMostDifferences)));
  add_measuring(command, &options->path, &options->input, &options->core, &options->seconds);
  command->add_option("--timeout", options->timeout, "Seconds that one process may take (default: 30)")
      ->check(CLI::Range(0.1, 3600.0));
  command->add_option("--json", options->json, "Write every run and the decision here")->type_name("OUT");
  command->footer(footer("  tickmlp compare --binaries old/tickmlp build/tickmlp --blob weights/tactical-int8.blob\n"
                         "  tickmlp compare --blobs before.blob after.blob --path tick --json comparison.json\n"
                         "  tickmlp compare --kernels int8-avx2 int8-avx512vnni --blob weights/tactical-int8.blob\n"
                         "  tickmlp compare january.json february.json") +
                  "\ncompare: 0 B is not slower, 1 slower, 3 cannot be told. docs/COMPARE.md has how it decides.");
  command->callback([=] {
    check_form(*options);
    options->command = command_line;
    *action = [=] { return options->certificates.empty() ? compare_runs(*options) : compare_certificates(*options); };
  });
}

}  // namespace tickmlp::bench
