# SPDX-License-Identifier: Apache-2.0
"""Int8 weights, scales and start values, and the proof that no lane can leave int32 (docs/ARITHMETIC.md, section 2).

Only elementwise float64 operations touch what enters the blob: they give the same bits on every machine, where a
BLAS product would not.
"""

from __future__ import annotations

import numpy as np

from . import layout
from .errors import ExportError
from .fold import pack_heads
from .model import Head, Model
from .packed import PackedModel, pad_last

WEIGHT_LIMIT = 127
CARRIED_SHARE = 0.75
CODE_OFFSET = 128
CODE_MAX = 255
INT32_MAX = 2**31 - 1
SMALLEST_NORMAL = float(np.finfo(np.float32).tiny)
FLOAT32_MAX = float(np.finfo(np.float32).max)


def input_scales(ranges: np.ndarray, inputs: int) -> np.ndarray:
    """float32 [inputs] from ranges float32 [features, 2]: 127 / largest magnitude, one step down where the largest
    magnitude itself would be clipped. Input i belongs to feature i mod features."""
    magnitude = np.max(np.abs(ranges), axis=1)
    scale = (np.float64(127) / magnitude.astype(np.float64)).astype(np.float32)
    lower = np.nextafter(scale, np.float32(0))
    scale = np.where(magnitude * scale > np.float32(127), lower, scale)
    return scale[np.arange(inputs) % len(ranges)]


def pack_int8(model: Model, ranges: np.ndarray, feature_names: list[str]) -> PackedModel:
    """The int8 blob's arrays. Errors: scale-out-of-range, accumulator-overflow."""
    if any(head.unit is not None for head in model.heads):
        ranges = common_range(ranges)
    input_scale = input_scales(ranges, model.inputs)
    heads = pack_heads(model)
    w1, start, lane_scale = [], [], []
    for head, packed in zip(model.heads, heads):
        if head.unit is None:
            codes, scale = quantise_weights(head, input_scale, model.window[1])
        else:
            codes, scale = kept_weights(head, input_scale)
        starts, packed.accumulator_bound = prove_lanes(head, codes, scale)
        scale[(codes == 0).all(axis=0) & (starts == 0)] = 1  # the format's one spelling of an empty lane
        w1.append(pad_last(codes, packed.padded))
        start.append(pad_last(starts, packed.padded))
        lane_scale.append(np.concatenate([scale, np.ones(packed.padded - head.hidden, np.float32)]))
    return PackedModel(layout.INT8, model.inputs, model.window, ranges, feature_names, np.concatenate(start),
                       np.concatenate(w1, axis=1), heads, input_scale, np.concatenate(lane_scale))


def quantise_weights(head: Head, input_scale: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes int8 [inputs, hidden] in [-127, 127] and lane scales float32 [hidden]."""
    weights = head.w1 / input_scale.astype(np.float64)[:, None]
    scale = lane_scales(head, np.max(np.abs(weights), axis=0))
    exact = weights / scale.astype(np.float64)
    return (_round_carrying(exact, columns) if columns else _round(exact)).astype(np.int8), scale


def common_range(ranges: np.ndarray) -> np.ndarray:
    """The same range for every feature, float32 [features, 2]: the lane's sum has one unit, its scale over the inputs'
    own, only where all inputs share one."""
    low, high = ranges[:, 0].min(), ranges[:, 1].max()
    return np.tile(np.float32([low, high]), (len(ranges), 1))


def kept_weights(head: Head, input_scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The codes the source has, and its scales over the one input scale, rounded once."""
    unit = np.where(head.unit > 0, head.unit, 1.0)
    codes = np.rint(head.w1 / unit).astype(np.int8)
    scale = head.unit / float(input_scale[0])
    from_bias = lane_scales(head, np.zeros(head.hidden))
    _check_scale(head, scale)
    return codes, np.where(head.unit > 0, np.maximum(scale, SMALLEST_NORMAL).astype(np.float32), from_bias)


def _round(exact: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(exact), -WEIGHT_LIMIT, WEIGHT_LIMIT)


def _round_carrying(exact: np.ndarray, columns: int) -> np.ndarray:
    """Codes [inputs, hidden] of a window with `columns` features: three quarters of each rounding error are carried
    to the same feature of the next row.

    Neighbouring bars resemble each other (correlation 0.5 .. 0.9 for six of the tactical model's seven features), so
    errors of opposite sign cancel in the sum. On its 4096 reference states, ranges [-1, 1]: largest probability
    error 0.0036 without and 0.0024 with it, mean 4.6e-4 and 2.8e-4, argmax agreement 99.63 % and 99.77 %. Carrying
    half or all of the error gives nearly the same; carrying across features makes it worse (99.45 %)."""
    codes = np.empty_like(exact)
    carried = np.zeros((columns, exact.shape[1]))
    for first in range(0, len(exact), columns):
        rows = exact[first:first + columns]
        wanted = np.where(rows == 0, 0, rows + carried)  # an input the lane does not read stays unread
        codes[first:first + columns] = _round(wanted)
        carried = CARRIED_SHARE * (wanted - codes[first:first + columns])
    return codes


def lane_scales(head: Head, largest: np.ndarray) -> np.ndarray:
    """float32 [hidden], positive and normal, so that the largest weight of a lane has the code 127.

    A lane without weights takes its unit from its bias (which then has the code 127 too), or 1 without one. Units
    under the smallest normal float32 are raised to it: what is lost then is below 1e-38."""
    size = np.where(largest > 0, largest, np.abs(head.b1))
    scale = np.where(size > 0, np.maximum(size / WEIGHT_LIMIT, SMALLEST_NORMAL), 1.0)
    _check_scale(head, scale)
    return scale.astype(np.float32)


def _check_scale(head: Head, scale: np.ndarray) -> None:
    for lane in np.flatnonzero(scale > FLOAT32_MAX):
        raise ExportError("scale-out-of-range", f"head {head.name!r} lane {lane}: scale {scale[lane]:.3g}, "
                          f"expected at most {FLOAT32_MAX:.3g}")


def prove_lanes(head: Head, codes: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, int]:
    """Start values int32 [hidden], and the largest magnitude any partial sum of the head can reach.

    Codes of inputs are 0 .. 255 for this proof (they are 1 .. 255), so a partial sum in any order lies between
    255 N and 255 P, with or without the start value. Error: accumulator-overflow, naming head and lane."""
    wide = codes.astype(np.int64)
    positive = CODE_MAX * np.sum(np.maximum(wide, 0), axis=0)
    negative = CODE_MAX * np.sum(np.minimum(wide, 0), axis=0)
    bias = np.rint(head.b1 / scale.astype(np.float64))
    # Compared in float64 first: such a bias would not survive the conversion to int64.
    start = np.where(np.abs(bias) < 2.0**40, bias, np.copysign(2.0**40, bias)).astype(np.int64)
    start -= CODE_OFFSET * np.sum(wide, axis=0)
    bound = np.max(np.abs([positive, negative, start + positive, start + negative]), axis=0)
    for lane in np.flatnonzero(bound > INT32_MAX):
        raise ExportError("accumulator-overflow", f"head {head.name!r} lane {lane}: a sum can reach {bound[lane]} "
                          f"(bias {head.b1[lane]:.3g}, unit {scale[lane]:.3g}), expected at most {INT32_MAX}")
    return start.astype(np.int32), int(np.max(bound))
