// SPDX-License-Identifier: Apache-2.0
// The options of `tickmlp serve`.
#include "options.h"

#include "cli.h"
#include "input_file.h"
#include "serve/serve.h"

namespace tickmlp::bench {
namespace {

using serve::ServeOptions;

// Its first line, without the end: as `openssl rand -hex 32 > FILE` writes it.
std::string token_of(const std::string& path) {
  std::string token = read_file(path, 4096);
  token.erase(std::min(token.find_first_of("\r\n"), token.size()));
  if (token.size() < 16)
    refuse("admin token in " + printable(path) + ": " + std::to_string(token.size()) +
           " characters; expected 16 and more");
  return token;
}

int start(const std::shared_ptr<ServeOptions>& options, const std::string& token_file) {
  if (!token_file.empty()) options->http.routes.admin_token = token_of(token_file);
  try {
    return serve::serve(*options);
  } catch (const serve::StartError& error) {
    refuse(error.message);
  }
}

void add_shared(CLI::App* command, shared::SharedOptions* options) {
  command
      ->add_option(
          "--shared-memory", options->path,
          "Answer processes of this user on this box through shared memory (libtickmlp-client); they attach at "
          "this socket. Keeps a core busy")
      ->type_name("PATH");
  command->add_option("--shared-core", options->core, "Core of the thread that looks at the clients' rings")
      ->check(whole_number(0, 4095));
  command->add_option("--shared-clients", options->clients, "Clients at a time")
      ->capture_default_str()
      ->check(whole_number(1, 4096));
  command->add_option("--shared-ring-bytes", options->ring_bytes, "Most memory of one client's ring")
      ->capture_default_str()
      ->check(whole_number(4096, 1 << 30));
  command
      ->add_option("--shared-sleep-ns", options->sleep_after_ns,
                   "Sleep after so long without a request (waking takes about 20 us); 0: never while a client is there")
      ->capture_default_str()
      ->check(whole_number(0, 1'000'000'000));
}

}  // namespace

void add_serve(CLI::App* app, const std::string&, Action* action) {
  const auto options = std::make_shared<ServeOptions>();
  const auto token_file = std::make_shared<std::string>();
  CLI::App* command = app->add_subcommand("serve", "Answer requests over the Open Inference Protocol");
  command->add_option("--repository", options->repository.folder, "Folder of blobs, or of published folders")
      ->required()
      ->type_name("DIR");
  command->add_option("--host", options->http.host, "Address to listen on")->capture_default_str();
  command->add_option("--port", options->http.port, "Port to listen on; 0: any that is free")->capture_default_str();
  command->add_option("--cores", options->cores, "One serving thread pinned to each, 2,3 or so")
      ->delimiter(',')
      ->check(whole_number(0, 4095));
  command->add_option("--threads", options->threads, "Serving threads, where no cores are named")
      ->capture_default_str()
      ->check(whole_number(1, 60));
  command->add_option("--kernel", options->repository.kernel, "Force a kernel by name (see `tickmlp kernels`)")
      ->type_name("NAME");
  command
      ->add_option("--versions", options->repository.versions,
                   "Older generations of a published folder that answer by their number, beside the current one")
      ->capture_default_str()
      ->check(whole_number(0, 16));
  command
      ->add_option("--admin-token-file", *token_file,
                   "Load and unload routes on, for who sends the token in this file (16 characters and more)")
      ->type_name("FILE");
  add_shared(command, &options->shared);
  command->add_flag("--quiet", options->quiet, "Print nothing");
  command->footer(
      footer("  tickmlp serve --repository weights\n"
             "  curl -s localhost:8080/v2/models/tactical-int8\n"
             "  tickmlp serve --repository /srv/models --cores 2,3 --port 8000"));
  command->callback([=] { *action = [=] { return start(options, *token_file); }; });
}

}  // namespace tickmlp::bench
