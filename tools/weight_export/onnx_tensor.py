# SPDX-License-Identifier: Apache-2.0
"""TensorProto: a weight or constant of an ONNX file as a numpy array of its own element type."""

from __future__ import annotations

import math

import numpy as np

from .errors import ExportError
from .protobuf import Reader

DIMS, DATA_TYPE, SEGMENT, FLOATS, INT32S, INT64S, NAME, RAW, DOUBLES, UINT64S = 1, 2, 3, 4, 5, 7, 8, 9, 10, 11
EXTERNAL, LOCATION = 13, 14
# onnx.proto's numbers. bfloat16 (16) is widened; it has no numpy type.
TYPES = {1: "<f4", 2: "|u1", 3: "|i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8", 9: "|b1", 10: "<f2", 11: "<f8",
         12: "<u4", 13: "<u8", 16: "<u2"}
BFLOAT16, FLOAT16 = 16, 10
MAX_DIMENSIONS = 8
# The format's largest w1 has half of it.
MAX_ELEMENTS = 1 << 26


def read_tensor(reader: Reader, data: memoryview) -> tuple[str, np.ndarray]:
    """Name and array, which is a view of the file where its bytes lie there. Errors: damaged-onnx, external-data,
    unsupported-tensor."""
    dims, kind, name, parts = [], 0, "", []
    for number, wire, value in reader.fields(data, "a tensor"):
        if number == DIMS:
            dims += reader.integers(wire, value, "a tensor's dimensions").tolist()
        elif number == DATA_TYPE:
            kind = int(reader.integers(wire, value, "a tensor's type")[-1:].sum())
        elif number == NAME:
            name = reader.text(wire, value, "a tensor's name")
        elif number == RAW:
            parts.append(reader.message(wire, value, "a tensor's data"))
        elif number == FLOATS:
            parts.append(reader.floats(wire, value, "a tensor's data"))
        elif number == DOUBLES:
            parts.append(reader.floats(wire, value, "a tensor's data", "<f8"))
        elif number in (INT32S, INT64S, UINT64S):
            parts.append(reader.integers(wire, value, "a tensor's data"))
        elif number in (EXTERNAL, LOCATION) and value != 0:
            raise ExportError("external-data", f"{reader.path}: {name or 'a weight'} lies in another file, expected "
                              "all weights in this one (onnx.save without save_as_external_data)")
        elif number == SEGMENT:
            raise ExportError("unsupported-tensor", f"{reader.path}: {name or 'a weight'} is cut into segments, "
                              "expected whole ones")
    return name, _array(reader, name or "a constant", dims, kind, parts)


def _array(reader: Reader, what: str, dims: list[int], kind: int, parts: list[memoryview | np.ndarray]) -> np.ndarray:
    if kind not in TYPES:
        raise ExportError("unsupported-tensor", f"{reader.path}: {what} has the element type {kind}, expected one of "
                          f"{', '.join(map(str, TYPES))}")
    if len(dims) > MAX_DIMENSIONS or min(dims, default=0) < 0 or math.prod(dims) > MAX_ELEMENTS:
        reader.damaged(what, f"the shape {dims[:MAX_DIMENSIONS + 1]}", f"at most {MAX_DIMENSIONS} dimensions and "
                       f"{MAX_ELEMENTS} elements")
    count, dtype = math.prod(dims), np.dtype(TYPES[kind])
    raw = [part for part in parts if isinstance(part, memoryview)]
    if raw:
        if len(parts) != 1 or len(raw[0]) != count * dtype.itemsize:
            reader.damaged(what, f"{len(raw[0])} bytes of data", f"{count * dtype.itemsize} for {dims} of {dtype}")
        array = np.frombuffer(raw[0], dtype)
    else:
        array = _typed(reader, what, dtype, np.concatenate(parts) if parts else np.empty(0, dtype), kind)
        if array.size != count:
            reader.damaged(what, f"{array.size} elements", f"{count} for {dims}")
    if kind == BFLOAT16:
        array = (array.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return array.reshape(dims)


def _typed(reader: Reader, what: str, dtype: np.dtype, numbers: np.ndarray, kind: int) -> np.ndarray:
    """Elements from the field for their type: 16-bit floats stand as the whole numbers of their bits."""
    bits = np.dtype("<u2") if kind in (FLOAT16, BFLOAT16) else dtype
    whole = bits.kind != "f"
    if numbers.size and whole != (numbers.dtype.kind != "f"):
        reader.damaged(what, f"elements in a field of {numbers.dtype}", f"the field for {dtype}")
    with np.errstate(over="ignore", invalid="ignore"):
        array = numbers.astype(bits)
    if whole and bits.kind != "b" and bits.itemsize < 8 and (array.astype(np.int64) != numbers).any():
        reader.damaged(what, "an element outside its type", f"elements of {dtype}")
    return array.view(dtype) if bits != dtype else array
