# SPDX-License-Identifier: Apache-2.0
"""The ONNX operations that move elements or tell sizes. Whole numbers (sizes, axes, indices) are constants of an
integer type, and numpy calculates with them."""

from __future__ import annotations

import math
from typing import Any, Callable

import numpy as np

from .affine import Affine, check_size, constant
from .budget import Budget
from .errors import ExportError
from .model import check_finite
from .script_ops import Operations
from .onnx_reader import Node

FLOATS = (1, 10, 11, 16)  # onnx.proto's numbers of element types
INTEGERS = {6: np.int64, 7: np.int64, 9: np.bool_}
WHOLE: dict[str, Callable[..., np.ndarray]] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.floor_divide, "Equal": np.equal,
    "Max": np.maximum, "Min": np.minimum}


def is_whole(value: Any) -> bool:
    return isinstance(value, Affine) and value.constant and value.const.dtype.kind in "iub"


def whole_arithmetic(operation: str, a: Affine, b: Affine) -> Affine:
    """Error: wrong-shape for a division by 0."""
    if operation == "Div" and (b.const == 0).any():
        raise ExportError("wrong-shape", "a division of sizes by 0, expected another divisor")
    check_size(np.broadcast_shapes(a.shape, b.shape), 0)
    with np.errstate(over="ignore"):
        return Affine(np.asarray(WHOLE[operation](a.const.astype(np.int64), b.const.astype(np.int64))))


def whole_list(value: Any) -> list[int]:
    """The numbers of an attribute or a constant: axes, sizes or bounds. Errors: not-two-layer, wrong-shape."""
    if isinstance(value, list):
        return value
    if not isinstance(value, Affine) or not value.constant:
        raise ExportError("not-two-layer", "sizes or axes that depend on the input, expected constants")
    if value.const.dtype.kind not in "iu" or value.const.ndim > 1:
        raise ExportError("wrong-shape", f"sizes or axes of type {value.const.dtype} and shape {list(value.shape)}, "
                          "expected a list of whole numbers")
    return [int(n) for n in value.const.reshape(-1)]


class ShapeOperations:
    """Bound to one evaluation. `node` is the one that is carried out; `doubles` tells whether weights are float64."""

    def __init__(self, operations: Operations, opset: int) -> None:
        self.operations = operations
        self.opset = opset
        self.node = Node()
        self.doubles = False

    @property
    def budget(self) -> Budget:
        return self.operations.budget

    def torch(self, name: str, *arguments: Any, **named: Any) -> Any:
        return self.operations.call(name, list(arguments), named)

    def lift(self, array: np.ndarray, label: str) -> Affine:
        """A weight or constant as a value; floats become float64, whole numbers keep their type."""
        self.budget.charge_work(array.size)
        if array.dtype.kind != "f":
            return constant(array, label)
        check_finite(label or "a constant", array)
        self.doubles |= array.dtype == np.float64 and array.size > 1
        return constant(array.astype(np.float64), label)

    def do_concat(self, *values: Any, axis: int = 1) -> Any:
        return self.torch("cat", list(values), axis)

    def do_reshape(self, x: Any, sizes: Any, allowzero: int = 0) -> Any:
        wanted = whole_list(sizes)
        if not allowzero:
            wanted = [x.shape[i] if size == 0 and i < len(x.shape) else size for i, size in enumerate(wanted)]
        return self.torch("reshape", x, wanted)

    def do_flatten(self, x: Any, axis: int = 1) -> Any:
        rank = len(x.shape)
        first = axis + rank if axis < 0 else axis
        if not 0 <= first <= rank:
            raise ExportError("wrong-shape", f"Flatten at axis {axis} of {list(x.shape)}, expected it inside")
        return self.torch("reshape", x, [math.prod(x.shape[:first]), math.prod(x.shape[first:])])

    def do_transpose(self, x: Any, perm: list[int] | None = None) -> Any:
        return self.torch("permute", x, list(range(len(x.shape)))[::-1] if perm is None else perm)

    def do_squeeze(self, x: Any, listed: Any = None, axes: list[int] | None = None) -> Any:
        if listed is None and axes is None:
            return self.torch("squeeze", x)
        rank = len(x.shape)
        for axis in sorted((a % rank for a in whole_list(axes if listed is None else listed)), reverse=True):
            x = self.torch("squeeze", x, axis)
        return x

    def do_unsqueeze(self, x: Any, listed: Any = None, axes: list[int] | None = None) -> Any:
        added = whole_list(axes if listed is None else listed)
        if len(added) > 1:
            rank = len(x.shape) + len(added)
            added = sorted(a % rank for a in added)
        for axis in added:
            x = self.torch("unsqueeze", x, axis)
        return x

    def do_slice(self, x: Any, first: Any = None, last: Any = None, along: Any = None, steps: Any = None,
                 starts: list[int] | None = None, ends: list[int] | None = None, axes: list[int] | None = None) -> Any:
        begin, end = whole_list(starts if first is None else first), whole_list(ends if last is None else last)
        places = axes if along is None else whole_list(along)
        strides = [1] * len(begin) if steps is None else whole_list(steps)
        for dim, low, high, step in zip(places or range(len(begin)), begin, end, strides, strict=True):
            x = self.torch("slice", x, dim, low, high, step)
        return x

    def do_gather(self, x: Any, indices: Any, axis: int = 0) -> Any:
        places = whole_list(indices)
        return self.torch("index_select", x, axis, indices) if indices.shape else self.torch("select", x, axis,
                                                                                             places[0])

    def do_split(self, x: Any, sizes: Any = None, split: list[int] | None = None, axis: int = 0,
                 num_outputs: int = 0) -> list[Any]:
        if sizes is not None or split is not None:
            return self.torch("split", x, whole_list(split if sizes is None else sizes), axis)
        return self.torch("chunk", x, num_outputs or len(self.node.outputs), axis)

    def do_expand(self, x: Any, sizes: Any) -> Any:
        return self.torch("expand", x, list(np.broadcast_shapes(tuple(x.shape), tuple(whole_list(sizes)))))

    def do_tile(self, x: Any, repeats: Any) -> Any:
        return self.torch("repeat", x, whole_list(repeats))

    # Sizes and constants.

    def do_shape(self, x: Any, start: int = 0, end: int | None = None) -> Any:
        return Affine(np.array(x.shape[start:end], np.int64))

    def do_constantofshape(self, sizes: Any, value: np.ndarray | None = None) -> Any:
        shape = whole_list(sizes)
        if min(shape, default=0) < 0:
            raise ExportError("wrong-shape", f"a constant of shape {shape}, expected no negative size")
        check_size(tuple(shape), 0)
        fill = np.zeros(1) if value is None else value.reshape(-1)[:1]
        return self.lift(np.broadcast_to(fill, shape), "")

    def do_constant(self, value: Any = None, value_float: Any = None, value_int: Any = None, value_floats: Any = None,
                    value_ints: Any = None) -> Any:
        seen = [item for item in (value, value_float, value_int, value_floats, value_ints) if item is not None]
        if len(seen) != 1:
            raise ExportError("unsupported-operation", "a Constant of another kind, expected numbers")
        return self.lift(np.asarray(seen[0]), "onnx::" + self.node.outputs[0])

    def do_cast(self, x: Any, to: int = 0, saturate: int = 1) -> Any:
        if to in FLOATS:
            return Affine(x.const.astype(np.float64), labels=x.labels) if is_whole(x) else x
        if to not in INTEGERS or not isinstance(x, Affine) or not x.constant:
            raise ExportError("unsupported-operation", f"Cast to element type {to}, expected a float")
        return Affine(x.const.astype(INTEGERS[to]), labels=x.labels)

    def do_where(self, condition: Any, a: Any, b: Any) -> Any:
        if not all(map(is_whole, (condition, a, b))):
            raise ExportError("not-two-layer", "Where of values that are no sizes, expected act(W2 clamp(W1 x))")
        check_size(np.broadcast_shapes(condition.shape, a.shape, b.shape), 0)
        return Affine(np.where(condition.const, a.const, b.const))

    def do_equal(self, a: Any, b: Any) -> Any:
        raise ExportError("not-two-layer", "Equal of values that are no sizes, expected act(W2 clamp(W1 x))")
