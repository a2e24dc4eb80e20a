# SPDX-License-Identifier: Apache-2.0
"""The wire format of protocol buffers, as much as ONNX needs: fields of a message, one after another. Nothing is
copied or allocated that the file does not hold."""

from __future__ import annotations

import struct
from typing import Iterator, NoReturn

import numpy as np

from .errors import ExportError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
WIRE_NAMES = {VARINT: "a whole number", FIXED64: "eight bytes", BYTES: "text, bytes or a message", FIXED32: "a float"}
VARINT_BYTES = 10
# ONNX's graph of sixteen heads has some 2,000 fields; one whose 100,000 weights stand as single numbers has as many.
MAX_FIELDS = 1 << 20
# Bytes of one array of packed whole numbers: each takes 24 more while it is read. Shapes and the like are short, and
# weights stand as raw bytes unless somebody spells them out.
MAX_PACKED_BYTES = 1 << 24

Value = int | memoryview


class Reader:
    """Counts what was read of one file. Errors: damaged-onnx, protobuf-bomb."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.fields_read = 0
        self.depth = 0

    def fields(self, data: memoryview, what: str) -> Iterator[tuple[int, int, Value]]:
        """(field number, wire type, value) of each field of a message; `what` names it in errors."""
        place = 0
        while place < len(data):
            self.fields_read += 1
            if self.fields_read > MAX_FIELDS:
                raise ExportError("protobuf-bomb", f"{self.path} has more than {MAX_FIELDS} fields, expected a network")
            key, place = self.varint(data, place, what)
            number, wire = key >> 3, key & 7
            if number == 0 or wire not in WIRE_NAMES:
                self.damaged(what, f"field {number} of wire type {wire}", "a number above 0 and wire type 0, 1, 2 or 5")
            if wire == VARINT:
                value, place = self.varint(data, place, what)
                yield number, wire, value
                continue
            size = 8 if wire == FIXED64 else 4
            if wire == BYTES:
                size, place = self.varint(data, place, what)
            if size > len(data) - place:
                self.damaged(what, f"field {number} of {size} bytes, with {len(data) - place} left", "a complete file")
            yield number, wire, data[place:place + size]
            place += size

    def varint(self, data: memoryview, place: int, what: str) -> tuple[int, int]:
        """An unsigned 64-bit number and the place after it."""
        value = 0
        for i in range(VARINT_BYTES):
            if place + i >= len(data):
                self.damaged(what, "an end within a number", "a complete file")
            byte = data[place + i]
            value |= (byte & 0x7F) << (7 * i)
            if byte < 0x80:
                break
        else:
            self.damaged(what, f"a number of more than {VARINT_BYTES} bytes", "at most 64 bits")
        if value >= 1 << 64:
            self.damaged(what, "a number of more than 64 bits", "at most 64")
        return value, place + i + 1

    def message(self, wire: int, value: Value, what: str) -> memoryview:
        """The bytes of a nested message, text or array."""
        if wire != BYTES:
            self.damaged(what, WIRE_NAMES[wire], WIRE_NAMES[BYTES])
        return value

    def text(self, wire: int, value: Value, what: str) -> str:
        try:
            return bytes(self.message(wire, value, what)).decode("utf-8")
        except UnicodeDecodeError:
            self.damaged(what, "text that is not UTF-8", "UTF-8")

    def integers(self, wire: int, value: Value, what: str) -> np.ndarray:
        """int64 [n]: one number, or many packed ones."""
        if wire == VARINT:
            return np.array([value], np.uint64).view(np.int64)
        raw = np.frombuffer(self.message(wire, value, what), np.uint8)
        if not len(raw):
            return np.empty(0, np.int64)
        if len(raw) > MAX_PACKED_BYTES:
            raise ExportError("protobuf-bomb", f"{self.path}: {what} has {len(raw)} bytes of packed numbers, expected "
                              f"at most {MAX_PACKED_BYTES}")
        ends = np.flatnonzero(raw < 0x80)
        if not len(ends) or ends[-1] != len(raw) - 1:
            self.damaged(what, "an end within a number", "complete numbers")
        starts = np.concatenate([[0], ends[:-1] + 1])
        if (ends - starts).max() >= VARINT_BYTES:
            self.damaged(what, f"a number of more than {VARINT_BYTES} bytes", "at most 64 bits")
        shifts = 7 * (np.arange(len(raw)) - np.repeat(starts, ends - starts + 1)).astype(np.uint64)
        parts = (raw & 0x7F).astype(np.uint64) << shifts
        return np.bitwise_or.reduceat(parts, starts).view(np.int64)

    def floats(self, wire: int, value: Value, what: str, dtype: str = "<f4") -> np.ndarray:
        """float32 [n] or, with another dtype, float64 [n]: one number, or many packed ones."""
        one = FIXED32 if dtype == "<f4" else FIXED64
        size = struct.calcsize(dtype.replace("f4", "f").replace("f8", "d"))
        if wire not in (one, BYTES) or len(value) % size:
            self.damaged(what, WIRE_NAMES[wire], f"floats of {size} bytes")
        return np.frombuffer(value, dtype)

    def damaged(self, what: str, seen: str, expected: str) -> NoReturn:
        raise ExportError("damaged-onnx", f"{self.path}: {what} has {seen}, expected {expected}")
