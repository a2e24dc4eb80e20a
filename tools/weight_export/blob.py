# SPDX-License-Identifier: Apache-2.0
"""Writing the blob's bytes (docs/BLOB_FORMAT.md). The strict reader beside it is in read_blob.py."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

import numpy as np

from . import layout
from .accuracy import HeadAccuracy
from .errors import ExportError
from .model import check_text
from .packed import PackedModel

NO_DIGEST = bytes(32)


@dataclass
class Blob:
    """Everything one file says. golden_inputs [8, inputs] and golden_outputs [8, total outputs] are float32."""

    packed: PackedModel
    name: str
    run_id: str
    exporter: str
    generation: int
    source_sha256: bytes
    calibration_sha256: bytes
    accuracy: list[HeadAccuracy]
    accuracy_states: int
    clipped_inputs: int
    golden_inputs: np.ndarray
    golden_outputs: np.ndarray


def structure_hash(packed: PackedModel) -> int:
    """Of the shape alone, not of the element type: two models with one hash can stand in for one another."""
    text = struct.pack("<4I", packed.inputs, *packed.window, len(packed.heads))
    for head in packed.heads:
        text += struct.pack("<3If", head.hidden, head.outputs, head.activation, head.clamp_high)
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "little")


def pack_w1(packed: PackedModel) -> bytes:
    """w1 in tiles of up to 16 groups of 16 lanes; int8 with four consecutive inputs a lane (one vpdpbusd operand)."""
    kept = packed.kept
    inputs, lanes = len(kept), packed.w1.shape[1]
    depth = 4 if packed.element_type == layout.INT8 else 1
    rows = -(-inputs // depth)
    whole = np.zeros((rows * depth, lanes), packed.w1.dtype)
    whole[:inputs] = packed.w1[kept]
    # [row, depth, group, lane] -> [row, group, lane, depth]
    arranged = whole.reshape(rows, depth, lanes // layout.GROUP, layout.GROUP).transpose(0, 2, 3, 1)
    parts, first = [], 0
    for groups in layout.tile_groups(lanes // layout.GROUP):
        parts.append(np.ascontiguousarray(arranged[:, first:first + groups]).tobytes())
        first += groups
    return b"".join(parts)


def pack_kept(packed: PackedModel) -> bytes:
    """Of a pruned model, a bit for each input, the lowest of a byte first: whether it is kept. Else nothing."""
    kept = packed.kept
    bits = np.isin(np.arange(packed.inputs), kept)
    return b"" if len(kept) == packed.inputs else np.packbits(bits, bitorder="little").tobytes()


def sections(blob: Blob) -> list[bytes]:
    """The sections in file order, each padded to 64 bytes."""
    packed = blob.packed
    names = b"".join(check_text("feature name", name, layout.FEATURE_NAME_BYTES).ljust(
        layout.FEATURE_NAME_BYTES, b"\0") for name in packed.feature_names)
    parts = [_little(packed.ranges), names]
    if packed.element_type == layout.INT8:
        parts += [_little(packed.input_scale[packed.kept]), _little(packed.start), _little(packed.lane_scale)]
    else:
        parts += [_little(packed.start)]
    parts += [pack_kept(packed), pack_w1(packed), b"".join(_little(head.w2) for head in packed.heads),
              b"".join(_little(head.start2) for head in packed.heads),
              _little(blob.golden_inputs), _little(blob.golden_outputs)]
    return [part.ljust(layout.pad64(len(part)), b"\0") for part in parts]


def _little(array: np.ndarray) -> bytes:
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()


def to_bytes(blob: Blob) -> bytes:
    """The whole file. Errors: bad-name, model-too-large."""
    packed = blob.packed
    body = b"".join(sections(blob))
    records = b"".join(_record(blob, index) for index in range(len(packed.heads)))
    size = layout.HEADER_BYTES + len(records) + len(body)
    if size > layout.MAX_FILE_BYTES:
        raise ExportError("model-too-large", f"the blob would have {size} bytes, expected at most "
                          f"{layout.MAX_FILE_BYTES}")
    header = layout.pack_fields(layout.HEADER, _header(blob, size))
    file = bytearray(header + records + body)
    file[layout.DIGEST_OFFSET:layout.DIGEST_END] = digest(bytes(file))
    return bytes(file)


def digest(file: bytes) -> bytes:
    """SHA-256 of all bytes but the digest itself."""
    return hashlib.sha256(file[:layout.DIGEST_OFFSET] + file[layout.DIGEST_END:]).digest()


def _header(blob: Blob, size: int) -> dict[str, object]:
    packed = blob.packed
    pruned = len(packed.kept) < packed.inputs
    return {
        "magic": layout.MAGIC, "format_version": layout.FORMAT_VERSION, "element_type": packed.element_type,
        "file_bytes": size, "layout": layout.PRUNED_LAYOUT if pruned else layout.LAYOUT, "inputs": packed.inputs,
        "window_rows": packed.window[0], "window_columns": packed.window[1], "feature_count": len(packed.ranges),
        "feature_names": 1 if packed.feature_names else 0, "head_count": len(packed.heads),
        "golden_count": layout.GOLDEN_COUNT, "generation": blob.generation,
        "structure_hash": structure_hash(packed), "accuracy_states": blob.accuracy_states,
        "clipped_inputs": blob.clipped_inputs, "digest": NO_DIGEST, "source_sha256": blob.source_sha256,
        "name": check_text("model name", blob.name, layout.NAME_BYTES),
        "run_id": check_text("run id", blob.run_id, layout.RUN_ID_BYTES, empty=True),
        "exporter": check_text("exporter", blob.exporter, layout.EXPORTER_BYTES),
        "calibration_sha256": blob.calibration_sha256, "kept_inputs": len(packed.kept) if pruned else 0}


def _record(blob: Blob, index: int) -> bytes:
    head, figures = blob.packed.heads[index], blob.accuracy[index]
    return layout.pack_fields(layout.RECORD, {
        "name": check_text("head name", head.name, layout.HEAD_NAME_BYTES), "hidden": head.hidden,
        "outputs": head.outputs, "activation": head.activation, "clamp_low": 0.0, "clamp_high": head.clamp_high,
        "accumulator_bound": head.accumulator_bound, "largest_error": figures.largest_error,
        "mean_error": figures.mean_error, "argmax_agreement": figures.argmax_agreement,
        "argmax_low": figures.argmax_low, "argmax_high": figures.argmax_high,
        "output_magnitude": figures.output_magnitude})
