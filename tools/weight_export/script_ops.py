# SPDX-License-Identifier: Apache-2.0
"""The torch operations a network may use, by name, on affine values."""

from __future__ import annotations

import math
from typing import Any, Callable

import numpy as np

from . import affine, closing
from .affine import Affine
from .closing import Exponential, ExponentialSum, Maximum, Outputs, Shifted
from .errors import ExportError
from .shape_ops import SHAPE_OPERATIONS, axis_of, number, reshape, whole
from .widths import UNKNOWN, Widths

ACTIVATIONS = {"sigmoid", "tanh", "gelu", "elu", "selu", "celu", "leaky_relu", "rrelu", "prelu", "silu", "mish",
               "hardswish", "hardsigmoid", "softplus", "softsign", "log_softmax", "softmin", "logsigmoid", "threshold",
               "tanhshrink", "softshrink", "hardshrink", "glu", "sin", "cos", "square", "sqrt", "log", "pow", "abs"}
FLOAT_TYPES = (None, 6, 7)  # torch's numbers for float32 and float64


class Operations:
    """Bound to the widths of one evaluation. `call` is the one entry."""

    def __init__(self, widths: Widths) -> None:
        self.widths = widths

    def call(self, name: str, arguments: list[Any], named: dict[str, Any]) -> Any:
        """Carry out torch operation `name`. A trailing underscore means in place. Errors: any of a network's."""
        in_place = name.endswith("_") and not name.endswith("__")
        plain = name.rstrip("_") if in_place else name
        if plain in SHAPE_OPERATIONS:
            handler = self.shape(SHAPE_OPERATIONS[plain])
        else:
            handler = getattr(self, "op_" + plain, None)
        if handler is None:
            kind = "unsupported-activation" if plain in ACTIVATIONS else "unsupported-operation"
            expected = "clamp, ReLU, softmax" if plain in ACTIVATIONS else "an operation of a two-layer network"
            raise ExportError(kind, f"{name}, expected {expected}")
        result = handler(*arguments, **named)
        if in_place and isinstance(arguments[0], Affine) and isinstance(result, Affine):
            arguments[0].copy_from(result)
            return arguments[0]
        return result

    def shape(self, change: Callable[..., Any]) -> Callable[..., Any]:
        """A reshaping of a value whose width is open either tells the width or has to wait for it."""
        def handler(value: Any, *rest: Any, **named: Any) -> Any:
            if change is reshape and isinstance(value, Affine) and self.widths.open_bases(value):
                wanted = [whole(size) for size in (rest[0] if rest else named["size"])]
                fixed = math.prod(size for size in wanted if size != -1)
                # A leading -1 stands for the batch of one where it cannot stand for anything else.
                if -1 not in wanted or wanted[0] == -1 and math.prod(value.shape) % fixed:
                    if not self.widths.meet(reshape(value, [-1]), 0, fixed):
                        return UNKNOWN
                elif math.prod(value.shape) % fixed:
                    return UNKNOWN
            return change(value, *rest, **named)
        return handler

    # Sums and products.

    def op_add(self, a: Any, b: Any, alpha: Any = 1) -> Any:
        if isinstance(a, list) and isinstance(b, list):
            return a + b
        return self.sum_of(a, b, number(alpha))

    def op_sub(self, a: Any, b: Any, alpha: Any = 1) -> Any:
        if isinstance(b, Maximum) and isinstance(a, Affine):
            return closing.subtract_maximum(a, b, "sub")
        return self.sum_of(a, b, -number(alpha))

    def op_rsub(self, a: Any, b: Any, alpha: Any = 1) -> Any:
        return self.sum_of(b, a, -number(alpha))

    def sum_of(self, a: Any, b: Any, factor: float) -> Any:
        if _plain(a, b):
            return a + factor * b
        a, b = _affine(a), _affine(b)
        return affine.add(a, b, factor) if self.aligned(a, b) else UNKNOWN

    def op_mul(self, a: Any, b: Any) -> Any:
        if _plain(a, b):
            return a * b
        a, b = _affine(a), _affine(b)
        if not a.constant and not b.constant:
            raise ExportError("not-two-layer", "mul of two values that both depend on the input, expected a constant")
        return affine.multiply(a, b) if self.aligned(a, b) else UNKNOWN

    def op_div(self, a: Any, b: Any, rounding_mode: Any = None) -> Any:
        if isinstance(a, Exponential) and isinstance(b, ExponentialSum):
            return closing.divide_by_sum(a, b, "div")
        if _plain(a, b):
            return a / b if rounding_mode is None else a // b
        b = _affine(b)
        if not b.constant or rounding_mode is not None:
            raise ExportError("not-two-layer", "div by a value that depends on the input, expected a constant")
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.op_mul(a, Affine(1.0 / b.const, labels=b.labels))

    def op_neg(self, a: Any) -> Any:
        return -a if _plain(a) else self.op_mul(a, -1.0)

    def aligned(self, a: Affine, b: Affine) -> bool:
        """Let a constant operand tell an open width along the last axis."""
        for value, other in ((a, b), (b, a)):
            if other.constant and value.shape and other.shape and other.shape[-1] > 1:
                if not self.widths.meet(value, -1, other.shape[-1]):
                    return False
        return True

    def op_matmul(self, a: Affine, b: Affine) -> Any:
        a, b = _affine(a), _affine(b)
        if not a.constant and not b.constant:
            raise ExportError("not-two-layer", "matmul of two values that both depend on the input, expected a "
                              "constant")
        left, right = a.shape, b.shape
        if not left or not right:
            raise ExportError("wrong-shape", f"matmul of {list(left)} and {list(right)}, expected no scalar")
        inner = -2 if len(right) > 1 else -1
        known = self.widths.meet(a, -1, right[inner]) if b.constant else self.widths.meet(b, inner, left[-1])
        if not known:
            return UNKNOWN
        if left[-1] != right[inner]:
            raise ExportError("wrong-shape", f"matmul of {list(left)} and {list(right)}, expected {left[-1]} and "
                              f"{right[inner]} to be equal")
        return affine.matmul(a, b)

    op_mm = op_bmm = op_mv = op_dot = op_matmul

    def op_linear(self, x: Affine, weight: Affine, bias: Affine | None = None) -> Any:
        product = self.op_matmul(x, SHAPE_OPERATIONS["t"](_affine(weight)))
        return product if bias is None or product is UNKNOWN else self.op_add(product, bias)

    def op_addmm(self, bias: Any, a: Any, b: Any, beta: Any = 1, alpha: Any = 1) -> Any:
        product = self.op_matmul(a, b)
        if product is UNKNOWN:
            return product
        return self.op_add(self.op_mul(product, number(alpha)), self.op_mul(bias, number(beta)))

    def op_cat(self, values: list[Any], dim: Any = 0) -> Any:
        axis = axis_of(values[0], dim)
        if all(isinstance(value, Affine) for value in values):
            return affine.concatenate(values, axis)
        return closing.join_outputs(values, axis, np.concatenate)

    op_concat = op_concatenate = op_cat

    def op_stack(self, values: list[Any], dim: Any = 0) -> Any:
        axis = axis_of(values[0], dim, 1)
        if all(isinstance(value, Affine) for value in values):
            return affine.concatenate(values, axis, np.stack)
        return closing.join_outputs(values, axis, np.stack)

    # What closes a layer.

    def op_clamp(self, value: Any, min: Any = None, max: Any = None) -> Any:  # noqa: A002  torch's own names
        low, high = (None if bound is None else number(bound) for bound in (min, max))
        return closing.clamp(_affine(value), low, high, "clamp")

    op_clip = op_clamp

    def op_clamp_min(self, value: Any, min: Any) -> Any:  # noqa: A002
        return self.op_clamp(value, min)

    def op_clamp_max(self, value: Any, max: Any) -> Any:  # noqa: A002
        return self.op_clamp(value, None, max)

    def op_relu(self, value: Any) -> Any:
        return closing.clamp(_affine(value), 0, None, "relu")

    def op_relu6(self, value: Any) -> Any:
        return closing.clamp(_affine(value), 0, 6, "relu6")

    def op_hardtanh(self, value: Any, min_val: Any = -1, max_val: Any = 1) -> Any:
        return closing.clamp(_affine(value), number(min_val), number(max_val), "hardtanh")

    def op_softmax(self, value: Any, dim: Any, dtype: Any = None) -> Any:
        return closing.softmax(_affine(value), axis_of(value, dim), "softmax")

    op__softmax = op_softmax

    def op_max(self, value: Any, dim: Any = None, keepdim: Any = False) -> Any:
        if isinstance(dim, Affine):
            raise ExportError("unsupported-operation", "max of two values, expected the maximum of a softmax")
        if dim is None:
            return Maximum(_affine(value), None, False)
        return Maximum(_affine(value), axis_of(value, dim), bool(keepdim)), None

    def op_amax(self, value: Any, dim: Any = (), keepdim: Any = False) -> Any:
        return Maximum(_affine(value), _one_axis(value, dim), bool(keepdim))

    def op_exp(self, value: Any) -> Any:
        if isinstance(value, Shifted):
            return Exponential(value.value, value.shift)
        closing.require_layer2(_affine(value), "exp")
        return Exponential(value)

    def op_sum(self, value: Any, dim: Any = None, keepdim: Any = False, dtype: Any = None) -> Any:
        if isinstance(value, Exponential):
            axis = _one_axis(value.value, dim)
            if axis is None and max(value.value.shape, default=1) == math.prod(value.value.shape):
                axis, keepdim = int(np.argmax(value.value.shape)), True
            if axis is None:
                raise ExportError("not-two-layer", "sum of exponentials over all axes, expected one axis")
            return ExponentialSum(value, axis, bool(keepdim))
        axes = [axis_of(value, d) for d in (range(len(value.shape)) if not dim and dim != 0 else _list(dim))]
        places = tuple(axis + 1 for axis in axes)
        return _affine(value).map(lambda array: array.sum(axis=places, keepdims=bool(keepdim)))

    # What changes nothing here.

    def same(self, value: Any, *_: Any, **__: Any) -> Any:
        return value

    op_detach = op_contiguous = op_clone = op_alias = op_cpu = op_requires_grad = op_float = op_type_as = same

    def op_to(self, value: Any, *arguments: Any, **named: Any) -> Any:
        kinds = [a for a in arguments if isinstance(a, int) and not isinstance(a, bool)]
        kinds += [a for key, a in named.items() if key == "dtype"]
        if any(kind not in FLOAT_TYPES for kind in kinds):
            raise ExportError("unsupported-operation", f"to element type {kinds[0]}, expected float32")
        return value

    def op_dropout(self, value: Any, p: Any = 0.5, train: Any = False) -> Any:
        if train:
            raise ExportError("training-mode", "dropout is active, expected a module saved after .eval()")
        return value

    op_feature_dropout = op_alpha_dropout = op_dropout


def _plain(*values: Any) -> bool:
    return all(isinstance(value, (int, float)) for value in values)


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _one_axis(value: Affine, dim: Any) -> int | None:
    """The axis of a reduction; None for all of them."""
    dims = [] if dim is None else _list(dim)
    if len(dims) > 1:
        raise ExportError("not-two-layer", f"a reduction over dimensions {dims}, expected one")
    return axis_of(value, dims[0]) if dims else None


def _affine(value: Any) -> Affine:
    if isinstance(value, Affine):
        return value
    if _plain(value):
        return Affine(np.array(float(value)))
    what = "a finished output (after softmax)" if isinstance(value, Outputs) else f"a {type(value).__name__}"
    raise ExportError("not-two-layer", f"an operation on {what}, expected act(W2 clamp(W1 x)) and nothing after it")
