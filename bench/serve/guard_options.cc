// SPDX-License-Identifier: Apache-2.0
// The options of `tickmlp serve` that say what it bears and what it refuses.
#include "serve/guard_options.h"

#include "options.h"

namespace tickmlp::bench {
namespace {

constexpr const char* kGroup = "Limits, shutdown and TLS";

// A time in ms, kept in ns.
void add_time(CLI::App* command, const std::string& name, std::uint64_t* ns, std::int64_t low,
              const std::string& what) {
  command
      ->add_option_function<std::int64_t>(
          name, [ns](std::int64_t ms) { *ns = static_cast<std::uint64_t>(ms) * 1'000'000; }, what)
      ->default_str(std::to_string(*ns / 1'000'000))
      ->check(whole_number(low, 86'400'000))
      ->type_name("MS")
      ->group(kGroup);
}

template <typename Number>
void add_number(CLI::App* command, const std::string& name, Number* number, std::int64_t low, std::int64_t high,
                const std::string& what) {
  command->add_option(name, *number, what)->capture_default_str()->check(whole_number(low, high))->group(kGroup);
}

}  // namespace

void add_guard_options(CLI::App* command, serve::ServeOptions* options) {
  serve::WorkerOptions& http = options->http;
  add_number(command, "--header-bytes", &http.limits.header_bytes, 256, 1 << 20, "Largest head of a request");
  add_number(command, "--body-bytes", &http.limits.body_bytes, 1, 1 << 30, "Largest body of a request");
  add_number(
      command, "--buffer-limit", &options->buffer_mib, 0, 1 << 20,
      "Most MiB of bodies on their way, of all connections together; further ones are refused with 503. 0: 32 of "
      "the largest bodies for each thread");
  add_time(command, "--request-timeout", &http.limits.request_ns, 1,
           "Most that a request may take to arrive, and its answer to be taken");
  add_time(command, "--idle-timeout", &http.limits.idle_ns, 1, "An idle connection is closed after it");
  add_number(command, "--connections", &http.connections, 1, 1'000'000,
             "Most connections of a serving thread; further ones wait in the kernel");
  add_number(command, "--idle-connections", &http.idle_connections, 1, 1'000'000,
             "Most of them that are idle; beyond, those that were idle longest are closed");
  add_number(command, "--queue-limit", &http.limits.queue_ms, 0, 60'000,
             "Inferences that waited for more ms are refused with 503, as many as it takes; 0: none");
  add_number(command, "--breaker-failures", &http.routes.breaker.failures, 0, 1'000'000,
             "So many failures of a model in a second, if half of its requests, open its breaker; 0: never");
  add_time(command, "--breaker-open", &http.routes.breaker.open_ns, 1, "Then it is asked again after so long");
  add_time(command, "--stuck-after", &options->stuck_ns, 200,
           "A serving thread without a sign of life for so long makes the server not ready");
  add_time(command, "--drain-delay", &options->drain_delay_ns, 0,
           "At SIGTERM: not ready for so long, while all is answered, before it drains");
  add_time(command, "--drain-timeout", &options->drain_ns, 0, "Most that the drain may take");
  CLI::Option* certificate = command
                                 ->add_option("--tls-certificate", http.tls.certificate,
                                              "TLS: PEM file with the certificate, and those between it and the root")
                                 ->type_name("FILE")
                                 ->group(kGroup);
  CLI::Option* key = command->add_option("--tls-key", http.tls.key, "TLS: PEM file with its private key")
                         ->type_name("FILE")
                         ->group(kGroup);
  certificate->needs(key);
  key->needs(certificate);
}

}  // namespace tickmlp::bench
