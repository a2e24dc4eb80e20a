# SPDX-License-Identifier: Apache-2.0
"""What TorchScript code does with numbers, lists and sizes; everything else goes on to the tensor operations."""

from __future__ import annotations

import math
import operator
from typing import Any

from .affine import Affine
from .budget import check_integer
from .closing import Outputs
from .errors import ExportError
from .script_ops import Operations
from .shape_ops import number
from .widths import UNKNOWN, Unknown

COMPARISONS = {"eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le, "gt": operator.gt,
               "ge": operator.ge, "__is__": operator.is_, "__isnot__": operator.is_not}
INTEGER = {"floordiv": operator.floordiv, "floor_divide": operator.floordiv, "remainder": operator.mod}


def truth(value: Any) -> bool:
    """A condition. Error: not-two-layer where it depends on the input."""
    if isinstance(value, Affine):
        return bool(number(value))
    if not isinstance(value, (bool, int)):
        raise ExportError("not-two-layer", "a branch that depends on the input, expected one fixed at export")
    return bool(value)


class Builtins:
    """Named operations of one evaluation: a method do_NAME, or else one of `operations`."""

    def __init__(self, operations: Operations) -> None:
        self.operations = operations
        self.budget = operations.budget

    def call(self, dotted: str, arguments: list[Any], named: dict[str, Any]) -> Any:
        """Carry out `torch.NAME`, `ops.prim.NAME` or a bare NAME. Errors: any of a network's."""
        self.budget.visit(arguments)
        self.budget.visit(named)
        return check_integer(self.carry_out(dotted, arguments, named))

    def carry_out(self, dotted: str, arguments: list[Any], named: dict[str, Any]) -> Any:
        namespace, _, name = dotted.rpartition(".")
        if name in ("annotate", "unchecked_cast") and not namespace:
            return arguments[1]
        handler = getattr(self, "do_" + name, None)
        if any(_is_unknown(argument) for argument in arguments) and name not in ("append", "_set_item"):
            return UNKNOWN
        for argument in arguments:
            _check_fresh(argument)
        if name in COMPARISONS:
            return COMPARISONS[name](*(_python(argument) for argument in arguments))
        if name in INTEGER:
            return INTEGER[name](*(number(argument) for argument in arguments))
        if handler is not None and not named:
            return handler(*arguments)
        return self.operations.call(name, arguments, named)

    # Operations on lists, sizes and numbers.

    def do_append(self, items: list[Any], item: Any) -> list[Any]:
        items.append(item)
        return items

    def do__set_item(self, target: Any, key: Any, value: Any) -> Any:
        target[key] = value
        return target

    def do_size(self, value: Any, dim: int | None = None) -> Any:
        return list(value.shape) if dim is None else value.shape[dim]

    def do_dim(self, value: Any) -> int:
        return len(value.shape)

    def do_numel(self, value: Any) -> int:
        return math.prod(value.shape)

    def do_len(self, value: Any) -> int:
        return value.shape[0] if isinstance(value, (Affine, Outputs)) else len(value)

    def do_range(self, *bounds: Any) -> range:
        numbers = range(*(int(number(bound)) for bound in bounds))
        self.budget.charge(len(numbers))
        return numbers

    def do_NumToTensor(self, value: Any) -> Any:  # noqa: N802  torch's own name
        return value

    def do_int(self, value: Any) -> int:
        return int(number(value))

    def do_float(self, value: Any) -> Any:
        return float(number(value)) if isinstance(value, (int, float)) else value

    def do_bool(self, value: Any) -> bool:
        return truth(value)

    def do_uninitialized(self, _: Any) -> None:
        return None

    def do_format(self, *_: Any) -> str:
        return ""

    def do_warn(self, *_: Any) -> None:
        return None

    def do_device(self, *_: Any) -> None:
        return None

    def do___not__(self, value: Any) -> bool:
        return not truth(value)

    def do_RaiseException(self, *_: Any) -> None:  # noqa: N802
        raise ExportError("not-two-layer", "the network raises an exception for its own input, expected none")


def _python(value: Any) -> Any:
    return number(value) if isinstance(value, Affine) else value


def _is_unknown(value: Any) -> bool:
    return isinstance(value, Unknown) or isinstance(value, (list, tuple)) and any(map(_is_unknown, value))


def _check_fresh(value: Any) -> None:
    """Refuse a view of something that was changed in place after the view was taken: its elements changed too."""
    for item in value if isinstance(value, (list, tuple)) else [value]:
        if isinstance(item, (Affine, Outputs)) and item.version != item.cell.version:
            raise ExportError("unsupported-operation", "a view of a value changed in place is used, expected "
                              "operations that are not in place")
