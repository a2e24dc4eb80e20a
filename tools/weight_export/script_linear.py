# SPDX-License-Identifier: Apache-2.0
"""The torch operations that keep a value affine: sums, products, joins."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import affine, closing
from .affine import Affine
from .budget import PRODUCTS_A_COEFFICIENT, Budget
from .closing import Exponential, ExponentialSum, Maximum, Outputs
from .errors import ExportError
from .shape_ops import SHAPE_OPERATIONS, axis_of, number
from .widths import UNKNOWN, Widths


class LinearOperations:
    """Bound to the widths and the budget of one evaluation. A method op_NAME carries out torch's NAME."""

    def __init__(self, widths: Widths, budget: Budget) -> None:
        self.widths = widths
        self.budget = budget

    def op_add(self, a: Any, b: Any, alpha: Any = 1) -> Any:
        if isinstance(a, list) and isinstance(b, list):
            self.budget.charge(len(a) + len(b))
            return a + b
        return self.sum_of(a, b, number(alpha))

    def op_sub(self, a: Any, b: Any, alpha: Any = 1) -> Any:
        if isinstance(b, Maximum) and isinstance(a, Affine):
            return closing.subtract_maximum(a, b, "sub")
        return self.sum_of(a, b, -number(alpha))

    def op_rsub(self, a: Any, b: Any, alpha: Any = 1) -> Any:
        return self.sum_of(b, a, -number(alpha))

    def sum_of(self, a: Any, b: Any, factor: float) -> Any:
        if plain(a, b):
            return a + factor * b
        a, b = as_affine(a), as_affine(b)
        return affine.add(a, b, factor) if self.aligned(a, b) else UNKNOWN

    def op_mul(self, a: Any, b: Any) -> Any:
        if plain(a, b):
            return a * b
        a, b = as_affine(a), as_affine(b)
        if not a.constant and not b.constant:
            raise ExportError("not-two-layer", "mul of two values that both depend on the input, expected a constant")
        return affine.multiply(a, b) if self.aligned(a, b) else UNKNOWN

    def op_div(self, a: Any, b: Any, rounding_mode: Any = None) -> Any:
        if isinstance(a, Exponential) and isinstance(b, ExponentialSum):
            return closing.divide_by_sum(a, b, "div")
        if plain(a, b):
            return a / b if rounding_mode is None else a // b
        b = as_affine(b)
        if not b.constant or rounding_mode is not None:
            raise ExportError("not-two-layer", "div by a value that depends on the input, expected a constant")
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.op_mul(a, Affine(1.0 / b.const, labels=b.labels))

    def op_neg(self, a: Any) -> Any:
        return -a if plain(a) else self.op_mul(a, -1.0)

    def aligned(self, a: Affine, b: Affine) -> bool:
        """Let a constant operand tell an open width along the last axis."""
        for value, other in ((a, b), (b, a)):
            if other.constant and value.shape and other.shape and other.shape[-1] > 1:
                if not self.widths.meet(value, -1, other.shape[-1]):
                    return False
        return True

    def op_matmul(self, a: Affine, b: Affine) -> Any:
        a, b = as_affine(a), as_affine(b)
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
        rows, columns = (left[-2] if len(left) > 1 else 1), (right[-1] if len(right) > 1 else 1)
        products = max(math.prod(left) * columns, math.prod(right) * rows) * (affine.variables(a, b) + 1)
        self.budget.charge_work(products // PRODUCTS_A_COEFFICIENT)
        return affine.matmul(a, b)

    op_mm = op_bmm = op_mv = op_dot = op_matmul

    def op_linear(self, x: Affine, weight: Affine, bias: Affine | None = None) -> Any:
        product = self.op_matmul(x, SHAPE_OPERATIONS["t"](as_affine(weight)))
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


def plain(*values: Any) -> bool:
    return all(isinstance(value, (int, float)) for value in values)


def as_affine(value: Any) -> Affine:
    if isinstance(value, Affine):
        return value
    if plain(value):
        return Affine(np.array(float(value)))
    what = "a finished output (after softmax)" if isinstance(value, Outputs) else f"a {type(value).__name__}"
    raise ExportError("not-two-layer", f"an operation on {what}, expected act(W2 clamp(W1 x)) and nothing after it")
