# SPDX-License-Identifier: Apache-2.0
"""The operations that close a layer: clamp and ReLU the first, softmax (also spelled out) the second."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .affine import Affine, Basis, Cell, check_size, identity
from .errors import ExportError


# The format has at most 1024 outputs; a network may cut them out of more.
MAX_OUTPUT_ELEMENTS = 1 << 16


@dataclass(eq=False)
class Group:
    """Outputs that belong together: `logits` flat [n]. A softmax runs over all of them."""

    logits: Affine
    activation: str


@dataclass(eq=False)
class Outputs:
    """A tensor of finished outputs: ids [*shape] index `elements`, pairs of (group, place in the group)."""

    ids: np.ndarray
    elements: list[tuple[Group, int]]
    cell: Cell = field(default_factory=Cell)
    version: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.ids.shape

    def view(self, change: Any) -> "Outputs":
        return Outputs(change(self.ids[None])[0], self.elements)


@dataclass(eq=False)
class Maximum:
    """max(value) over `axis` (None: over everything)."""

    value: Affine
    axis: int | None
    kept: bool


@dataclass(eq=False)
class Exponential:
    """exp(value - m), with an m that softmax does not depend on."""

    value: Affine
    shift: Maximum | None = None


@dataclass(eq=False)
class Shifted:
    """value - max(value)."""

    value: Affine
    shift: Maximum


@dataclass(eq=False)
class ExponentialSum:
    terms: Exponential
    axis: int
    kept: bool


def clamp(value: Affine, low: float | None, high: float | None, operation: str) -> Affine:
    """Close layer 1: the result's elements are new hidden units. Errors: unsupported-clamp, three-layers."""
    bound = math.inf if high is None else float(high)
    if value.constant:
        return Affine(np.clip(value.const, low, high), labels=value.labels)
    if value.unit_of is not None and (low is None or low <= 0):
        # relu, then clamp to at most c: one clamp to 0 .. c.
        return _hidden_units(value.unit_of.source, min(value.unit_of.clamp_high, bound), value.shape, value.labels)
    if value.layer == 2:
        raise ExportError("three-layers", f"{operation} on the output of layer 2, expected a network of two layers")
    if low is None or low != 0 or not bound > 0:
        raise ExportError("unsupported-clamp", f"{operation} to {low} .. {high}, expected 0 and a bound above 0, or "
                          "no upper bound")
    size = math.prod(value.shape)
    check_size((size,), size)
    flat = value.map(lambda array: array.reshape(len(array), size))
    return _hidden_units(flat, bound, value.shape, value.labels)


def _hidden_units(source: Affine, high: float, shape: tuple[int, ...], labels: frozenset[str]) -> Affine:
    basis = Basis(source.shape[0], source=source, clamp_high=high)
    units = identity(basis, shape)
    units.labels, units.unit_of = labels, basis
    return units


def require_layer2(value: Affine, operation: str) -> None:
    """Error: one-layer, unless the value is a map of hidden units."""
    if value.layer != 2:
        raise ExportError("one-layer", f"{operation} on a value that went through no clamp or ReLU, expected two "
                          "layers")


def _check_outputs(count: int) -> None:
    """Each output is a Python object from here on. Error: model-too-large."""
    if count > MAX_OUTPUT_ELEMENTS:
        raise ExportError("model-too-large", f"{count} outputs, expected at most {MAX_OUTPUT_ELEMENTS}")


def softmax(value: Affine, axis: int, operation: str) -> Outputs:
    """Close layer 2: one group for each place along the other axes."""
    require_layer2(value, operation)
    if value.shape[axis] == 1 and len(value.shape) > 1 and max(value.shape) > 1:
        raise ExportError("wrong-shape", f"{operation} over axis {axis} of {list(value.shape)}, which has one element, "
                          "expected the axis of the outputs")
    _check_outputs(math.prod(value.shape))
    ids = np.arange(math.prod(value.shape)).reshape(value.shape)
    elements: list[Any] = [None] * ids.size
    for row in np.moveaxis(ids, axis, -1).reshape(-1, value.shape[axis]):
        group = Group(value.map(lambda array: array.reshape(len(array), -1)[:, row]), "softmax")
        for place, element in enumerate(row):
            elements[element] = (group, place)
    return Outputs(ids, elements)


def as_outputs(value: Affine | Outputs) -> Outputs:
    """A returned value: what is not behind a softmax is a group of identity outputs."""
    if isinstance(value, Outputs):
        return value
    require_layer2(value, "return")
    size = math.prod(value.shape)
    _check_outputs(size)
    group = Group(value.map(lambda array: array.reshape(len(array), size)), "identity")
    return Outputs(np.arange(size).reshape(value.shape), [(group, place) for place in range(size)])


def join_outputs(values: list[Affine | Outputs], axis: int, join: Any) -> Outputs:
    """cat or stack of tensors of which at least one is finished."""
    ids, elements = [], []
    for value in map(as_outputs, values):
        ids.append(value.ids + len(elements))
        elements += value.elements
        _check_outputs(len(elements))
    return Outputs(join(ids, axis=axis), elements)


def subtract_maximum(value: Affine, maximum: Maximum, operation: str) -> Shifted:
    """value - max(value): softmax is unchanged by it, so the value itself is kept."""
    same = maximum.value is value or (
        maximum.value.terms.keys() == value.terms.keys() and np.array_equal(maximum.value.const, value.const)
        and all(np.array_equal(maximum.value.terms[basis], array) for basis, array in value.terms.items()))
    if not same or not _broadcasts(value, maximum.axis, maximum.kept):
        raise ExportError("not-two-layer", f"{operation} of a maximum of another value, expected the spelling of "
                          "softmax")
    return Shifted(value, maximum)


def _broadcasts(value: Affine, axis: int | None, kept: bool) -> bool:
    """Whether a reduction over `axis` lines up with the value again."""
    others = [size for i, size in enumerate(value.shape) if i != axis]
    return axis is None or kept or axis == 0 and len(value.shape) == 1 or all(size == 1 for size in others)


def divide_by_sum(terms: Exponential, total: ExponentialSum, operation: str) -> Outputs:
    """exp(v) / sum(exp(v)): a softmax spelled out."""
    axis = total.axis
    shifted_otherwise = terms.shift is not None and terms.shift.axis not in (None, axis)
    if total.terms is not terms or shifted_otherwise or not _broadcasts(terms.value, axis, total.kept):
        raise ExportError("not-two-layer", f"{operation} by a sum of another value, expected the spelling of softmax")
    return softmax(terms.value, axis, operation)
