# SPDX-License-Identifier: Apache-2.0
"""Golden vectors: eight inputs and the exact outputs that every kernel must give."""

from __future__ import annotations

import numpy as np

from . import layout
from .packed import PackedModel, evaluate
from .states import random_states, spread

INSIDE = 4
STRETCH = 1.5
STRETCH_SEED, INSIDE_SEED = 1, 2


def golden_vectors(packed: PackedModel, states: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Inputs float32 [8, inputs] and outputs float32 [8, total outputs]: zeros, every feature at its high end, every
    feature at its low end, one drawn up to 1.5 x outside, and four calibration states (or drawn where there is no
    calibration). Fewer than four calibration states are repeated. Error: non-finite-output."""
    feature = np.arange(packed.inputs) % len(packed.ranges)
    corners = np.stack([np.zeros(packed.inputs, np.float32), packed.ranges[feature, 1], packed.ranges[feature, 0]])
    outside = _outside(packed, corners[1], corners[2])
    if states is None:
        inside = random_states(INSIDE, packed.ranges, packed.inputs, INSIDE_SEED)
    else:
        chosen = spread(states, INSIDE)
        inside = chosen[np.arange(INSIDE) % len(chosen)]
    inputs = np.concatenate([corners, outside, inside]).astype(np.float32)
    assert len(inputs) == layout.GOLDEN_COUNT
    return inputs, evaluate(packed, inputs)


def _outside(packed: PackedModel, high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """One state drawn within 1.5 x the ranges, every fourth element at an end of that, so that some clip for sure."""
    state = random_states(1, packed.ranges, packed.inputs, STRETCH_SEED, STRETCH)
    state[:, 0::8] = high[0::8] * np.float32(STRETCH)
    state[:, 4::8] = low[4::8] * np.float32(STRETCH)
    return state
