// SPDX-License-Identifier: Apache-2.0
#ifndef TICKMLP_SERVE_MAKE_THREAD_H_
#define TICKMLP_SERVE_MAKE_THREAD_H_
#include <sys/resource.h>

#include <exception>
#include <string>
#include <thread>
#include <utility>

#include "serve/start_error.h"

namespace tickmlp::serve {

// A thread of the server's, by its name. Throws StartError where the system gives none (EAGAIN, whatever it lacks).
template <typename Body>
std::thread make_thread(const std::string& name, Body body) {
  try {
    return std::thread(std::move(body));
  } catch (const std::exception& error) {
    rlimit limit{};
    getrlimit(RLIMIT_NPROC, &limit);
    const std::string most = limit.rlim_cur == RLIM_INFINITY ? "no limit" : std::to_string(limit.rlim_cur);
    throw StartError{name + ": cannot be made: " + error.what() +
                     ": expected fewer threads of this user than ulimit -u (" + most +
                     ") and its control group allow, and memory for a stack"};
  }
}

}  // namespace tickmlp::serve
#endif
