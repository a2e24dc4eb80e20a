# SPDX-License-Identifier: Apache-2.0
"""Where the error of an exported model comes from: layer by layer, feature by feature, and its worst states."""

from __future__ import annotations

import numpy as np

from . import arithmetic, layout
from .accuracy import BATCH, reference_head, reference_hidden, round3
from .model import Model
from .packed import PackedModel, head_logits, layer1_sums

WORST = 5
BINS = 40


def diagnose(model: Model, packed: PackedModel, states: np.ndarray, numbers: np.ndarray) -> dict[str, object]:
    """JSON of figures with three digits. `states` float32 [n, inputs] are those the accuracy was measured over,
    `numbers` [n] their places in the file. Errors are absolute, against float64 with the weights as trained."""
    features = packed.window[1] or packed.inputs
    outside = _outside(packed, states)
    heads = []
    for index, head in enumerate(model.heads):
        batches = [_head(model, packed, index, states[i:i + BATCH]) for i in range(0, len(states), BATCH)]
        hidden, logits, output, magnitudes = (np.concatenate(parts) for parts in zip(*batches))
        largest = output.max(axis=1)
        counts, edges = np.histogram(largest, BINS, (0, max(float(largest.max()), 1e-300)))
        layers = {name: {"largest_error": round3(error.max()), "mean_error": round3(error.mean()),
                         "magnitude": round3(magnitudes[:, place].max())}
                  for place, (name, error) in enumerate((("hidden", hidden), ("logits", logits), ("output", output)))}
        heads.append({"name": head.name, "layers": layers, "error_percentiles": {
            f"p{p}": round3(np.percentile(largest, p)) for p in (50, 90, 99, 99.9)},
            "histogram": {"upper": round3(edges[-1]), "counts": counts.tolist()},
            "worst": [{"state": int(numbers[i]), "error": round3(largest[i]), "output": int(output[i].argmax()),
                       "clipped_inputs": int(outside[i].sum())}
                      for i in np.argsort(-largest, kind="stable")[:WORST]]})
    return {"heads": heads, "features": _features(packed, states, outside, features)}


def _head(model: Model, packed: PackedModel, index: int, states: np.ndarray) -> tuple[np.ndarray, ...]:
    """Errors of hidden units, logits and outputs, and the largest magnitude of each in float64, a state at a time."""
    head, packed_head, wide = model.heads[index], packed.heads[index], states.astype(np.float64)
    seen = arithmetic.clamp(layer1_sums(packed, states)[:, packed_head.lanes], packed_head.clamp_high)
    logits = head_logits(packed_head, seen)
    outputs = arithmetic.softmax(logits) if packed_head.activation == layout.SOFTMAX else logits
    hidden = reference_hidden(head, wide)
    exact = (hidden, hidden @ head.w2.T + head.b2, reference_head(head, wide))
    errors = [np.abs(a.astype(np.float64) - b) for a, b in zip((seen[:, :head.hidden], logits, outputs), exact)]
    return *errors, np.stack([np.abs(values).max(axis=1) for values in exact], axis=1)


def _outside(packed: PackedModel, states: np.ndarray) -> np.ndarray:
    """Which elements are clipped, bool [n, inputs]: none in float32, none of a pruned input."""
    if packed.input_scale is None:
        return np.zeros(states.shape, bool)
    with np.errstate(over="ignore"):
        outside = np.abs(states * packed.input_scale) > np.float32(127)
    return outside & np.isin(np.arange(packed.inputs), packed.kept)


def _features(packed: PackedModel, states: np.ndarray, outside: np.ndarray, features: int) -> list[dict[str, object]]:
    columns, clipped = states.reshape(-1, features), outside.reshape(-1, features)
    names = packed.feature_names or [str(i) for i in range(features)]
    return [{"name": names[i], "range": [float(end) for end in packed.ranges[i]],
             "seen": [float(columns[:, i].min()), float(columns[:, i].max())],
             "clipped_share": round3(clipped[:, i].mean())} for i in range(features)]
