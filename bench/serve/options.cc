// SPDX-License-Identifier: Apache-2.0
// The options of `tickmlp serve`.
#include "options.h"

#include "cli.h"
#include "input_file.h"
#include "serve/guard_options.h"
#include "serve/serve.h"

namespace tickmlp::bench {
namespace {

using serve::LogLevel;
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

void add_observation(CLI::App* command, ServeOptions* options) {
  command->add_option("--log", options->log.file, "The log, JSON lines; -: standard error. Opened anew on SIGHUP")
      ->capture_default_str()
      ->type_name("FILE");
  const std::map<std::string, LogLevel> levels = {{"debug", LogLevel::debug},
                                                  {"info", LogLevel::info},
                                                  {"warning", LogLevel::warning},
                                                  {"error", LogLevel::error},
                                                  {"off", LogLevel::off}};
  command->add_option("--log-level", options->log.level, "debug, info, warning, error, or off")
      ->transform(CLI::Transformer(levels))
      ->type_name("LEVEL");
  command
      ->add_option_function<std::string>(
          "--access-log",
          [options](const std::string& text) {
            const auto policy = serve::read_access_policy(text);
            if (!policy)
              throw CLI::ValidationError("--access-log",
                                         "seen " + text + ": expected off, all, errors, slow=TIME or sample=N");
            options->log.access = *policy;
          },
          "Requests in the log: off (the default), all, errors, slow=TIME (errors too), sample=N (one in N)")
      ->type_name("WHICH");
  command->add_flag("--triton-metrics", options->http.routes.triton_metrics, "/metrics has Triton's names too");
  command->add_option("--cache", options->cache.entries, "Answers that are kept; 100000 of them take 210 MB. 0: none")
      ->capture_default_str()
      ->type_name("ENTRIES")
      ->check(whole_number(0, 100'000'000));
  command
      ->add_option_function<std::uint64_t>(
          "--cache-ttl", [options](std::uint64_t seconds) { options->cache.ttl_ns = seconds * 1'000'000'000; },
          "Seconds that a kept answer is given again; 3600 by default")
      ->type_name("SECONDS")
      ->check(whole_number(1, 31'536'000))
      ->needs("--cache");
  command->add_flag_callback(
      "--quiet", [options] { options->log.level = LogLevel::off; }, "The same as --log-level off");
}

void add_shared(CLI::App* command, shared::SharedOptions* options) {
  command
      ->add_option(
          "--shared-memory", options->path,
          "Answer processes of this user on this box through shared memory (libtickmlp-client); they attach at "
          "this socket. Keeps a core busy")
      ->type_name("PATH");
  command->add_option("--shared-core", options->core, "Core of the thread that looks at the clients' rings")
      ->check(whole_number(0, 4095))
      ->needs("--shared-memory");
  command->add_option("--shared-clients", options->clients, "Clients at a time")
      ->capture_default_str()
      ->check(whole_number(1, 4096))
      ->needs("--shared-memory");
  command->add_option("--shared-windows", options->windows, "Most windows of one client; 0: none")
      ->capture_default_str()
      ->check(whole_number(0, shared::kMaxWindows))
      ->needs("--shared-memory");
  command->add_option("--shared-ring-bytes", options->ring_bytes, "Most memory of one client's ring")
      ->capture_default_str()
      ->check(whole_number(4096, 1 << 30))
      ->needs("--shared-memory");
  command
      ->add_option("--shared-sleep-ns", options->sleep_after_ns,
                   "Sleep after so long without a request (waking takes about 20 us); 0: never while a client is there")
      ->capture_default_str()
      ->check(whole_number(0, 1'000'000'000))
      ->needs("--shared-memory");
}

}  // namespace

void add_serve(CLI::App* app, const std::string&, Action* action) {
  const auto options = std::make_shared<ServeOptions>();
  const auto token_file = std::make_shared<std::string>();
  const auto poll = std::make_shared<double>(1e9);
  CLI::App* command = app->add_subcommand("serve", "Answer requests over the Open Inference Protocol");
  command->add_option("--repository", options->repository.folder, "Folder of blobs, or of published folders")
      ->required()
      ->type_name("DIR");
  command->add_option("--host", options->http.host, "Address to listen on")->capture_default_str();
  command->add_option("--port", options->http.port, "Port to listen on; 0: any that is free")
      ->capture_default_str()
      ->check(whole_number(0, 65535));
  command->add_option("--cores", options->cores, "One serving thread pinned to each, 2,3 or so")
      ->delimiter(',')
      ->check(whole_number(0, 4095));
  command->add_option("--threads", options->threads, "Serving threads, where no cores are named")
      ->capture_default_str()
      ->check(whole_number(1, 60));
  command
      ->add_option_function<std::uint16_t>(
          "--grpc-port",
          [options](std::uint16_t port) {
            options->grpc.enabled = true;
            options->grpc.port = port;
          },
          serve::has_grpc() ? "Answer over gRPC too, on this port; 0: any that is free"
                            : "Answer over gRPC too: not in this program, which was built without gRPC")
      ->type_name("UINT")
      ->check(whole_number(0, 65535));
  command
      ->add_option("--grpc-cores", options->grpc.cores, "One gRPC thread pinned to each; they can be those of --cores")
      ->delimiter(',')
      ->check(whole_number(0, 4095))
      ->needs("--grpc-port");
  command->add_option("--grpc-threads", options->grpc.threads, "gRPC threads, where no cores are named for them")
      ->capture_default_str()
      ->check(whole_number(1, 60))
      ->needs("--grpc-port");
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
  command
      ->add_option_function<std::vector<std::string>>(
          "--split",
          [=](const std::vector<std::string>& texts) {
            for (const std::string& text : texts)
              if (const auto refusal = serve::add_split(text, &options->http.routes.splits))
                wrong_usage("--split: " + refusal.message);
          },
          "A name for several models, of which a request's Tickmlp-Key chooses one: NAME=MODEL:90%,MODEL:10%")
      ->type_name("SPLIT")
      ->take_all();
  command
      ->add_option_function<std::vector<std::string>>(
          "--shadow",
          [=](const std::vector<std::string>& texts) {
            for (const std::string& text : texts)
              if (const auto refusal = serve::read_shadow_pair(text, &options->shadows.emplace_back()))
                wrong_usage("--shadow: " + refusal.message);
          },
          "A candidate that answers too and is only compared: PRIMARY=CANDIDATE[,every=N]")
      ->type_name("PAIR")
      ->take_all();
  command->add_option("--poll", *poll, "Between two looks at published folders (default: 1s)")
      ->transform(time_between("1ms", "3600s"))
      ->type_name("TIME");
  add_observation(command, options.get());
  add_guard_options(command, options.get());
  add_shared(command, &options->shared);
  command->footer(
      footer("  tickmlp serve --repository weights\n"
             "  curl -s localhost:8080/v2/models/tactical-int8\n"
             "  tickmlp serve --repository /srv/models --cores 2,3 --port 8000"));
  command->callback([=] {
    options->poll_ns = static_cast<std::uint64_t>(*poll);
    *action = [=] { return start(options, *token_file); };
  });
}

}  // namespace tickmlp::bench
