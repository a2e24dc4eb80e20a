# SPDX-License-Identifier: Apache-2.0
"""Weights that a source holds as int8 already. Their codes and scales go into the blob as they are, or are refused.

A quantised weight is its code times the scale of its lane. Whatever folding does to the values it does to the scales
too, so a source is folded twice: once with the values, once with the scale in place of every weight (0 where the code
is 0). If every lane then has one scale, and its values are whole multiples of it, the codes came through unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .errors import ExportError
from .model import Model

CODE_LIMIT = 127


@dataclass(eq=False)
class QuantisedWeights:
    """codes int8 of any shape, scale float64 broadcast to it."""

    codes: np.ndarray
    scale: np.ndarray

    def values(self) -> np.ndarray:
        """float64 and exact: 8 bits times the 24 of a float32 scale."""
        return self.codes * self.scale

    def units(self) -> np.ndarray:
        """The scale where a weight is, 0 where there is none."""
        return np.where(self.codes != 0, self.scale, 0.0)


def quantised_weights(what: str, codes: np.ndarray, scales: np.ndarray, zero_points: np.ndarray,
                      axis: int | None) -> QuantisedWeights:
    """codes int8; scales and zero_points one number each, or one for each place along `axis`. Scales count as float32,
    which is what every kernel of PyTorch and ONNX Runtime multiplies by. Error: unsupported-quantisation."""
    if codes.dtype != np.int8:
        _refuse(what, f"is quantised to {codes.dtype}", "int8")
    size = 1 if axis is None else codes.shape[axis]
    if scales.size != size or zero_points.size != size:
        _refuse(what, f"has {scales.size} scales and {zero_points.size} zero points", f"{size} of each")
    with np.errstate(over="ignore"):
        scales = scales.reshape(-1).astype(np.float32).astype(np.float64)
    if not (np.isfinite(scales) & (scales > 0)).all():
        _refuse(what, f"has the scale {scales[~(np.isfinite(scales) & (scales > 0))][0]}", "finite ones above 0")
    if zero_points.any():
        _refuse(what, f"has the zero point {zero_points[zero_points != 0][0]}", "0 everywhere (symmetric)")
    shape = [1] * codes.ndim
    if axis is not None:
        shape[axis] = size
    return QuantisedWeights(codes, np.broadcast_to(scales.reshape(shape), codes.shape))


def _refuse(what: str, seen: str, expected: str) -> None:
    raise ExportError("unsupported-quantisation", f"{what} {seen}, expected {expected}")


def keep_codes(model: Model, units: Model, quantised: list[bool]) -> None:
    """Give each head that is `quantised` its scales, from the same model folded with the scales in place of the
    weights. Error: quantised-folded where folding changed the codes."""
    for head, unit_head, kept in zip(model.heads, units.heads, quantised, strict=True):
        if kept:
            head.unit = _unit(head.name, head.w1, np.abs(unit_head.w1))
    if any(quantised):
        model.notes.append("int8 weights of layer 1 are kept as they are, code for code")


def _unit(name: str, w1: np.ndarray, units: np.ndarray) -> np.ndarray:
    """float64 [hidden]: what a code of each lane is worth, 0 for a lane without weights."""
    if units.shape != w1.shape:
        raise ExportError("quantised-folded", f"head {name!r}: folding changes which lanes it reads, expected int8 "
                          "weights that are used as they are (or --requantise)")
    unit = units.max(axis=0, initial=0.0)
    codes = w1 / np.where(unit > 0, unit, 1.0)
    kept = ((units == 0) | (units == unit)) & (codes == np.rint(codes))
    if not kept.all():
        place, lane = (int(i) for i in np.argwhere(~kept)[0])
        raise ExportError("quantised-folded", f"head {name!r}: input {place} of lane {lane} is "
                          f"{codes[place, lane]:.4g} units after folding (feature weights, a repeated input), expected "
                          "int8 weights that are used as they are (or --requantise)")
    largest = np.abs(codes).max(initial=0)
    if largest > CODE_LIMIT:
        _refuse(f"layer 1 of head {name!r}", f"has a code of magnitude {largest:.0f}",
                f"at most {CODE_LIMIT} (an observer with quant_min=-127), or --requantise")
    return unit
