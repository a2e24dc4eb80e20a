# SPDX-License-Identifier: Apache-2.0
"""What goes in and out: arrays of floats, and what a model says of itself."""
from typing import NamedTuple, Optional

import numpy as np
import numpy.typing as npt

from .library import Error

Floats = npt.NDArray[np.float32]
FLOAT32 = np.dtype(np.float32)


class Head(NamedTuple):
    name: str
    hidden: int
    outputs: slice
    activation: str
    clamp: tuple[float, float]


class Info(NamedTuple):
    """What a model says of itself."""
    name: str
    dtype: str
    kernel: str
    inputs: int
    outputs: int
    window: Optional[tuple[int, int]]
    heads: tuple[Head, ...]
    generation: int
    run_id: str
    blob_sha256: str
    lock: str


class Counters(NamedTuple):
    inferences: int
    refused: int
    clipped: int
    flushed: int


def choice(of: dict[str, int], value: str, what: str) -> int:
    if value not in of:
        raise ValueError(f"{what} is {value!r}; expected one of {', '.join(of)}")
    return of[value]


def c_string(value: bytes, what: str) -> bytes:
    """C would stop at a NUL, and take another file or kernel than the one that was meant."""
    if b"\0" in value:
        raise ValueError(f"{what} is {value!r}; expected no NUL in it")
    return value


def contiguous(values: npt.ArrayLike) -> Floats:
    """As np.require() does, in 0.1 us where nothing has to be done, and not in 1.8."""
    if type(values) is np.ndarray and values.dtype == FLOAT32 and values.flags.c_contiguous and values.flags.aligned:
        return values
    return np.require(values, np.float32, ["C", "A"])


def floats(values: npt.ArrayLike, columns: int, what: str) -> tuple[Floats, bool]:
    """The caller's own memory where it is contiguous float32, else a copy; as [n, columns], and whether it was one
    row."""
    array = contiguous(values)
    if array.ndim not in (1, 2) or array.shape[-1] != columns:
        raise Error("input-count", f"{what} of shape {array.shape}; expected [{columns}] or [n, {columns}]")
    return array.reshape(-1, columns), array.ndim == 1


def results(out: Optional[Floats], shape: tuple[int, ...]) -> Floats:
    if out is None:
        return np.empty(shape, dtype=np.float32)
    if out.dtype != np.float32 or out.shape != shape or not out.flags.c_contiguous or not out.flags.writeable:
        raise Error("output-count", f"out is {out.dtype} {out.shape}; expected contiguous, writable float32 {shape}")
    return out
