# SPDX-License-Identifier: Apache-2.0
"""A strict reader of the format, in Python: every rule of docs/BLOB_FORMAT.md is checked. For tests and tools."""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np

from . import layout
from .accuracy import HeadAccuracy
from .blob import Blob, digest, to_bytes
from .errors import ExportError
from .packed import PackedHead, PackedModel, evaluate
from .quantise import CODE_MAX, INT32_MAX, WEIGHT_LIMIT, input_scales
from .read import read_bytes

SECTIONS = ("ranges", "feature_names", "input_scale", "start", "lane_scale", "kept", "w1", "w2", "start2",
            "golden_inputs", "golden_outputs")


def read_blob(path: str) -> Blob:
    """Read and verify a file. Errors: cannot-read, source-too-large, bad-blob."""
    return parse_blob(read_bytes(path, layout.MAX_FILE_BYTES))


def parse_blob(data: bytes) -> Blob:
    """Verify the bytes of a blob, down to writing it again and comparing. Error: bad-blob."""
    if len(data) < layout.HEADER_BYTES + layout.RECORD_BYTES:
        _refuse(f"{len(data)} bytes", f"at least {layout.HEADER_BYTES + layout.RECORD_BYTES}")
    header = layout.unpack_fields(layout.HEADER, data)
    _check_header(header, data)
    records = [layout.unpack_fields(layout.RECORD, data[offset:offset + layout.RECORD_BYTES])
               for offset in _record_offsets(header)]
    heads = _heads(records)
    arrays = _sections(header, heads, data)
    packed = _packed(header, heads, arrays)
    figures = [HeadAccuracy(*(record[name] for name in (
        "largest_error", "mean_error", "argmax_agreement", "argmax_low", "argmax_high", "output_magnitude")),
        clipped_share=0.0) for record in records]
    blob = Blob(packed, _text(header, "name"), _text(header, "run_id", empty=True), _text(header, "exporter"),
                header["generation"], header["source_sha256"], header["calibration_sha256"], figures,
                header["accuracy_states"], header["clipped_inputs"], arrays["golden_inputs"],
                arrays["golden_outputs"])
    _check_values(blob, records)
    # One model has one byte string: whatever is left (reserved bytes, paddings, order) shows here.
    if to_bytes(blob) != data:
        _refuse("bytes that another spelling of the model has", "the canonical ones (zero padding and reserved bytes)")
    return blob


def _refuse(seen: str, expected: str) -> None:
    raise ExportError("bad-blob", f"{seen}, expected {expected}")


def _require(condition: bool, seen: str, expected: str) -> None:
    if not condition:
        _refuse(seen, expected)


def _check_header(header: dict[str, Any], data: bytes) -> None:
    rules = [
        ("magic", header["magic"] == layout.MAGIC, layout.MAGIC.hex()),
        ("format_version", header["format_version"] == layout.FORMAT_VERSION, str(layout.FORMAT_VERSION)),
        ("element_type", header["element_type"] in (layout.INT8, layout.FLOAT32), "1 or 2"),
        ("file_bytes", header["file_bytes"] == len(data), str(len(data))),
        ("layout", header["layout"] in (layout.LAYOUT, layout.PRUNED_LAYOUT), "1 or 2"),
        ("inputs", 1 <= header["inputs"] <= layout.MAX_INPUTS, f"1 .. {layout.MAX_INPUTS}"),
        ("kept_inputs", _kept_fits(header), "below the inputs for a pruned model, else 0"),
        ("head_count", 1 <= header["head_count"] <= layout.MAX_HEADS, f"1 .. {layout.MAX_HEADS}"),
        ("golden_count", header["golden_count"] == layout.GOLDEN_COUNT, str(layout.GOLDEN_COUNT)),
        ("feature_names", header["feature_names"] in (0, 1), "0 or 1"),
        ("window_columns", _window_fits(header), "no window, or rows x columns = inputs"),
        ("feature_count", header["feature_count"] == (header["window_columns"] or header["inputs"]),
         "the window's columns, or the inputs"),
        ("digest", header["digest"] == digest(data), "the SHA-256 of the other bytes")]
    for name, holds, expected in rules:
        _require(holds, f"{name} {header[name]!r}", expected)


def _window_fits(header: dict[str, Any]) -> bool:
    rows, columns = header["window_rows"], header["window_columns"]
    return rows == columns == 0 or rows * columns == header["inputs"]


def _kept_fits(header: dict[str, Any]) -> bool:
    pruned = header["layout"] == layout.PRUNED_LAYOUT
    return 2 <= header["kept_inputs"] < header["inputs"] if pruned else header["kept_inputs"] == 0


def _record_offsets(header: dict[str, Any]) -> Iterator[int]:
    end = layout.HEADER_BYTES + header["head_count"] * layout.RECORD_BYTES
    _require(header["file_bytes"] >= end, f"{header['file_bytes']} bytes", f"at least {end} for the head records")
    return range(layout.HEADER_BYTES, end, layout.RECORD_BYTES)


def _heads(records: list[dict[str, Any]]) -> list[PackedHead]:
    heads, first_lane = [], 0
    for record in records:
        hidden, outputs, high = record["hidden"], record["outputs"], record["clamp_high"]
        _require(1 <= hidden <= layout.MAX_HIDDEN, f"hidden {hidden}", f"1 .. {layout.MAX_HIDDEN}")
        _require(1 <= outputs <= layout.MAX_OUTPUTS, f"outputs {outputs}", f"1 .. {layout.MAX_OUTPUTS}")
        _require(record["activation"] in (0, 1), f"activation {record['activation']}", "0 or 1")
        _require(high > 0, f"clamp_high {high}", "above 0")
        empty = np.empty(0, np.float32)
        heads.append(PackedHead(_text(record, "name"), hidden, outputs, record["activation"], np.float32(high),
                                first_lane, empty, empty, record["accumulator_bound"]))
        first_lane += heads[-1].padded
    _require(first_lane <= layout.MAX_LANES, f"{first_lane} lanes", f"at most {layout.MAX_LANES}")
    names = [head.name for head in heads]
    _require(len(set(names)) == len(names), f"head names {names}", "each once")
    return heads


def _shapes(header: dict[str, Any], heads: list[PackedHead]) -> dict[str, tuple[str, int]]:
    """Element type and count of each section that is present."""
    int8 = header["element_type"] == layout.INT8
    inputs, features = header["inputs"], header["feature_count"]
    stored = header["kept_inputs"] or inputs
    lanes, outputs = sum(head.padded for head in heads), sum(head.outputs for head in heads)
    shapes = {
        "ranges": ("<f4", 2 * features), "feature_names": ("S32", features), "input_scale": ("<f4", stored),
        "start": ("<i4" if int8 else "<f4", lanes), "lane_scale": ("<f4", lanes),
        "kept": ("<u1", -(-inputs // 8)),
        "w1": ("<i1", layout.pad4(stored) * lanes) if int8 else ("<f4", stored * lanes),
        "w2": ("<f4", sum(head.outputs * head.padded for head in heads)), "start2": ("<f4", outputs),
        "golden_inputs": ("<f4", layout.GOLDEN_COUNT * inputs),
        "golden_outputs": ("<f4", layout.GOLDEN_COUNT * outputs)}
    absent = set() if int8 else {"input_scale", "lane_scale"}
    if not header["feature_names"]:
        absent.add("feature_names")
    if not header["kept_inputs"]:
        absent.add("kept")
    return {name: shapes[name] for name in SECTIONS if name not in absent}


def _sections(header: dict[str, Any], heads: list[PackedHead], data: bytes) -> dict[str, np.ndarray]:
    shapes = _shapes(header, heads)
    offset = layout.HEADER_BYTES + len(heads) * layout.RECORD_BYTES
    size = offset + sum(layout.pad64(np.dtype(kind).itemsize * count) for kind, count in shapes.values())
    _require(size == len(data), f"{len(data)} bytes", f"{size} for these dimensions")
    arrays = {}
    for name, (kind, count) in shapes.items():
        arrays[name] = np.frombuffer(data, kind, count, offset)
        offset += layout.pad64(arrays[name].nbytes)
        if arrays[name].dtype.kind == "f":
            _require(bool(np.isfinite(arrays[name]).all()), f"{name} with NaN or an infinity", "finite values")
    for name, columns in (("ranges", 2), ("golden_inputs", header["inputs"]),
                          ("golden_outputs", sum(head.outputs for head in heads))):
        arrays[name] = arrays[name].reshape(-1, columns)
    return arrays


def unpack_w1(flat: np.ndarray, inputs: int, lanes: int) -> np.ndarray:
    """[inputs, lanes] from the tiles; inputs beyond the last must be 0."""
    depth = 4 if flat.dtype.itemsize == 1 else 1
    rows, first, parts = -(-inputs // depth), 0, []
    for groups in layout.tile_groups(lanes // layout.GROUP):
        tile = flat[first:first + rows * depth * groups * layout.GROUP]
        first += len(tile)
        tile = tile.reshape(rows, groups, layout.GROUP, depth).transpose(0, 3, 1, 2)
        parts.append(tile.reshape(rows * depth, groups * layout.GROUP))
    whole = np.concatenate(parts, axis=1)
    _require(not whole[inputs:].any(), "weights beyond the last input", "0")
    return np.ascontiguousarray(whole[:inputs])


def _packed(header: dict[str, Any], heads: list[PackedHead], arrays: dict[str, np.ndarray]) -> PackedModel:
    place, output = 0, 0
    for head in heads:
        size = head.outputs * head.padded
        head.w2 = arrays["w2"][place:place + size].reshape(head.outputs, head.padded)
        head.start2 = arrays["start2"][output:output + head.outputs]
        place, output = place + size, output + head.outputs
    names = [name.decode("utf-8") for name in arrays.get("feature_names", np.empty(0, "S32")).tolist()]
    kept, inputs = _kept(header, arrays), header["inputs"]
    stored = unpack_w1(arrays["w1"], len(kept), len(arrays["start"]))
    w1 = np.zeros((inputs, stored.shape[1]), stored.dtype)
    w1[kept] = stored
    scale = arrays.get("input_scale")
    if scale is not None:
        whole = input_scales(arrays["ranges"], inputs)
        _require(np.array_equal(whole[kept], scale), "input_scale", "127 / the largest magnitude of the range")
        scale = whole
    return PackedModel(header["element_type"], inputs, (header["window_rows"], header["window_columns"]),
                       arrays["ranges"], names, arrays["start"], w1, heads, scale, arrays.get("lane_scale"))


def _kept(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> np.ndarray:
    if "kept" not in arrays:
        return np.arange(header["inputs"])
    kept = np.flatnonzero(np.unpackbits(arrays["kept"], bitorder="little"))
    _require(len(kept) == header["kept_inputs"] and kept[-1] < header["inputs"], f"{len(kept)} kept inputs",
             f"{header['kept_inputs']}, all below {header['inputs']}")
    return kept


def _text(fields: dict[str, Any], name: str, empty: bool = False) -> str:
    try:
        text = fields[name].rstrip(b"\0").decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    _require((bool(text) or empty) and all(ord(c) >= 32 and not 127 <= ord(c) < 160 for c in text)
             and fields[name].endswith(b"\0"), f"{name} {fields[name]!r}", "UTF-8 text and a NUL")
    return text


def _check_values(blob: Blob, records: list[dict[str, Any]]) -> None:
    packed = blob.packed
    low, high = packed.ranges[:, 0], packed.ranges[:, 1]
    _require(bool(np.all((low <= high) & ((low != 0) | (high != 0)))), "ranges", "low <= high, not both 0")
    _require(len(set(packed.feature_names)) == len(packed.feature_names), "a feature name twice", "each once")
    for record in records:
        figures = [record[field.name] for field in layout.RECORD if field.kind == "f64"]
        _require(all(np.isfinite(f) and f >= 0 for f in figures), f"accuracy figures {figures}", "finite, not negative")
    for head in packed.heads:
        padding = slice(head.first_lane + head.hidden, head.first_lane + head.padded)
        _require(not packed.w1[:, padding].any() and not packed.start[padding].any()
                 and not head.w2[:, head.hidden:].any(), f"head {head.name!r}: padding with values", "0")
    if packed.element_type == layout.INT8:
        _check_int8(packed)
    else:
        bounds = [head.accumulator_bound for head in packed.heads]
        _require(not any(bounds), f"accumulator bounds {bounds}", "0 for float32")
    _require(np.array_equal(evaluate(packed, blob.golden_inputs).view(np.uint32),
                            blob.golden_outputs.view(np.uint32)), "golden outputs", "what the model gives")


def _check_int8(packed: PackedModel) -> None:
    scale = packed.lane_scale
    _require(bool(np.all(scale >= np.finfo(np.float32).tiny)), "lane_scale", "positive and normal")
    weights, start = packed.w1.astype(np.int64), packed.start.astype(np.int64)
    _require(bool(np.all(np.abs(weights) <= WEIGHT_LIMIT)), "a weight of -128", "-127 .. 127")
    empty = ~weights.any(axis=0) & (start == 0)
    _require(bool(np.all(scale[empty] == 1)), "an empty lane's scale", "1")
    positive = CODE_MAX * np.maximum(weights, 0).sum(axis=0)
    negative = CODE_MAX * np.minimum(weights, 0).sum(axis=0)
    bound = np.max(np.abs([positive, negative, start + positive, start + negative]), axis=0)
    for head in packed.heads:
        largest = int(bound[head.lanes].max())
        _require(largest == head.accumulator_bound <= INT32_MAX, f"head {head.name!r}: accumulator_bound "
                 f"{head.accumulator_bound}", str(largest))
