// SPDX-License-Identifier: Apache-2.0
// What can be known to fail before anything serves.
#ifndef TICKMLP_SERVE_GUARD_START_CHECKS_H_
#define TICKMLP_SERVE_GUARD_START_CHECKS_H_
#include <cstdint>
#include <string>
#include <vector>

#include "serve/start_error.h"

namespace tickmlp::serve {

// Each throws StartError.

// The port that is to be listened on: `port`, or for 0 one that is free. Refused: no IP address, or none of this
// machine's; a port that another process listens on, or that this user may not use.
std::uint16_t check_port(const std::string& host, std::uint16_t port);
// A thread can be pinned to each: it exists, is online, and this process may use it; none stands twice.
void check_cores(const std::vector<int>& cores);

// Lets this process open as many files as its hard limit says. Returns that number.
std::uint64_t raise_file_limit();

}  // namespace tickmlp::serve
#endif
