# SPDX-License-Identifier: Apache-2.0
"""The torch operations a network may use, by name, on affine values."""

from __future__ import annotations

import math
from typing import Any, Callable

import numpy as np

from . import closing
from .affine import Affine
from .closing import Exponential, ExponentialSum, Maximum, Shifted
from .errors import ExportError
from .script_linear import LinearOperations, as_affine
from .shape_ops import SHAPE_OPERATIONS, axis_of, number, reshape, whole
from .widths import UNKNOWN

ACTIVATIONS = {"sigmoid", "tanh", "gelu", "elu", "selu", "celu", "leaky_relu", "rrelu", "prelu", "silu", "mish",
               "hardswish", "hardsigmoid", "softplus", "softsign", "log_softmax", "softmin", "logsigmoid", "threshold",
               "tanhshrink", "softshrink", "hardshrink", "glu", "sin", "cos", "square", "sqrt", "log", "pow", "abs"}
FLOAT_TYPES = (None, 6, 7)  # torch's numbers for float32 and float64


class Operations(LinearOperations):
    """Every operation. `call` is the one entry."""

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
        if plain not in SHAPE_OPERATIONS:  # those read only what they give
            self.budget.charge_tensors(arguments)
            self.budget.charge_tensors(list(named.values()))
        result = handler(*arguments, **named)
        self.budget.charge_tensors(result)
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

    # What closes a layer.

    def op_clamp(self, value: Any, min: Any = None, max: Any = None) -> Any:  # noqa: A002  torch's own names
        low, high = (None if bound is None else number(bound) for bound in (min, max))
        return closing.clamp(as_affine(value), low, high, "clamp")

    op_clip = op_clamp

    def op_clamp_min(self, value: Any, min: Any) -> Any:  # noqa: A002
        return self.op_clamp(value, min)

    def op_clamp_max(self, value: Any, max: Any) -> Any:  # noqa: A002
        return self.op_clamp(value, None, max)

    def op_relu(self, value: Any) -> Any:
        return closing.clamp(as_affine(value), 0, None, "relu")

    def op_relu6(self, value: Any) -> Any:
        return closing.clamp(as_affine(value), 0, 6, "relu6")

    def op_hardtanh(self, value: Any, min_val: Any = -1, max_val: Any = 1) -> Any:
        return closing.clamp(as_affine(value), number(min_val), number(max_val), "hardtanh")

    def op_softmax(self, value: Any, dim: Any, dtype: Any = None) -> Any:
        return closing.softmax(as_affine(value), axis_of(value, dim), "softmax")

    op__softmax = op_softmax

    def op_max(self, value: Any, dim: Any = None, keepdim: Any = False) -> Any:
        if isinstance(dim, Affine):
            raise ExportError("unsupported-operation", "max of two values, expected the maximum of a softmax")
        if dim is None:
            return Maximum(as_affine(value), None, False)
        return Maximum(as_affine(value), axis_of(value, dim), bool(keepdim)), None

    def op_amax(self, value: Any, dim: Any = (), keepdim: Any = False) -> Any:
        return Maximum(as_affine(value), _one_axis(value, dim), bool(keepdim))

    def op_exp(self, value: Any) -> Any:
        if isinstance(value, Shifted):
            return Exponential(value.value, value.shift)
        closing.require_layer2(as_affine(value), "exp")
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
        return as_affine(value).map(lambda array: array.sum(axis=places, keepdims=bool(keepdim)))

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


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _one_axis(value: Affine, dim: Any) -> int | None:
    """The axis of a reduction; None for all of them."""
    dims = [] if dim is None else _list(dim)
    if len(dims) > 1:
        raise ExportError("not-two-layer", f"a reduction over dimensions {dims}, expected one")
    return axis_of(value, dims[0]) if dims else None
