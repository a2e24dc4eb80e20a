// SPDX-License-Identifier: Apache-2.0
#ifndef TICKMLP_BENCH_PEERS_CERTIFY_H_
#define TICKMLP_BENCH_PEERS_CERTIFY_H_

namespace tickmlp::bench {

// `tickmlp certify` with every peer that this program has as a comparator; returns its exit code. The options are
// certify's, with --network and --onnxruntime before them.
int certify_with_peers(int count, char** words);

}  // namespace tickmlp::bench
#endif
