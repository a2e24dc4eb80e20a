# SPDX-License-Identifier: Apache-2.0
"""QuantizeLinear and DequantizeLinear. Those of weights keep their codes; those of values that are calculated (QDQ) are
left out, with a note: this library quantises its inputs itself, and its layer 2 is float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .affine import Affine, constant
from .closing import Outputs
from .errors import ExportError
from .quantised import QuantisedWeights, quantised_weights
from .states import LARGEST_RANGE, SMALLEST_RANGE

CODE_TYPES = {"int8": (-128, 127), "uint8": (0, 255)}


@dataclass(eq=False)
class Coded:
    """What QuantizeLinear makes: only a DequantizeLinear with the same scale and zero point takes it."""

    value: Affine | Outputs
    scale: float
    zero_point: int

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape


class QuantisedOperations:
    """`units`: weights that are codes become their scales instead of their values (quantised.py says why). `codes` are
    those met, by label; `left_out` counts pairs around calculated values; `input_range` is what the one around the
    input itself can hold."""

    units = False
    left_out = 0
    input_range: tuple[float, float] | None = None

    @property
    def codes(self) -> dict[str, QuantisedWeights]:
        return self.__dict__.setdefault("_codes", {})

    def do_quantizelinear(self, x: Any, scale: Any, zero_point: Any = None, axis: int = 1, saturate: int = 1) -> Any:
        if not isinstance(x, (Affine, Outputs)) or isinstance(x, Affine) and x.constant:
            raise ExportError("unsupported-quantisation", "QuantizeLinear of a constant, expected weights that are "
                              "int8 already")
        step, zero = _one_scale(scale, zero_point)
        kind = "uint8" if zero_point is None else zero_point.const.dtype.name
        if kind not in CODE_TYPES:
            raise ExportError("unsupported-quantisation", f"QuantizeLinear to {kind}, expected int8 or uint8")
        low, high = (step * (end - zero) for end in CODE_TYPES[kind])
        if isinstance(x, Affine) and x.layer == 1 and _is_input(x):
            # int8 codes around 0 reach -128: the blob's own go as far as 127 each way.
            self.input_range = (-high, high) if kind == "int8" and zero == 0 else (low, high)
            if not SMALLEST_RANGE <= max(abs(low), abs(high)) <= LARGEST_RANGE:
                raise ExportError("range-out-of-limits", f"the input's quantisation reaches from {low:.3g} to "
                                  f"{high:.3g}, expected a magnitude of {SMALLEST_RANGE:.3g} .. {LARGEST_RANGE:.3g}")
        return Coded(x, step, zero)

    def do_dequantizelinear(self, x: Any, scale: Any, zero_point: Any = None, axis: int = 1) -> Any:
        if isinstance(x, Coded):
            if (x.scale, x.zero_point) != _one_scale(scale, zero_point):
                raise ExportError("unsupported-quantisation", "DequantizeLinear with another scale or zero point than "
                                  "its QuantizeLinear, expected the same")
            self.left_out += 1
            return x.value
        if not isinstance(x, Affine) or not x.constant or x.const.dtype.kind not in "iu" or not scale.constant:
            raise ExportError("unsupported-quantisation", "DequantizeLinear of a calculated value, expected a "
                              "constant, or QuantizeLinear just before it")
        zeros = np.zeros(scale.const.size) if zero_point is None else zero_point.const
        what = next(iter(x.labels), "a constant")
        if x.const.dtype == np.int32:  # a bias
            return _bias(what, x, scale.const, zeros)
        along = axis % max(1, x.const.ndim) if scale.const.ndim == 1 and scale.const.size > 1 else None
        weights = quantised_weights(what, x.const, scale.const, zeros, along)
        self.codes[what] = weights
        return Affine(weights.units() if self.units else weights.values(), labels=x.labels)


def _one_scale(scale: Any, zero_point: Any) -> tuple[float, int]:
    constants = [value for value in (scale, zero_point) if value is not None]
    if not all(isinstance(value, Affine) and value.constant and value.const.size == 1 for value in constants):
        raise ExportError("unsupported-quantisation", "a calculated value quantised with several scales, or with ones "
                          "that are no constants, expected one scale and one zero point")
    step = float(scale.const.item())
    if not step > 0:
        raise ExportError("unsupported-quantisation", f"the scale {step}, expected one above 0")
    return step, 0 if zero_point is None else int(zero_point.const.item())


def _bias(what: str, x: Affine, scale: np.ndarray, zeros: np.ndarray) -> Affine:
    if zeros.any() or scale.size not in (1, x.const.size):
        raise ExportError("unsupported-quantisation", f"{what} is int32 with {scale.size} scales and a zero point of "
                          f"{zeros.reshape(-1)[:1]}, expected a bias with zero point 0")
    return constant(x.const * scale.reshape(-1 if scale.size > 1 else ()), what)


def _is_input(x: Affine) -> bool:
    """Whether a value is nothing but elements of the input, each once at most and unscaled."""
    return not x.const.any() and all(
        ((array == 0) | (array == 1)).all() and (array.sum(axis=tuple(range(1, array.ndim))) <= 1).all()
        for array in x.terms.values())
