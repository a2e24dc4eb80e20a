# SPDX-License-Identifier: Apache-2.0
"""Values of a network as affine maps: how a tensor depends on the inputs (layer 1) or on hidden units (layer 2).

An array with one leading axis more than the tensor holds, for each variable, its coefficient in each element. So
every view, slice or concatenation acts on the coefficients as it acts on the tensor, and a matrix product by
constants is the same product of the coefficients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Callable

import numpy as np

from .errors import ExportError

# 512 MB of float64. A 4096-input model with three feature-weight vectors over one shared layer fits.
MAX_ELEMENTS = 1 << 26


@dataclass(eq=False)
class Basis:
    """A set of variables. For inputs `argument` is the position of the argument; for hidden units `source` is the
    affine map before the clamp to 0 .. clamp_high (flattened, one element a unit)."""

    size: int
    argument: int = -1
    source: "Affine | None" = None
    clamp_high: float = math.inf

    @property
    def hidden(self) -> bool:
        return self.source is not None


@dataclass(eq=False)
class Cell:
    """What views of one tensor share: how often it was changed in place."""

    version: int = 0


@dataclass(eq=False)
class Affine:
    """const [*shape] plus, for each basis, terms[basis] [basis.size, *shape]. Without terms it is a constant.

    `labels` are the names of the weights that went into it; `unit_of` is set while the value is exactly the hidden
    units of one basis, so that a second clamp can still be merged."""

    const: np.ndarray
    terms: dict[Basis, np.ndarray] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    unit_of: Basis | None = None
    cell: Cell = field(default_factory=Cell)
    version: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.const.shape

    @property
    def constant(self) -> bool:
        return not self.terms

    @property
    def layer(self) -> int:
        """0 for a constant, 1 for a map of inputs, 2 for a map of hidden units. Error: not-two-layer for both."""
        kinds = {basis.hidden for basis in self.terms}
        if len(kinds) == 2:
            raise ExportError("not-two-layer", "an output reads hidden units and, past them, inputs, expected "
                              "act(W2 clamp(W1 x))")
        return 0 if not kinds else 2 if kinds.pop() else 1

    def view(self, change: Callable[[np.ndarray], np.ndarray]) -> "Affine":
        """A value that shares this one's elements. `change` acts on arrays with one leading axis."""
        result = self.map(change)
        result.cell, result.version = self.cell, self.version
        return result

    def map(self, change: Callable[[np.ndarray], np.ndarray]) -> "Affine":
        terms = {basis: change(array) for basis, array in self.terms.items()}
        return Affine(change(self.const[None])[0], terms, self.labels)

    def copy_from(self, other: "Affine") -> None:
        """An operation in place: this value becomes `other`, and views of the old one become unusable."""
        self.const, self.terms, self.labels, self.unit_of = other.const, other.terms, other.labels, other.unit_of
        self.cell.version += 1
        self.version = self.cell.version


def check_size(shape: tuple[int, ...], variables: int) -> None:
    """Error: model-too-large, before anything of that size is allocated."""
    if math.prod(shape) * (variables + 1) > MAX_ELEMENTS:
        raise ExportError("model-too-large", f"a value of shape {list(shape)} over {variables} variables, expected "
                          f"at most {MAX_ELEMENTS} coefficients")


def variables(*values: Affine) -> int:
    return sum(basis.size for basis in {basis for value in values for basis in value.terms})


def constant(array: np.ndarray, label: str = "") -> Affine:
    return Affine(array, labels=frozenset([label]) if label else frozenset())


def identity(basis: Basis, shape: tuple[int, ...]) -> Affine:
    """The variables of a basis themselves, arranged in `shape`."""
    check_size(shape, basis.size)
    return Affine(np.zeros(shape), {basis: np.eye(basis.size).reshape(basis.size, *shape)})


def _aligned(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Coefficients [size, *old] broadcast to [size, *shape]."""
    padding = (1,) * (len(shape) - (array.ndim - 1))
    return np.broadcast_to(array.reshape(array.shape[:1] + padding + array.shape[1:]), array.shape[:1] + shape)


def add(a: Affine, b: Affine, factor: float = 1.0) -> Affine:
    """a + factor * b, broadcast."""
    shape = np.broadcast_shapes(a.shape, b.shape)
    check_size(shape, variables(a, b))
    terms = {basis: _aligned(array, shape) for basis, array in a.terms.items()}
    for basis, array in b.terms.items():
        scaled = factor * _aligned(array, shape)
        terms[basis] = terms[basis] + scaled if basis in terms else scaled
    return Affine(a.const + factor * b.const, terms, a.labels | b.labels)


def multiply(a: Affine, b: Affine) -> Affine:
    """a * b elementwise, broadcast; one of them is a constant."""
    if a.constant:
        a, b = b, a
    shape = np.broadcast_shapes(a.shape, b.shape)
    check_size(shape, variables(a))
    factor = np.broadcast_to(b.const, shape)
    terms = {basis: _aligned(array, shape) * factor for basis, array in a.terms.items()}
    return Affine(a.const * b.const, terms, a.labels | b.labels)


def matmul(a: Affine, b: Affine) -> Affine:
    """a @ b with torch's rules for 1-D and batched operands; one of them is a constant."""
    left, right = a.shape, b.shape
    wide_left = a if len(left) > 1 else a.map(lambda array: array[:, None, :])
    wide_right = b if len(right) > 1 else b.map(lambda array: array[:, :, None])
    batch = np.broadcast_shapes(wide_left.shape[:-2], wide_right.shape[:-2])
    shape = batch + (wide_left.shape[-2], wide_right.shape[-1])
    check_size(shape, variables(a, b))
    rank = len(shape)
    const = wide_left.const @ wide_right.const
    terms = {basis: _ranked(array, rank) @ wide_right.const for basis, array in wide_left.terms.items()}
    terms.update({basis: wide_left.const @ _ranked(array, rank) for basis, array in wide_right.terms.items()})
    result = Affine(const, terms, a.labels | b.labels)
    if len(left) == 1:
        result = result.map(lambda array: array[..., 0, :])
    return result.map(lambda array: array[..., 0]) if len(right) == 1 else result


def _ranked(array: np.ndarray, rank: int) -> np.ndarray:
    """Coefficients [size, *shape] with ones put before the shape, up to `rank` axes of it."""
    return array.reshape(array.shape[:1] + (1,) * (rank - (array.ndim - 1)) + array.shape[1:])


def concatenate(values: list[Affine], axis: int, join: Callable[..., np.ndarray] = np.concatenate) -> Affine:
    """torch.cat (or torch.stack, with join=np.stack) along a non-negative axis."""
    check_size((sum(math.prod(value.shape) for value in values),), variables(*values))
    bases = {basis: None for value in values for basis in value.terms}
    terms = {}
    for basis in bases:
        parts = [value.terms.get(basis, np.broadcast_to(0.0, (basis.size, *value.shape))) for value in values]
        terms[basis] = join(parts, axis=axis + 1)
    labels = frozenset().union(*(value.labels for value in values))
    return Affine(join([value.const for value in values], axis=axis), terms, labels)
