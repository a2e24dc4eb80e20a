// SPDX-License-Identifier: Apache-2.0
// Which program this is and on whose machine, without giving the machine's name away.
#ifndef TICKMLP_BENCH_IDENTITY_H_
#define TICKMLP_BENCH_IDENTITY_H_
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tickmlp::bench {

// {version, commit, compiler, flags, binary_sha256}, all text. `commit` has 40 hex digits, "-dirty" behind them where
// the checkout was changed, or is "unknown". binary_sha256 is null where /proc/self/exe cannot be read. Reads the whole
// program: a few ms, not beside a measurement.
nlohmann::json tool_json();

// The first 16 hex digits of the SHA-256 of this machine's host name: equal for equal machines, and not the name.
std::string host_hash();

}  // namespace tickmlp::bench
#endif
