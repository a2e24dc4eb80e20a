# SPDX-License-Identifier: Apache-2.0
"""Names, limits and field offsets of the blob format (docs/BLOB_FORMAT.md). The mirror of the header in runtime/."""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAGIC = bytes([0x89, 0x54, 0x4D, 0x4C, 0x50, 0x0D, 0x0A, 0x1A])
FORMAT_VERSION = 1
LAYOUT, PRUNED_LAYOUT = 1, 2
LEAST_DROPPED, LEAST_DROPPED_AN_INPUT = 4096, 32
INT8, FLOAT32 = 1, 2
ELEMENT_TYPES = {"int8": INT8, "float32": FLOAT32}
IDENTITY, SOFTMAX = 0, 1
ACTIVATIONS = {"identity": IDENTITY, "softmax": SOFTMAX}

HEADER_BYTES, RECORD_BYTES = 512, 128
MAX_INPUTS, MAX_HEADS, MAX_HIDDEN, MAX_LANES, MAX_OUTPUTS = 4096, 16, 4096, 8192, 64
MAX_FILE_BYTES = 256 << 20
GOLDEN_COUNT = 8
GROUP, TILE_GROUPS = 16, 16
HEAD_NAME_BYTES, FEATURE_NAME_BYTES, NAME_BYTES, RUN_ID_BYTES, EXPORTER_BYTES = 32, 32, 64, 64, 32


@dataclass(frozen=True)
class Field:
    """One field: `code` is its struct code (a bare number is that many raw bytes), `kind` its name in the page."""

    name: str
    offset: int
    code: str
    kind: str

    @property
    def size(self) -> int:
        return struct.calcsize("<" + self.code)


def _fields(*rows: tuple[str, str, str]) -> tuple[Field, ...]:
    """Rows of (name, struct code, kind), packed one after another without holes."""
    fields, offset = [], 0
    for name, code, kind in rows:
        fields.append(Field(name, offset, code, kind))
        offset += fields[-1].size
    return tuple(fields)


HEADER = _fields(
    ("magic", "8s", "u8[8]"), ("format_version", "I", "u32"), ("element_type", "I", "u32"),
    ("file_bytes", "Q", "u64"), ("layout", "I", "u32"), ("inputs", "I", "u32"), ("window_rows", "I", "u32"),
    ("window_columns", "I", "u32"), ("feature_count", "I", "u32"), ("feature_names", "I", "u32"),
    ("head_count", "I", "u32"), ("golden_count", "I", "u32"), ("generation", "Q", "u64"),
    ("structure_hash", "Q", "u64"), ("accuracy_states", "Q", "u64"), ("clipped_inputs", "Q", "u64"),
    ("reserved0", "8s", "u64"), ("digest", "32s", "u8[32]"), ("source_sha256", "32s", "u8[32]"),
    ("name", "64s", "char[64]"), ("run_id", "64s", "char[64]"), ("exporter", "32s", "char[32]"),
    ("calibration_sha256", "32s", "u8[32]"), ("kept_inputs", "I", "u32"), ("reserved1", "156s", "u8[156]"))

RECORD = _fields(
    ("name", "32s", "char[32]"), ("hidden", "I", "u32"), ("outputs", "I", "u32"), ("activation", "I", "u32"),
    ("clamp_low", "f", "f32"), ("clamp_high", "f", "f32"), ("accumulator_bound", "I", "u32"),
    ("reserved0", "8s", "u64"), ("largest_error", "d", "f64"), ("mean_error", "d", "f64"),
    ("argmax_agreement", "d", "f64"), ("argmax_low", "d", "f64"), ("argmax_high", "d", "f64"),
    ("output_magnitude", "d", "f64"), ("reserved1", "16s", "u8[16]"))

DIGEST_OFFSET, DIGEST_END = 96, 128


def pack_fields(fields: tuple[Field, ...], values: dict[str, object]) -> bytes:
    """Bytes of a header or record. Reserved fields are zero; every other field must be in `values`."""
    parts = []
    for field in fields:
        value = b"" if field.name.startswith("reserved") else values[field.name]
        parts.append(struct.pack("<" + field.code, value))
    return b"".join(parts)


def unpack_fields(fields: tuple[Field, ...], data: bytes) -> dict[str, object]:
    """The values of a header or record, by name; `data` starts at the first field."""
    return {field.name: struct.unpack_from("<" + field.code, data, field.offset)[0] for field in fields}


def is_stored_pruned(inputs: int, between: int, row_bytes: int) -> bool:
    """Whether a model is stored without its unread inputs (docs/BLOB_FORMAT.md, Pruned models). `between`: those after
    the first and before the last input that is needed; `row_bytes`: of one input's weights in all lanes."""
    dropped = between * row_bytes
    return dropped >= LEAST_DROPPED and dropped >= LEAST_DROPPED_AN_INPUT * inputs


def pad4(n: int) -> int:
    return -(-n // 4) * 4


def pad16(n: int) -> int:
    return -(-n // 16) * 16


def pad64(n: int) -> int:
    return -(-n // 64) * 64


def tile_groups(groups: int) -> list[int]:
    """How many groups of 16 lanes each tile of w1 holds: ceil(groups / 16) tiles, as even as can be."""
    tiles = -(-groups // TILE_GROUPS)
    return [groups // tiles + (1 if t < groups % tiles else 0) for t in range(tiles)]


def description() -> dict[str, object]:
    """The layout as plain data, for --print-layout: a C++ test holds its struct offsets against it."""
    def rows(fields: tuple[Field, ...]) -> list[dict[str, object]]:
        return [{"name": f.name, "offset": f.offset, "size": f.size, "kind": f.kind} for f in fields]

    limits = {"inputs": MAX_INPUTS, "heads": MAX_HEADS, "hidden": MAX_HIDDEN, "lanes": MAX_LANES,
              "outputs": MAX_OUTPUTS, "file_bytes": MAX_FILE_BYTES}
    return {"format_version": FORMAT_VERSION, "layout": LAYOUT, "pruned_layout": PRUNED_LAYOUT, "magic": MAGIC.hex(),
            "header_bytes": HEADER_BYTES, "record_bytes": RECORD_BYTES, "golden_count": GOLDEN_COUNT,
            "element_types": ELEMENT_TYPES, "activations": ACTIVATIONS, "limits": limits,
            "pruning": {"least_dropped": LEAST_DROPPED, "least_dropped_an_input": LEAST_DROPPED_AN_INPUT},
            "header": rows(HEADER), "head_record": rows(RECORD)}
