# SPDX-License-Identifier: Apache-2.0
"""How much work one evaluation of a network may be. A few KB of code can name lists of 2^40 items or thousands of
operations on huge tensors, so counting statements does not bound the time: what each of them handles is counted too.
"""

from __future__ import annotations

import math
from typing import Any

from .affine import Affine
from .closing import Outputs
from .errors import ExportError

# A network of sixteen heads takes about 400 statements and calls.
MAX_STEPS = 20_000
# Expressions evaluated and list items handled. The same network takes about 4,000.
MAX_ITEMS = 1 << 18
# Coefficients that tensor operations read or make. A network of 4096 inputs and 8192 lanes takes about 2^29.5.
MAX_WORK = 1 << 31
# A multiply-add inside a matrix product is this much cheaper than a coefficient in memory.
PRODUCTS_A_COEFFICIENT = 256
# torch's own modules return tuples of lists at most.
MAX_NESTING = 8
# TorchScript's integers have 64 bits.
INTEGER_LIMIT = 1 << 63


class Budget:
    """What one evaluation has used. Every charge raises too-many-steps once its limit is passed."""

    def __init__(self) -> None:
        self.steps = 0
        self.items = 0
        self.work = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise ExportError("too-many-steps", f"more than {MAX_STEPS} statements, expected a network")

    def charge(self, items: int) -> None:
        """To be called before the items are made."""
        self.items += items
        if self.items > MAX_ITEMS:
            raise ExportError("too-many-steps", f"more than {MAX_ITEMS} expressions and list items, expected a network")

    def charge_work(self, coefficients: int) -> None:
        self.work += coefficients
        if self.work > MAX_WORK:
            raise ExportError("too-many-steps", f"more than {MAX_WORK} coefficients in all operations, expected a "
                              "network")

    def charge_nested(self, length: int, depth: int) -> None:
        """A list or dict of `length` items inside `depth` others."""
        if depth >= MAX_NESTING:
            raise ExportError("too-many-steps", f"lists nested more than {MAX_NESTING} deep, expected a network")
        self.charge(length)

    def visit(self, value: Any, depth: int = 0) -> None:
        """Charge every item of a nested value, so that walking it again (a comparison, say) is bounded as well."""
        if isinstance(value, (list, tuple, dict)):
            self.charge_nested(len(value), depth)
            for item in value.values() if isinstance(value, dict) else value:
                self.visit(item, depth + 1)

    def charge_tensors(self, value: Any) -> None:
        """The coefficients of a tensor, or of the tensors of a list."""
        if isinstance(value, (list, tuple)):
            for item in value:
                self.charge_tensors(item)
        elif isinstance(value, Affine):
            self.charge_work(math.prod(value.shape) * (1 + sum(basis.size for basis in value.terms)))
        elif isinstance(value, Outputs):
            self.charge_work(math.prod(value.shape))


def check_count(count: int) -> None:
    """Before a tensor is taken apart into `count` others."""
    if count > MAX_STEPS:
        raise ExportError("too-many-steps", f"a list of {count} tensors, expected at most {MAX_STEPS}")


def check_integer(value: Any) -> Any:
    """`value`, unless it is an integer that torch could not hold. Without a limit, squaring doubles its digits."""
    if isinstance(value, int) and not -INTEGER_LIMIT <= value < INTEGER_LIMIT:
        raise OverflowError("an integer past 64 bits")
    return value
