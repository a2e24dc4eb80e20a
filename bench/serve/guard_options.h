// SPDX-License-Identifier: Apache-2.0
#ifndef TICKMLP_BENCH_SERVE_GUARD_OPTIONS_H_
#define TICKMLP_BENCH_SERVE_GUARD_OPTIONS_H_
#include <CLI/CLI.hpp>

#include "serve/serve.h"

namespace tickmlp::bench {

void add_guard_options(CLI::App* command, serve::ServeOptions* options);

}  // namespace tickmlp::bench
#endif
