# SPDX-License-Identifier: Apache-2.0
"""How far the exported model is from float64, a head at a time, and whether that is within the budget."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from . import arithmetic, layout
from .errors import EXIT_OVER_BUDGET, ExportError
from .model import Head, Model
from .packed import PackedModel, evaluate

# States behind the figures, and multiply-adds spent on them: the exact float32 layer 1 takes 10 ns for each, so 5 s at
# most; int8, by BLAS, a hundredth of that. For the tactical model (94,080 weights) the first limit holds.
MAX_STATES = {layout.INT8: 4096, layout.FLOAT32: 256}
MAX_WORK = {layout.INT8: 1 << 36, layout.FLOAT32: 1 << 29}
MIN_STATES = 8
BATCH = 256
NORMAL_QUANTILE = 1.959963984540054  # two-sided 95 %


@dataclass
class HeadAccuracy:
    """Figures of one head, rounded to three significant digits. Errors are absolute, against float64."""

    largest_error: float
    mean_error: float
    argmax_agreement: float
    argmax_low: float
    argmax_high: float
    output_magnitude: float
    clipped_share: float


@dataclass
class Accuracy:
    """states: how many were compared; clipped: input elements outside the calibrated range over them."""

    states: int
    clipped: int
    heads: list[HeadAccuracy]


def state_limit(packed: PackedModel) -> int:
    """How many states to compare: fewer for a very large model."""
    affordable = MAX_WORK[packed.element_type] // packed.w1.size
    return min(MAX_STATES[packed.element_type], max(MIN_STATES, affordable))


def round3(value: float) -> float:
    """Three significant digits: what lies beyond differs between BLAS versions."""
    return float(f"{value:.2e}")


def wilson(agreeing: int, count: int) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson): unlike the plain one it is right near 1."""
    z2 = NORMAL_QUANTILE**2
    p = agreeing / count
    centre = p + z2 / (2 * count)
    spread = NORMAL_QUANTILE * math.sqrt(p * (1 - p) / count + z2 / (4 * count**2))
    low, high = (centre - spread) / (1 + z2 / count), (centre + spread) / (1 + z2 / count)
    return max(0.0, low), min(1.0, high)


def reference_head(head: Head, x: np.ndarray) -> np.ndarray:
    """The head in float64 from the weights as they were trained (unrounded); x float64 [n, inputs]."""
    logits = reference_hidden(head, x) @ head.w2.T + head.b2
    if head.activation == "identity":
        return logits
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def reference_hidden(head: Head, x: np.ndarray) -> np.ndarray:
    """Its hidden units, float64 [n, hidden]."""
    return np.clip(x @ head.w1 + head.b1, 0, head.clamp_high)


def measure(model: Model, packed: PackedModel, states: np.ndarray) -> Accuracy:
    """Compare `packed`, evaluated exactly, with `model` in float64 on float32 states [n, inputs]."""
    batches = [states[i:i + BATCH] for i in range(0, len(states), BATCH)]
    outputs = np.concatenate([evaluate(packed, batch) for batch in batches]).astype(np.float64)
    clipped = _clipped_by_input(packed, states)
    wide = states.astype(np.float64)
    heads, column = [], 0
    for head in model.heads:
        seen = outputs[:, column:column + head.outputs]
        read = np.any(head.w1 != 0, axis=1)
        share = float(clipped[read].sum()) / max(1, int(read.sum()) * len(states))
        heads.append(_compare(seen, reference_head(head, wide), share))
        column += head.outputs
    return Accuracy(len(states), int(clipped.sum()), heads)


def _clipped_by_input(packed: PackedModel, states: np.ndarray) -> np.ndarray:
    if packed.element_type == layout.FLOAT32:
        return np.zeros(packed.inputs, np.int64)
    clipped = np.zeros(packed.inputs, np.int64)  # a pruned input is never quantised
    for i in packed.kept:
        clipped[i] = arithmetic.quantise_inputs(states[:, i:i + 1], packed.input_scale[i:i + 1])[1]
    return clipped


def _compare(seen: np.ndarray, reference: np.ndarray, clipped_share: float) -> HeadAccuracy:
    error = np.abs(seen - reference)
    agreement, low, high = 1.0, 1.0, 1.0
    if seen.shape[1] > 1:
        agreeing = int(np.count_nonzero(seen.argmax(axis=1) == reference.argmax(axis=1)))
        agreement, (low, high) = agreeing / len(seen), wilson(agreeing, len(seen))
    figures = (float(error.max()), float(error.mean()), agreement, low, high, float(np.abs(reference).max()),
               clipped_share)
    return HeadAccuracy(*(round3(figure) for figure in figures))


def check_budget(model: Model, accuracy: Accuracy, budget: dict[str, float]) -> None:
    """Error over-budget (exit code 1) names the first head and figure outside. Softmax heads answer for
    `probability` and `argmax`, identity heads for `value`, relative to their largest magnitude."""
    for head, figures in zip(model.heads, accuracy.heads):
        if head.activation == "softmax":
            _require(head, "probability", "largest error", figures.largest_error, budget["probability"])
            if figures.argmax_agreement < budget["argmax"]:
                _refuse(head, "argmax", "agreement", figures.argmax_agreement, "at least", budget["argmax"])
        else:
            limit = budget["value"] * figures.output_magnitude
            _require(head, "value", "largest error", figures.largest_error, limit)


def _require(head: Head, key: str, figure: str, seen: float, limit: float) -> None:
    if not seen <= limit:
        _refuse(head, key, figure, seen, "at most", limit)


def _refuse(head: Head, key: str, figure: str, seen: float, side: str, limit: float) -> None:
    raise ExportError("over-budget", f"head {head.name!r}: {figure} {seen:.3g}, expected {side} {limit:.3g} "
                      f"(budget {key}); no blob was written", EXIT_OVER_BUDGET)
