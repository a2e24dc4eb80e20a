// SPDX-License-Identifier: Apache-2.0
// Layer 1 cut into strips: where a head and a tile meet, and which steps have weights there.
#include <algorithm>

#include "model.h"

namespace tickmlp {
namespace {

bool any_weight(const Strip& strip, uint32_t step, size_t bytes) {
  const auto* weights = static_cast<const uint8_t*>(strip.w1) + step * strip.stride;
  return std::any_of(weights, weights + bytes, [](uint8_t byte) { return byte != 0; });
}

// A model of several networks over parts of one input has blocks of zeros: the strategic one reads two thirds of its
// weights for nothing. (-0 counts as a weight: it is never written by the exporter.)
void find_steps(Strip& strip, uint32_t steps) {
  const size_t bytes = strip.groups * size_t{64};
  strip.begin = 0;
  strip.end = steps;
  while (strip.end > 0 && !any_weight(strip, strip.end - 1, bytes)) --strip.end;
  while (strip.begin < strip.end && !any_weight(strip, strip.begin, bytes)) ++strip.begin;
}

Strip piece_of(const Strip& tile, uint32_t first, uint32_t groups, uint32_t steps) {
  Strip strip = tile;
  strip.w1 = static_cast<const uint8_t*>(tile.w1) + (first - tile.group) * size_t{64};
  strip.group = first;
  strip.groups = groups;
  find_steps(strip, steps);
  return strip;
}

uint32_t make_tiles(const Network& network, uint32_t steps, Strip* tiles) {
  const uint32_t count = tile_count(network.groups);
  const auto* w1 = static_cast<const uint8_t*>(network.w1);
  uint32_t group = 0;
  for (uint32_t t = 0; t < count; ++t) {
    const uint32_t groups = tile_groups(network.groups, count, t);
    tiles[t] = Strip{};
    tiles[t].w1 = w1;
    tiles[t].stride = groups * size_t{64};
    tiles[t].group = group;
    tiles[t].groups = groups;
    find_steps(tiles[t], steps);
    w1 += groups * size_t{64} * steps;
    group += groups;
  }
  return count;
}

uint32_t make_strips(const Network& network, uint32_t steps, Strip* strips) {
  const Strip* tile = network.tile;
  size_t block_sums = 0;
  uint32_t count = 0;
  for (uint32_t h = 0; h < network.heads; ++h) {
    const Head& head = network.head[h];
    if (h > 0 && h % 4 == 0) block_sums += size_t{round_up(network.block[h / 4 - 1].outputs, 4)} * 4 * kGroup;
    for (uint32_t done = 0; done < head.groups;) {
      const uint32_t group = head.group_begin + done;
      if (group == tile->group + tile->groups) ++tile;
      const uint32_t groups = std::min(head.groups - done, tile->group + tile->groups - group);
      Strip& strip = strips[count++] = piece_of(*tile, group, groups, steps);
      strip.outputs = head.outputs;
      strip.first = done == 0;
      strip.w2 = head.w2 + done * kGroup;
      strip.w2_stride = size_t{head.groups} * kGroup;
      for (uint32_t k = 0; k < 4; ++k)  // as numbers, since they lie before the array
        strip.row[k] = reinterpret_cast<const float*>(
            reinterpret_cast<uintptr_t>(strip.w2 + (k < head.outputs ? k * strip.w2_stride : 0)) - group * size_t{64});
      strip.sums = block_sums + (h % 4) * 4 * kGroup;
      done += groups;
    }
  }
  return count;
}

ShortHead short_head(const Network& network, ElementType type, const Strip& strip, uint32_t steps) {
  ShortHead head = {};
  head.w1 = strip.w1;
  for (uint32_t k = 0; k < 4; ++k) head.row[k] = strip.w2 + (k < strip.outputs ? k * strip.w2_stride : 0);
  head.clamp = network.group_clamp[strip.group];
  head.begin = static_cast<uint16_t>(strip.begin);
  head.end = static_cast<uint16_t>(strip.end);
  head.lane = static_cast<uint16_t>(strip.group * kGroup);
  head.groups = static_cast<uint8_t>(strip.groups);
  head.outputs = static_cast<uint8_t>(strip.outputs);
  if (type != ElementType::kInt8) return head;
  head.lane_scale = network.lane_scale + strip.group * kGroup;
  head.w1 = reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(strip.w1) + steps * strip.stride -
                                          kShortInputs / 4 * strip.stride);
  for (uint32_t step = strip.begin; step < strip.end; ++step)
    if (step + kShortInputs / 4 >= steps) head.steps |= 1u << (step + kShortInputs / 4 - steps);
  return head;
}

}  // namespace

void bind_strips(Network& network, ElementType type, Strip* tiles, Strip* strips) {
  const uint32_t steps = type == ElementType::kInt8 ? (network.inputs + 3) / 4 : network.inputs;
  network.tile = tiles;
  network.strip = strips;
  network.tiles = make_tiles(network, steps, tiles);
  network.strips = make_strips(network, steps, strips);
  network.small_outputs = network.ends = network.softmax_heads = network.other_heads = 0;
  network.short_heads = false;
  if (network.tiles > 1 || network.heads > 4) return;
  for (uint32_t i = 0; i < network.strips; ++i) {
    network.ends |= 1u << (strips[i].group + strips[i].groups - 1);
    network.small_outputs = std::max(network.small_outputs, strips[i].outputs);
  }
  if (network.small_outputs > 4) network.small_outputs = 0;
  network.short_heads = network.small_outputs != 0;
  for (uint32_t h = 0; h < network.heads; ++h) {
    network.short_heads &= network.head[h].groups <= kShortGroups;
    (network.head[h].softmax ? network.softmax_heads : network.other_heads) |= 1u << h;
  }
  if (network.short_heads)
    for (uint32_t h = 0; h < network.heads; ++h) network.short_head[h] = short_head(network, type, strips[h], steps);
}

}  // namespace tickmlp
