# SPDX-License-Identifier: Apache-2.0
"""From the folded float64 model to the arrays of a float32 blob, and the head records both types share."""

from __future__ import annotations

import numpy as np

from . import layout
from .model import Model
from .packed import PackedHead, PackedModel, pad_last, to_float32


def pack_heads(model: Model) -> list[PackedHead]:
    """Layer 2 of every head in float32, padded to 16, with the lane each head starts at."""
    heads, first_lane = [], 0
    for head in model.heads:
        padded = layout.pad16(head.hidden)
        heads.append(PackedHead(
            head.name, head.hidden, head.outputs, layout.ACTIVATIONS[head.activation], np.float32(head.clamp_high),
            first_lane, pad_last(to_float32(head.w2), padded), to_float32(head.b2)))
        first_lane += padded
    return heads


def pack_float32(model: Model, ranges: np.ndarray, feature_names: list[str]) -> PackedModel:
    """The float32 blob's arrays: every folded weight rounded once. `ranges` float32 [features, 2] are recorded."""
    w1 = [pad_last(to_float32(head.w1), layout.pad16(head.hidden)) for head in model.heads]
    start = [pad_last(to_float32(head.b1), layout.pad16(head.hidden)) for head in model.heads]
    return PackedModel(layout.FLOAT32, model.inputs, model.window, ranges, feature_names,
                       np.concatenate(start), np.concatenate(w1, axis=1), pack_heads(model))
