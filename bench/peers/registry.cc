// SPDX-License-Identifier: Apache-2.0
// Which peers this program was built with: meson.build looks for each library and defines the names below.
#include "cli.h"
#include "peer.h"

namespace tickmlp::bench {
namespace {

struct Peer {
  const char* system;
  void (*add)(const Network&, const PeerFiles&, Field*);  // nullptr: built without it
  const char* package;
};

template <void (*add)(const Network&, Field*)>
void without_files(const Network& network, const PeerFiles&, Field* field) {
  add(network, field);
}

constexpr Peer kPeers[] = {
#if TICKMLP_HAVE_TORCH
    {"torchscript", without_files<add_torchscript>, "libtorch-dev"},
#else
    {"torchscript", nullptr, "libtorch-dev"},
#endif
    {"onnxruntime", add_onnxruntime, "onnxruntime-node"},
#if TICKMLP_HAVE_ONEDNN
    {"onednn", without_files<add_onednn>, "libdnnl-dev"},
#else
    {"onednn", nullptr, "libdnnl-dev"},
#endif
#if TICKMLP_HAVE_LIBXSMM
    {"libxsmm", without_files<add_libxsmm>, "libxsmm-dev"},
#else
    {"libxsmm", nullptr, "libxsmm-dev"},
#endif
#if TICKMLP_HAVE_EIGEN
    {"eigen", without_files<add_eigen>, "libeigen3-dev"},
#else
    {"eigen", nullptr, "libeigen3-dev"},
#endif
    {"plain-c", without_files<add_plain_c>, "a C compiler"},
};

}  // namespace

void add_peers(const Network& network, const PeerFiles& files, Field* field) {
  for (const Peer& peer : kPeers) {
    if (peer.add == nullptr) {
      field->skipped.push_back({peer.system, std::string("built without it: no ") + peer.package});
      continue;
    }
    try {
      peer.add(network, files, field);
    } catch (const Failure& failure) {
      field->skipped.push_back({peer.system, failure.message});
    } catch (const std::exception& error) {
      field->skipped.push_back({peer.system, error.what()});
    }
  }
}

std::vector<PeerName> peer_names() {
  std::vector<PeerName> names;
  for (const Peer& peer : kPeers) names.push_back({peer.system, peer.package, peer.add != nullptr});
  return names;
}

}  // namespace tickmlp::bench
