// SPDX-License-Identifier: Apache-2.0
// Our own rows: through the public C header, the best kernel of this CPU.
#ifndef TICKMLP_BENCH_PEERS_OURS_H_
#define TICKMLP_BENCH_PEERS_OURS_H_
#include "peer.h"

namespace tickmlp::bench {

// Adds the full path, and the tick path where the model has a window, whose older rows are those of `first_state`.
void add_ours(const std::string& blob, const Network& network, const float* first_state, Field* field);

// Features of a row in the model's window; 0 without a window.
std::uint32_t window_columns(const std::string& blob);

}  // namespace tickmlp::bench
#endif
