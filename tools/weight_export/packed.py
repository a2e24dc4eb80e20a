# SPDX-License-Identifier: Apache-2.0
"""A model as the blob holds it: float32 and int8 arrays padded to groups of 16 lanes, and its exact evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from . import arithmetic, layout
from .errors import ExportError


@dataclass
class PackedHead:
    """w2 is float32 [outputs, pad16(hidden)], start2 float32 [outputs]; first_lane counts padded lanes."""

    name: str
    hidden: int
    outputs: int
    activation: int
    clamp_high: np.float32
    first_lane: int
    w2: np.ndarray
    start2: np.ndarray
    accumulator_bound: int = 0

    @property
    def padded(self) -> int:
        return layout.pad16(self.hidden)

    @property
    def lanes(self) -> slice:
        return slice(self.first_lane, self.first_lane + self.padded)


@dataclass
class PackedModel:
    """ranges float32 [features, 2]; w1 [inputs, lanes] (int8 or float32); start [lanes] (int32 or float32);
    input_scale float32 [inputs] and lane_scale float32 [lanes] exist for int8 alone."""

    element_type: int
    inputs: int
    window: tuple[int, int]
    ranges: np.ndarray
    feature_names: list[str]
    start: np.ndarray
    w1: np.ndarray
    heads: list[PackedHead] = field(default_factory=list)
    input_scale: np.ndarray | None = None
    lane_scale: np.ndarray | None = None

    @property
    def outputs(self) -> int:
        return sum(head.outputs for head in self.heads)

    @property
    def lanes(self) -> int:
        return sum(head.padded for head in self.heads)

    @property
    def kept(self) -> np.ndarray:
        """The inputs whose weights the blob holds, ascending: all, or, where leaving the others out pays
        (layout.is_stored_pruned), those that a lane reads and those of the window's newest row."""
        read = self.w1.view(f"u{self.w1.itemsize}").any(axis=1)  # the loader too takes -0 for a weight
        needed = np.flatnonzero(read | (np.arange(self.inputs) >= self.inputs - self.window[1]))
        between = needed[-1] - needed[0] + 1 - len(needed) if len(needed) else 0
        row_bytes = self.w1.shape[1] * self.w1.itemsize
        return needed if layout.is_stored_pruned(self.inputs, int(between), row_bytes) else np.arange(self.inputs)


def evaluate(model: PackedModel, x: np.ndarray) -> np.ndarray:
    """The exact outputs, float32 [n, outputs], of finite float32 x [n, inputs]. Error: non-finite-output."""
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        sums = layer1_sums(model, x)
        return np.concatenate([_evaluate_head(head, sums[:, head.lanes]) for head in model.heads], axis=1)


def layer1_sums(model: PackedModel, x: np.ndarray) -> np.ndarray:
    """Layer 1 before its clamp, float32 [n, lanes]."""
    if model.element_type == layout.INT8:
        codes, _ = arithmetic.quantise_inputs(x, model.input_scale)
        return arithmetic.layer1_int8(codes, model.w1, model.start, model.lane_scale)
    return arithmetic.layer1_float32(x, model.w1, model.start)


def head_logits(head: PackedHead, hidden: np.ndarray) -> np.ndarray:
    """Layer 2 of a head, float32 [n, outputs], from its hidden units [n, padded]. Error: non-finite-output."""
    logits = arithmetic.layer2(hidden, head.w2, head.start2)
    bad = ~np.isfinite(logits)
    if bad.any():
        state, output = (int(i) for i in np.argwhere(bad)[0])
        raise ExportError("non-finite-output", f"head {head.name!r} output {output} is {logits[state, output]} "
                          f"for state {state} of the check, expected finite outputs")
    return logits


def _evaluate_head(head: PackedHead, sums: np.ndarray) -> np.ndarray:
    logits = head_logits(head, arithmetic.clamp(sums, head.clamp_high))
    return arithmetic.softmax(logits) if head.activation == layout.SOFTMAX else logits


def to_float32(array: np.ndarray) -> np.ndarray:
    """Rounded once from float64; -0 becomes +0, so that one model has one byte string."""
    return array.astype(np.float32) + np.float32(0)


def pad_last(array: np.ndarray, size: int) -> np.ndarray:
    """Zeros appended along the last axis up to `size`."""
    result = np.zeros(array.shape[:-1] + (size,), array.dtype)
    result[..., :array.shape[-1]] = array
    return result
