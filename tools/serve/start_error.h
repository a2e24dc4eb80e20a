// SPDX-License-Identifier: Apache-2.0
#ifndef TICKMLP_SERVE_START_ERROR_H_
#define TICKMLP_SERVE_START_ERROR_H_
#include <string>

namespace tickmlp::serve {

struct StartError {  // thrown before anything serves; one line
  std::string message;
};

}  // namespace tickmlp::serve
#endif
