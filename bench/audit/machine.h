// SPDX-License-Identifier: Apache-2.0
// What the machine is, for the record: the certificate's `machine`.
#ifndef TICKMLP_BENCH_MACHINE_H_
#define TICKMLP_BENCH_MACHINE_H_
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "audit/box.h"

namespace tickmlp::bench {

enum class Presence { kNo, kYes, kUnknown };

// Whether a hypervisor stands below, and by what sign that was told.
struct Virtualisation {
  Presence present;
  std::string hypervisor;  // "kvm", "xen", "vmware", ...; "" where it does not say
  std::string seen;        // in words
};
Virtualisation virtualisation(const Box& box);

// Whether this process runs in a container, and of which runtime ("docker", "podman", "kubernetes", "lxc", ...).
struct Container {
  Presence present;
  std::string runtime;  // "" where it does not say
  std::string seen;
};
Container container(const Box& box);

// As core `core` sees it. Integers, text, null and lists of these; null where it cannot be read or does not apply:
// {cpu, vendor, family, model, stepping, microcode, cores_online, caches [{level, kind, bytes, shared_with}],
//  numa_nodes, numa_node, smt, base_khz, turbo_khz, memory_bytes, kernel, kernel_version, command_line,
//  operating_system, architecture, virtualised, hypervisor, container}
nlohmann::json machine_json(const Box& box, int core);

// "AMD EPYC, family 25 model 17 stepping 1; Linux 6.1.0; virtual machine; container".
std::string machine_text(const Box& box, int core);

}  // namespace tickmlp::bench
#endif
