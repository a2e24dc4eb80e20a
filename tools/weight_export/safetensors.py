# SPDX-License-Identifier: Apache-2.0
"""Source: a safetensors file, which is eight bytes of header length, a JSON header, and the tensors' bytes."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from .description import Description
from .errors import ExportError
from .model import Model
from .npz import OPTIONAL, REQUIRED, model_from_arrays
from .state_dict import described_model

LENGTH_BYTES = 8
# The largest model of the format has 16 heads of six tensors; a checkpoint of a big network a few thousand.
MAX_HEADER_BYTES = 4 << 20
MAX_TENSORS = 4096
MAX_DIMENSIONS = 8
METADATA = "__metadata__"
# What is read; bfloat16 is the upper half of a float32, so widening is exact.
FLOAT_TYPES = {"F16": "<f2", "BF16": "<u2", "F32": "<f4", "F64": "<f8"}
OTHER_TYPES = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "I32": 4, "U32": 4,
               "I64": 8, "U64": 8}


@dataclass
class FileTensor:
    """A tensor of the file: its bytes are looked at when it is read."""

    name: str
    kind: str
    shape: tuple[int, ...]
    data: memoryview

    @property
    def double(self) -> bool:
        return self.kind == "F64"

    def array(self) -> np.ndarray:
        """float64, and exact. Error: unsupported-tensor for anything but F16, BF16, F32, F64."""
        if self.kind not in FLOAT_TYPES:
            raise ExportError("unsupported-tensor", f"{self.name} holds {self.kind}, expected one of "
                              + ", ".join(FLOAT_TYPES))
        raw = np.frombuffer(self.data, FLOAT_TYPES[self.kind])
        if self.kind == "BF16":
            raw = (raw.astype(np.uint32) << np.uint32(16)).view(np.float32)
        with np.errstate(invalid="ignore"):
            return raw.astype(np.float64).reshape(self.shape)


def looks_like_safetensors(data: bytes) -> bool:
    """A brace after eight bytes. An ONNX model begins with 08 as a header of 8, 264, ... bytes does, but has text where
    a length has zeros."""
    return data[LENGTH_BYTES:LENGTH_BYTES + 1] == b"{" and (data[:1] != b"\x08" or data[6:8] == b"\0\0")


def model_from_safetensors(data: bytes, path: str, description: Description | None) -> Model:
    """Heads as described, or by the names that an npz has. Errors: safetensors-header, safetensors-data,
    unsupported-tensor, needs-description, those of described_model and model_from_arrays."""
    tensors, metadata = read_tensors(data, path)
    if description is not None:
        return described_model(path, tensors, description)
    named = [name.rpartition(".") for name in tensors]
    if not any(head and key in REQUIRED for head, _, key in named):
        raise ExportError("needs-description", f"{path} has tensors named {list(tensors)[:3]}, which do not say how "
                          "they are connected, expected HEAD.w1 and HEAD.w2 as in an npz, or --model DESCRIPTION.json")
    notes = ["weights are float64: rounded to float32 once, after folding"] * any(t.double for t in tensors.values())
    order = [head.strip() for head in metadata.get("heads", "").split(",")]
    if metadata.get("heads") and sorted(order) != sorted({head for head, _, _ in named}):
        _bad_header(path, f"the metadata heads {metadata['heads'][:80]!r}", "each head of the file once")
    arrays = {name: tensor.array() for name, tensor in tensors.items()}
    if metadata.get("heads"):  # the usual writers sort by name, which is not the order of the outputs
        arrays = dict(sorted(arrays.items(), key=lambda item: order.index(item[0].rpartition(".")[0])))
    # Text has no type of its own here: an activation stands in the metadata.
    arrays |= {name: np.array(text) for name, text in metadata.items() if name.endswith("." + OPTIONAL[-1])}
    model = model_from_arrays(arrays, path)
    model.notes += notes
    return model


def read_tensors(data: bytes, path: str) -> tuple[dict[str, FileTensor], dict[str, str]]:
    """Tensors by name in the order of their bytes, and the metadata. Errors: safetensors-header, safetensors-data."""
    header, body = _header(data, path)
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        _bad_header(path, f"{METADATA} is {json.dumps(metadata)[:60]}", "texts by name")
    if not 1 <= len(header) <= MAX_TENSORS:
        _bad_header(path, f"{len(header)} tensors", f"1 .. {MAX_TENSORS}")
    entries = {name: _entry(path, name, entry) for name, entry in header.items()}
    tensors, end = {}, 0
    for name, (kind, shape, first, last) in sorted(entries.items(), key=lambda item: item[1][2:]):
        size = math.prod(shape) * (np.dtype(FLOAT_TYPES[kind]).itemsize if kind in FLOAT_TYPES else OTHER_TYPES[kind])
        if first != end:
            _bad_data(path, name, f"begins at byte {first}", f"{end}, where the one before it ends")
        if last - first != size:
            _bad_data(path, name, f"has {last - first} bytes", f"{size} for {list(shape)} of {kind}")
        tensors[name], end = FileTensor(name, kind, shape, body[first:last]), last
        if end > len(body):
            _bad_data(path, name, f"ends at byte {end}", f"at most {len(body)}, the end of the file")
    if end != len(body):
        _bad_data(path, name, f"is the last and ends at byte {end}", f"{len(body)}, the end of the file")
    return tensors, metadata


def _header(data: bytes, path: str) -> tuple[dict[str, Any], memoryview]:
    size = int.from_bytes(data[:LENGTH_BYTES], "little")
    if size > MAX_HEADER_BYTES:
        _bad_header(path, f"a header of {size} bytes", f"at most {MAX_HEADER_BYTES}")
    if len(data) < LENGTH_BYTES + size:
        _bad_header(path, f"{len(data)} bytes", f"at least {LENGTH_BYTES + size} for the header")
    text = data[LENGTH_BYTES:LENGTH_BYTES + size]
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_unique)
    except (ValueError, RecursionError, TypeError) as error:
        _bad_header(path, f"a header that is no JSON ({str(error)[:80]})", "JSON with each name once")
    if not isinstance(header, dict):
        _bad_header(path, f"a header that is a JSON {type(header).__name__}", "an object")
    return header, memoryview(data)[LENGTH_BYTES + size:]


def _unique(pairs: Any) -> dict[str, Any]:
    """Also in the place of NaN and Infinity, which are no JSON: a text then, and no pairs."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name stands twice")
    return result


def _entry(path: str, name: str, entry: Any) -> tuple[str, tuple[int, ...], int, int]:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        _bad_header(path, f"{name!r}: {json.dumps(entry)[:80]}", "dtype, shape and data_offsets")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(kind, str) or kind not in FLOAT_TYPES.keys() | OTHER_TYPES.keys():
        raise ExportError("unsupported-tensor", f"{path}: {name!r} has the type {json.dumps(kind)[:40]}, expected one "
                          "of " + ", ".join(FLOAT_TYPES))
    for numbers, most in ((shape, MAX_DIMENSIONS), (offsets, 2)):
        if not isinstance(numbers, list) or len(numbers) > most or not all(type(n) is int and n >= 0 for n in numbers):
            _bad_header(path, f"{name!r}: {json.dumps(entry)[:80]}", "sizes and two offsets, whole and not negative")
    if len(offsets) != 2 or offsets[0] > offsets[1]:
        _bad_data(path, name, f"has the offsets {offsets}", "[first, end]")
    return kind, tuple(shape), offsets[0], offsets[1]


def _bad_header(path: str, seen: str, expected: str) -> NoReturn:
    raise ExportError("safetensors-header", f"{path} has {seen}, expected {expected}")


def _bad_data(path: str, name: str, seen: str, expected: str) -> NoReturn:
    raise ExportError("safetensors-data", f"{path}: {name!r} {seen}, expected {expected}")
