// SPDX-License-Identifier: Apache-2.0
// What every system is to the comparison, ours included. Each peer is one file that adds its variants to a Field.
#ifndef TICKMLP_BENCH_PEERS_PEER_H_
#define TICKMLP_BENCH_PEERS_PEER_H_
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "network.h"

namespace tickmlp::bench {

// One model in one system, on the calling thread. The call through the vtable (1-2 ns) is in every figure alike.
class Runner {
 public:
  virtual ~Runner() = default;
  // What is timed. `state` [inputs] floats, 64-byte aligned only by chance; `output` [outputs] floats in head order,
  // softmax probabilities or the value. May throw; then the system is not timed.
  virtual void infer(const float* state, float* output) = 0;
};

struct Entrant {
  std::string system, version, dtype, path;  // path: "full", or "tick" for ours
  std::unique_ptr<Runner> runner;
  bool ours = false;
};

struct Skipped {
  std::string system, why;
};

// Who takes part with one model.
struct Field {
  std::vector<Entrant> entrants;
  std::vector<Skipped> skipped;

  void add(std::string system, std::string version, std::string dtype, std::unique_ptr<Runner> runner) {
    entrants.push_back({std::move(system), std::move(version), std::move(dtype), "full", std::move(runner)});
  }
};

// Where the peers that are loaded at run time lie.
struct PeerFiles {
  std::string onnxruntime;  // libonnxruntime.so.1; may be empty
};

// Each adds its variants, or a line to `skipped` with the reason.
void add_plain_c(const Network& network, Field* field);
void add_eigen(const Network& network, Field* field);
void add_libxsmm(const Network& network, Field* field);
void add_onednn(const Network& network, Field* field);
void add_onnxruntime(const Network& network, const PeerFiles& files, Field* field);
void add_torchscript(const Network& network, Field* field);

// All of the above that this program was built with; the others go to `skipped`.
void add_peers(const Network& network, const PeerFiles& files, Field* field);

struct PeerName {
  std::string system, package;
  bool built;
};
std::vector<PeerName> peer_names();  // in the order of add_peers()

}  // namespace tickmlp::bench
#endif
