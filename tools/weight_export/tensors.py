# SPDX-License-Identifier: Apache-2.0
"""Tensors of a torch archive: raw storages, and strided views of them, turned into numpy arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np

from .errors import ExportError
from .quantised import QuantisedWeights, quantised_weights

# Little-endian numpy types of torch's storage classes. bfloat16 is read as bits and widened below.
STORAGE_TYPES = {
    "FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "BFloat16Storage": "<u2",
    "LongStorage": "<i8", "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "|i1", "ByteStorage": "|u1",
    "BoolStorage": "|u1", "QInt8Storage": "|i1"}
# A view may repeat elements (stride 0): this caps what it unfolds to. The format's largest w1 has half of it.
MAX_ELEMENTS = 1 << 26


@dataclass
class Storage:
    """A storage named by a pickle; its bytes are read when a tensor is. `numel` counts elements."""

    kind: str
    key: str
    numel: int
    read: Callable[[str], bytes]

    def array(self) -> np.ndarray:
        """All elements, one-dimensional: float64 for float types, int64 for the others."""
        dtype = np.dtype(STORAGE_TYPES[self.kind])
        data = self.read(self.key)
        if len(data) < self.numel * dtype.itemsize:
            raise ExportError("damaged-archive", f"storage {self.key!r} has {len(data)} bytes, expected "
                              f"{self.numel * dtype.itemsize} for {self.numel} elements of {self.kind}")
        raw = np.frombuffer(data, dtype, count=self.numel)
        if self.kind == "BFloat16Storage":
            # bfloat16 is the upper half of a float32: widening is exact.
            raw = (raw.astype(np.uint32) << np.uint32(16)).view(np.float32)
        with np.errstate(invalid="ignore"):
            return raw.astype(np.float64 if raw.dtype.kind == "f" else np.int64)


@dataclass
class Tensor:
    """A strided view of a storage. Offset and strides count elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def array(self) -> np.ndarray:
        """A contiguous copy: float64 or int64. Error: unsupported-tensor for a view outside its storage."""
        numbers = (self.offset, *self.shape, *self.stride)
        whole = all(isinstance(n, int) and n >= 0 for n in numbers) and len(self.shape) == len(self.stride)
        if not whole or math.prod(self.shape) > MAX_ELEMENTS or len(self.shape) > 8:
            raise ExportError("unsupported-tensor", f"a tensor of shape {list(self.shape)}, stride "
                              f"{list(self.stride)}, offset {self.offset}; expected no negative number, at most 8 "
                              f"dimensions and {MAX_ELEMENTS} elements")
        if 0 in self.shape:
            return np.zeros(self.shape)
        last = self.offset + sum((n - 1) * step for n, step in zip(self.shape, self.stride))
        if last >= self.storage.numel:
            raise ExportError("unsupported-tensor", f"a tensor reads element {last} of storage "
                              f"{self.storage.key!r}, expected below {self.storage.numel}")
        flat = self.storage.array()[self.offset:]
        steps = [step * flat.itemsize for step in self.stride]
        return np.lib.stride_tricks.as_strided(flat, self.shape, steps, writeable=False).copy()

    @property
    def double(self) -> bool:
        return self.storage.kind == "DoubleStorage"


@dataclass
class QuantisedTensor:
    """A tensor of codes, and its quantiser as the pickle names it: (scheme, scale, zero point) or (scheme, scales,
    zero points, axis)."""

    tensor: Tensor
    quantiser: tuple[Any, ...]
    double = False

    def weights(self, what: str) -> QuantisedWeights:
        """Errors: unsupported-quantisation, those of Tensor.array."""
        if self.tensor.storage.kind != "QInt8Storage" or not self.quantiser:
            raise ExportError("unsupported-quantisation", f"{what} holds codes in a {self.tensor.storage.kind}, "
                              "expected qint8")
        scheme, *parameters = self.quantiser
        codes = self.tensor.array().astype(np.int8)
        name = getattr(scheme, "name", scheme)
        kinds = [type(parameter) for parameter in parameters]
        if name == "per_tensor_affine" and kinds == [float, int]:
            scale, zero = (np.array(number, np.float64) for number in parameters)
            return quantised_weights(what, codes, scale, zero, None)
        if name != "per_channel_affine" or kinds != [Tensor, Tensor, int] or not 0 <= parameters[2] < codes.ndim:
            raise ExportError("unsupported-quantisation", f"{what} is quantised by {name!r} with {len(parameters)} "
                              "parameters, expected per_tensor_affine or per_channel_affine along an axis it has")
        return quantised_weights(what, codes, *(parameter.array() for parameter in parameters[:2]), parameters[2])
