# SPDX-License-Identifier: Apache-2.0
"""Operations that only move elements: for affine values and finished outputs alike. Arrays have one leading axis."""

from __future__ import annotations

import math
from typing import Any, Callable

import numpy as np

from .affine import Affine, check_size, variables
from .budget import check_count
from .closing import ExponentialSum, Maximum, Outputs
from .errors import ExportError

Tensor = Affine | Outputs


def number(value: Any) -> Any:
    """A Python number from a number or a constant of one element."""
    if isinstance(value, Affine) and value.constant and value.const.size == 1:
        return value.const.item()
    if isinstance(value, (int, float)):
        return value
    raise ExportError("not-two-layer", "a number that depends on the input, expected one fixed at export")


def whole(value: Any) -> int:
    return int(number(value))


def axis_of(value: Any, dim: Any, extra: int = 0) -> int:
    """The non-negative axis; Error: wrong-shape outside."""
    rank, dim = len(value.shape) + extra, whole(dim)
    if not -rank <= dim < rank:
        raise ExportError("wrong-shape", f"dimension {dim} of a value of shape {list(value.shape)}, expected "
                          f"{-rank} .. {rank - 1}")
    return dim % rank


def check_result(value: Tensor, shape: tuple[int, ...]) -> None:
    check_size(shape, variables(value) if isinstance(value, Affine) else 0)


def reshape(value: Tensor, sizes: Any) -> Tensor:
    wanted = [whole(size) for size in sizes]
    total = math.prod(value.shape)
    if wanted.count(-1) == 1:
        rest = math.prod(size for size in wanted if size != -1)
        if rest <= 0 or total % rest:
            raise ExportError("wrong-shape", f"{list(value.shape)} viewed as {wanted}, expected {total} elements")
        wanted[wanted.index(-1)] = total // rest
    if math.prod(wanted) != total or min(wanted, default=1) < 0:
        raise ExportError("wrong-shape", f"{list(value.shape)} viewed as {wanted}, expected {total} elements")
    return value.view(lambda array: array.reshape(len(array), *wanted))


def flatten(value: Tensor, start: Any = 0, end: Any = -1) -> Tensor:
    first, last = axis_of(value, start), axis_of(value, end)
    middle = math.prod(value.shape[first:last + 1])
    return reshape(value, [*value.shape[:first], middle, *value.shape[last + 1:]])


def unflatten(value: Tensor, dim: Any, sizes: Any) -> Tensor:
    axis = axis_of(value, dim)
    return reshape(value, [*value.shape[:axis], *sizes, *value.shape[axis + 1:]])


def squeeze(value: Tensor, dim: Any = None) -> Tensor:
    axes = range(len(value.shape)) if dim is None else [axis_of(value, dim)]
    return reshape(value, [n for i, n in enumerate(value.shape) if i not in axes or n != 1])


def unsqueeze(value: Tensor | Maximum | ExponentialSum, dim: Any) -> Any:
    if isinstance(value, (Maximum, ExponentialSum)):
        inner = value.value if isinstance(value, Maximum) else value.terms.value
        rank = len(inner.shape)
        if value.kept or value.axis is None or whole(dim) % rank != value.axis:
            raise ExportError("not-two-layer", "unsqueeze of a reduction along another axis, expected the spelling of "
                              "softmax")
        return type(value)(*[getattr(value, name) for name in ("value" if isinstance(value, Maximum) else "terms",
                                                               "axis")], kept=True)
    axis = axis_of(value, dim, 1)
    return value.view(lambda array: np.expand_dims(array, axis + 1))


def repeat(value: Tensor, counts: Any) -> Tensor:
    times = [whole(count) for count in counts]
    padded = reshape(value, [1] * (len(times) - len(value.shape)) + list(value.shape))
    check_result(value, tuple(n * t for n, t in zip(padded.shape, times, strict=True)))
    return padded.map(lambda array: np.tile(array, [1, *times])) if isinstance(padded, Affine) else padded.view(
        lambda array: np.tile(array, [1, *times]))


def expand(value: Tensor, sizes: Any, implicit: Any = False) -> Tensor:
    wanted = [whole(size) for size in sizes]
    padded = reshape(value, [1] * (len(wanted) - len(value.shape)) + list(value.shape))
    shape = tuple(n if size == -1 else size for n, size in zip(padded.shape, wanted, strict=True))
    check_result(value, shape)
    return padded.view(lambda array: np.broadcast_to(array, (len(array), *shape)))


def slice_axis(value: Tensor, dim: Any = 0, start: Any = None, end: Any = None, step: Any = 1) -> Tensor:
    axis = axis_of(value, dim)
    bounds = slice(*(None if bound is None else whole(bound) for bound in (start, end, step)))
    index = (slice(None),) * (axis + 1) + (bounds,)
    return value.view(lambda array: array[index])


def select(value: Tensor, dim: Any, place: Any) -> Tensor:
    axis, place = axis_of(value, dim), whole(place)
    if not -value.shape[axis] <= place < value.shape[axis]:
        raise ExportError("wrong-shape", f"element {place} along dimension {axis} of {list(value.shape)}, expected it "
                          "inside")
    index = (slice(None),) * (axis + 1) + (place,)
    return value.view(lambda array: array[index])


def narrow(value: Tensor, dim: Any, start: Any, length: Any) -> Tensor:
    return slice_axis(value, dim, start, whole(start) + whole(length))


def transpose(value: Tensor, first: Any, second: Any) -> Tensor:
    a, b = axis_of(value, first), axis_of(value, second)
    return value.view(lambda array: np.swapaxes(array, a + 1, b + 1))


def t(value: Tensor) -> Tensor:
    return value if len(value.shape) < 2 else transpose(value, 0, 1)


def permute(value: Tensor, dims: Any) -> Tensor:
    axes = [axis_of(value, dim) for dim in dims]
    return value.view(lambda array: np.transpose(array, [0, *(axis + 1 for axis in axes)]))


def split(value: Tensor, size: Any, dim: Any = 0) -> list[Tensor]:
    axis = axis_of(value, dim)
    if isinstance(size, list):
        lengths = [whole(n) for n in size]
    else:
        length, total = max(1, whole(size)), value.shape[axis]
        check_count(-(-total // length))
        lengths = [min(length, total - first) for first in range(0, total, length)]
    ends = np.cumsum([0, *lengths]).tolist()
    return [slice_axis(value, axis, first, last) for first, last in zip(ends, ends[1:])]


def chunk(value: Tensor, count: Any, dim: Any = 0) -> list[Tensor]:
    return split(value, -(-value.shape[axis_of(value, dim)] // max(1, whole(count))), dim)


def unbind(value: Tensor, dim: Any = 0) -> list[Tensor]:
    check_count(value.shape[axis_of(value, dim)])
    return [select(value, dim, place) for place in range(value.shape[axis_of(value, dim)])]


def index_select(value: Tensor, dim: Any, places: Affine) -> Tensor:
    axis = axis_of(value, dim)
    check_result(value, (*value.shape[:axis], places.const.size, *value.shape[axis + 1:]))
    chosen = places.const.astype(np.int64).reshape(-1)
    return value.view(lambda array: np.take(array, chosen, axis=axis + 1))


SHAPE_OPERATIONS: dict[str, Callable[..., Any]] = {
    "view": reshape, "reshape": reshape, "_unsafe_view": reshape, "flatten": flatten, "unflatten": unflatten,
    "squeeze": squeeze, "unsqueeze": unsqueeze, "repeat": repeat, "tile": repeat, "expand": expand,
    "slice": slice_axis, "select": select, "narrow": narrow, "transpose": transpose, "t": t, "numpy_T": t,
    "permute": permute, "split": split, "split_with_sizes": split, "chunk": chunk, "unbind": unbind,
    "index_select": index_select}
