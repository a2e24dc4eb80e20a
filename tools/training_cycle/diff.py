# SPDX-License-Identifier: Apache-2.0
"""How two blobs differ: provenance, weights, scales, and outputs on the golden states of both."""

from __future__ import annotations

import argparse
import hashlib
import re
from typing import Any

import numpy as np

from weight_export import layout
from weight_export.blob import Blob
from weight_export.errors import ExportError
from weight_export.packed import PackedHead, PackedModel, evaluate
from weight_export.read_blob import read_blob
from weight_export.report import ELEMENT_NAMES

from .causes import Refused
from .folder import choose, read_folder
from .rollback import previous

ZERO_CODE = 128  # the u8 code of x = 0, whose product with the weights the start vector takes off again


def diff(options: argparse.Namespace) -> tuple[str, dict[str, Any], int]:
    """(text, JSON, exit code 0). Causes: not-comparable, no-such-generation, refused-input."""
    paths = [_path(options, word) for word in (options.a, options.b)]
    a, b = (_read(path) for path in paths)
    shapes = [(blob.packed.inputs, blob.packed.outputs) for blob in (a, b)]
    if shapes[0] != shapes[1]:
        raise Refused("not-comparable", f"{paths[0]} has {shapes[0][0]} inputs and {shapes[0][1]} outputs, expected "
                      f"{shapes[1][0]} and {shapes[1][1]} as {paths[1]}")
    report = {"a": _identity(paths[0], a), "b": _identity(paths[1], b),
              "header": [name for name, seen, other in _header(a, b) if seen != other],
              "scales": _scales(a.packed, b.packed), "heads": _heads(a, b)}
    report["same"] = not report["header"] and report["a"]["sha256_of_weights"] == report["b"]["sha256_of_weights"]
    return _text(report), report, 0


def _path(options: argparse.Namespace, word: str) -> str:
    if options.folder is None or not (word in ("current", "previous") or re.fullmatch(r"\d{1,20}", word, re.ASCII)):
        return word
    contents = read_folder(options.folder).sound()
    if word.isdigit():
        return contents.path_of(choose(contents, int(word)))
    if contents.current is None:
        raise Refused("no-such-generation", f"nothing is published in {options.folder}, expected a current generation")
    return contents.path_of(contents.current.blob if word == "current" else previous(contents))


def _read(path: str) -> Blob:
    """Error: ExportError, which says of which file."""
    try:
        return read_blob(path)
    except ExportError as error:
        message = error.message if error.message.startswith(path) else f"{path}: {error.message}"
        raise ExportError(error.name, message) from None


def _identity(path: str, blob: Blob) -> dict[str, Any]:
    packed = blob.packed
    weights = b"".join(array.tobytes() for array in (packed.start, packed.w1, *(head.w2 for head in packed.heads),
                                                     *(head.start2 for head in packed.heads)))
    return {"path": path, "name": blob.name, "generation": blob.generation, "run_id": blob.run_id,
            "dtype": ELEMENT_NAMES[packed.element_type], "source_sha256": blob.source_sha256.hex(),
            "sha256_of_weights": hashlib.sha256(weights).hexdigest()}


def _header(a: Blob, b: Blob) -> list[tuple[str, Any, Any]]:
    return [(name, getattr(a, name), getattr(b, name)) for name in
            ("name", "generation", "run_id", "exporter", "source_sha256", "calibration_sha256")] + [
        ("dtype", a.packed.element_type, b.packed.element_type), ("window", a.packed.window, b.packed.window),
        ("ranges", a.packed.ranges.tolist(), b.packed.ranges.tolist()),
        ("feature_names", a.packed.feature_names, b.packed.feature_names)]


def _scales(a: PackedModel, b: PackedModel) -> dict[str, Any]:
    """The largest factor between two scales, 1 where they are the same; null where not both are int8."""
    result: dict[str, Any] = {}
    for name in ("input_scale", "lane_scale"):
        one, other = getattr(a, name), getattr(b, name)
        comparable = one is not None and other is not None and one.shape == other.shape
        result[name] = float(np.exp(np.abs(np.log(one.astype(np.float64) / other)).max())) if comparable else None
    return result


def real_weights(packed: PackedModel, head: PackedHead) -> dict[str, np.ndarray]:
    """What the head computes with, in float64 and without its padding: w1 [inputs, hidden], b1, w2 [outputs, hidden],
    b2."""
    lanes = slice(head.first_lane, head.first_lane + head.hidden)
    w1, start = packed.w1[:, lanes].astype(np.float64), packed.start[lanes].astype(np.float64)
    if packed.element_type == layout.INT8:
        scale = packed.lane_scale[lanes].astype(np.float64)
        start = (start + ZERO_CODE * w1.sum(axis=0)) * scale
        w1 = w1 * scale * packed.input_scale.astype(np.float64)[:, None]
    return {"w1": w1, "b1": start, "w2": head.w2[:, :head.hidden].astype(np.float64),
            "b2": head.start2.astype(np.float64)}


def _heads(a: Blob, b: Blob) -> list[dict[str, Any]]:
    """In A's order; heads are matched by place, since that is how a program reads the outputs."""
    states = np.unique(np.concatenate([a.golden_inputs, b.golden_inputs]), axis=0)
    outputs = [evaluate(blob.packed, states).astype(np.float64) for blob in (a, b)]
    rows, column = [], 0
    for one, other in zip(a.packed.heads, b.packed.heads):
        row: dict[str, Any] = {"name": one.name, "name_in_b": other.name, "weights": None, "outputs": None}
        weights = real_weights(a.packed, one), real_weights(b.packed, other)
        if all(weights[0][key].shape == weights[1][key].shape for key in weights[0]):
            row["weights"] = {key: _change(weights[0][key], weights[1][key]) for key in weights[0]}
        if one.outputs == other.outputs:
            columns = slice(column, column + one.outputs)
            row["outputs"] = _output_change(outputs[0][:, columns], outputs[1][:, columns])
        column += one.outputs
        rows.append(row)
    return rows


def _change(one: np.ndarray, other: np.ndarray) -> dict[str, Any]:
    """`relative`: the length of the difference over A's length."""
    difference, length = np.abs(other - one), float(np.linalg.norm(one))
    return {"count": int(one.size), "changed": int(np.count_nonzero(difference)), "largest": float(difference.max()),
            "mean": float(difference.mean()),
            "relative": float(np.linalg.norm(other - one)) / length if length else None}


def _output_change(one: np.ndarray, other: np.ndarray) -> dict[str, Any]:
    difference, magnitude = np.abs(other - one), float(np.abs(one).max())
    agreement = float(np.mean(one.argmax(axis=1) == other.argmax(axis=1))) if one.shape[1] > 1 else None
    return {"states": len(one), "largest": float(difference.max()), "mean": float(difference.mean()),
            "relative": float(difference.max()) / magnitude if magnitude else None, "argmax_agreement": agreement}


def _text(report: dict[str, Any]) -> str:
    lines = []
    for label in ("a", "b"):
        one = report[label]
        lines.append(f"{label.upper()}  {one['name']} generation {one['generation']}, {one['dtype']}, run "
                     f"{one['run_id'] or '-'}: {one['path']}")
    if report["same"]:
        return "\n".join(lines + ["the same weights and header"])
    lines.append(f"header: {', '.join(report['header']) or 'the same'}")
    for name, factor in report["scales"].items():
        if factor is not None:
            lines.append(f"{name}: " + ("the same" if factor == 1 else f"up to {factor:.4g} times"))
    table = [["head", "weights changed", "largest", "relative", "outputs: largest", "mean", "argmax agreement"]]
    table += [_cells(head) for head in report["heads"]]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return "\n".join(lines + ["  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in table])


def _cells(head: dict[str, Any]) -> list[str]:
    name = head["name"] if head["name"] == head["name_in_b"] else f"{head['name']} / {head['name_in_b']}"
    weights, outputs = head["weights"], head["outputs"]
    cells = [name, "another shape", "-", "-"]
    if weights:
        changed, count = (sum(part[key] for part in weights.values()) for key in ("changed", "count"))
        relative = weights["w1"]["relative"]
        cells = [name, f"{changed} of {count}", f"{max(part['largest'] for part in weights.values()):.3g}",
                 "-" if relative is None else f"{100 * relative:.3g} %"]
    if not outputs:
        return cells + ["another count", "-", "-"]
    agreement = outputs["argmax_agreement"]
    return cells + [f"{outputs['largest']:.3g}", f"{outputs['mean']:.3g}",
                    "-" if agreement is None else f"{100 * agreement:.1f} % of {outputs['states']}"]
