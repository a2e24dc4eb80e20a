// SPDX-License-Identifier: Apache-2.0
// Part of int8.cc, included inside its per-target namespace, so without a guard: the full path in three parts, for a
// team of cores. The third, finish, is the one of the full path.

// The quantiser of the full path hides inside layer 1; here nothing else can begin before it is done, so it is the one
// of a batch.
Outcome encode(const Network& network, const float* input, void* codes, uint64_t* clipped) {
  uint32_t clips;
  const bool finite = quantise_state(network, input, static_cast<uint8_t*>(codes), clips);
  *clipped = clips;
  return finite ? Outcome::kDone : Outcome::kNonFiniteInput;
}

// Half of the tactical weights, 47 KB, do not fit 32 KiB of L1; read in turns from front to back and from back to
// front, half of them do. Without VNNI layer 1 is slower than its weights arrive, and the order does not matter.
void lanes(const Network& network, const void* codes, uint32_t begin, uint32_t end, bool backwards, float* hidden) {
  const uint32_t quads = (network.inputs + 3) / 4;
  Workspace workspace = {};
  workspace.codes = const_cast<uint8_t*>(static_cast<const uint8_t*>(codes));  // only read
  workspace.hidden = hidden;
  Outcome outcome = Outcome::kDone;
  const Stretch stretch{network, workspace, 0,       quads,  static_cast<const int32_t*>(network.start),
                        nullptr, backwards, nullptr, outcome};
  for (uint32_t t = 0; t < network.tiles; ++t) {
    const Strip part = cut(network.tile[backwards ? network.tiles - 1 - t : t], begin, end);
    if (part.groups != 0) take_strip(stretch, part);
  }
}

// Layer 2 and the heads, from hidden activations.
Outcome finish(const Network& network, const Workspace& workspace, float* output) {
#if HWY_TARGET == HWY_SSE4
  return conclude(network, workspace, output);
#else
  return isa::finish(network, workspace, output);
#endif
}
