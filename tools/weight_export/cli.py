# SPDX-License-Identifier: Apache-2.0
"""The run: read, fold, quantise and prove, compare, write, report."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys

from . import EXPORTER, golden, layout, options, ranging, report, report_page, states
from .accuracy import Accuracy, check_budget, measure
from .blob import Blob, to_bytes
from .diagnose import diagnose
from .errors import EXIT_OK, ExportError
from .model import Model, check_model, check_text, unread_inputs
from .sources import Source, read_source
from .write import PendingFile


def main(arguments: list[str]) -> int:
    """Run the command line; returns the exit code. Never raises, and prints one line for an error."""
    try:
        parsed = options.parse(arguments)
        text = _layout_text() if parsed.print_layout else export(parsed)
        _print(text)
        return EXIT_OK
    except SystemExit as done:  # argparse's --help and --version
        return int(done.code or 0)
    except MemoryError:
        error = ExportError("out-of-memory", "memory ran out, expected a smaller model or calibration")
    except ExportError as refused:
        error = refused
    except Exception as fault:
        error = ExportError("internal", f"{type(fault).__name__}: {fault}, expected no such thing: please report it")
    _complain(error.line())
    return error.exit_code


def _complain(line: str) -> None:
    try:
        os.write(2, (line + "\n").encode("utf-8", "backslashreplace"))
    except OSError:
        pass  # stderr is closed: the exit code still tells


def _print(text: str) -> None:
    try:
        sys.stdout.buffer.write((text + "\n").encode("utf-8", "backslashreplace"))
        sys.stdout.flush()
    except (OSError, AttributeError, ValueError):  # a closed pipe, or no stdout at all
        # Else the interpreter tries again when it ends, and complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise ExportError("closed-output", "standard output takes no text, expected it open; the blob, if one was "
                          "asked for, is complete") from None


def _layout_text() -> str:
    return json.dumps(layout.description(), indent=2)


def export(parsed: argparse.Namespace) -> str:
    """Export as the options say; returns the summary. Writes the blob and the reports, or none of them (over budget:
    the reports alone). Errors: any of errors.CAUSES."""
    check_text("model name", parsed.name, layout.NAME_BYTES)
    check_text("run id", parsed.run_id, layout.RUN_ID_BYTES, empty=True)
    plain = parsed.requantise or parsed.dtype == "float32"  # no codes to keep
    source = read_source(parsed.source, parsed.model, parsed.window, plain, parsed.source_sha256)
    model = source.model
    if parsed.window != (0, 0):
        model.window = parsed.window
    check_model(model)
    options.check_window(model.window, model.inputs)
    model.notes += unread_inputs(model)
    calibration = states.read_calibration(parsed.calibration, model.inputs) if parsed.calibration else None
    result = ranging.pack(parsed, model, calibration)
    model.notes += report.pruned_inputs(result.packed)
    accuracy = measure(model, result.packed, result.judged)
    inputs, outputs = golden.golden_vectors(result.packed, calibration.states if calibration else None)
    blob = Blob(result.packed, parsed.name, parsed.run_id, EXPORTER, parsed.generation, source.sha256,
                calibration.sha256 if calibration else bytes(32), accuracy.heads, accuracy.states,
                accuracy.clipped, inputs, outputs)
    figures = _report(parsed, source, result, accuracy, to_bytes(blob))
    _write(parsed, model, accuracy, figures, to_bytes(blob))
    return report.summary(figures, model, result.packed, accuracy)


def _report(parsed: argparse.Namespace, source: Source, result: ranging.Packing, accuracy: Accuracy,
            data: bytes) -> dict[str, object]:
    packed = result.packed
    heads = [report.head_report(head, figures, packed_head.accumulator_bound)
             for head, figures, packed_head in zip(source.model.heads, accuracy.heads, packed.heads)]
    figures = {
        "blob": parsed.output, "blob_sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data),
        "dtype": parsed.dtype, "name": parsed.name, "generation": parsed.generation, "run_id": parsed.run_id,
        "exporter": EXPORTER, "inputs": packed.inputs, "kept_inputs": len(packed.kept),
        "outputs": packed.outputs, "window": list(packed.window),
        "source": {"path": parsed.source, "kind": source.kind, "sha256": source.sha256.hex()},
        "calibration": parsed.calibration, "ranges": [[float(low), float(high)] for low, high in packed.ranges],
        "calibrate": report.calibrate_report(result.method, result.trials, source.model),
        "held_out": parsed.held_out, "states": accuracy.states, "states_from": result.states_from,
        "clipped_inputs": accuracy.clipped, "budget": parsed.budget, "within_budget": True, "heads": heads,
        "notes": source.model.notes}
    if parsed.report or parsed.report_html:
        figures["diagnosis"] = diagnose(source.model, packed, result.judged, result.places)
    return figures


def _write(parsed: argparse.Namespace, model: Model, accuracy: Accuracy, figures: dict[str, object],
           data: bytes) -> None:
    files, over = {parsed.output: data}, None
    try:
        check_budget(model, accuracy, parsed.budget)
    except ExportError as error:
        over = error
        figures.update(blob=None, blob_sha256=None, bytes=None, within_budget=False, refused=error.message)
        files = {}
    if parsed.report:
        files[parsed.report] = report.to_json(figures)
    if parsed.report_html:
        files[parsed.report_html] = report_page.page(figures)
    # All are complete on the disk before one is put in place.
    pending: list[PendingFile] = []
    try:
        for path, content in files.items():
            pending.append(PendingFile(path, content))
        for file in pending:
            file.commit()
    finally:
        for file in pending:
            file.discard()
    if over is not None:
        raise over
