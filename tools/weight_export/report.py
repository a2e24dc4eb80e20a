# SPDX-License-Identifier: Apache-2.0
"""What an export says about itself: the table for people and the JSON for programs. No time stamps in either."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

from . import layout
from .accuracy import Accuracy, HeadAccuracy
from .calibrate import Trial
from .model import Head, Model
from .packed import PackedModel

ELEMENT_NAMES = {value: name for name, value in layout.ELEMENT_TYPES.items()}


def clamp_text(high: float) -> str:
    return "0 .. " + ("inf" if math.isinf(high) else f"{high:g}")


def _row(head: Head, figures: HeadAccuracy) -> list[str]:
    argmax = "-"
    if head.outputs > 1:
        argmax = (f"{100 * figures.argmax_agreement:.1f} % ({100 * figures.argmax_low:.1f} .. "
                  f"{100 * figures.argmax_high:.1f})")
    return [head.name, str(head.hidden), str(head.outputs), head.activation, clamp_text(head.clamp_high),
            f"{figures.largest_error:.3g}", f"{figures.mean_error:.3g}", argmax, f"{100 * figures.clipped_share:.3g} %"]


def pruned_inputs(packed: PackedModel) -> list[str]:
    """A remark where the blob leaves inputs out (docs/EXPORT.md, Pruned inputs)."""
    pruned = packed.inputs - len(packed.kept)
    return [f"{pruned} of {packed.inputs} inputs are pruned: the blob has no weights for them"] if pruned else []


def table(model: Model, accuracy: Accuracy) -> str:
    """One line a head; errors are absolute, against float64 with the weights as trained."""
    rows = [["head", "lanes", "outputs", "activation", "clamp", "largest error", "mean error",
             "argmax agreement (95 %)", "clipped"]]
    rows += [_row(head, figures) for head, figures in zip(model.heads, accuracy.heads)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def summary(report: dict[str, object], model: Model, packed: PackedModel, accuracy: Accuracy) -> str:
    """The text of a successful run."""
    window = f"{packed.window[0]} rows x {packed.window[1]} features" if packed.window[0] else "no window"
    lines = [
        f"{report['name']}: {report['dtype']}, {packed.inputs} inputs ({window}), {len(packed.heads)} heads, "
        f"{sum(head.hidden for head in model.heads)} lanes", "", table(model, accuracy), "",
        f"compared with float64 over {accuracy.states} {report['states_from']}"]
    lines += [f"note: {note}" for note in report["notes"]]
    lines += [f"wrote   {report['blob']}", f"bytes   {report['bytes']}", f"sha256  {report['blob_sha256']}"]
    return "\n".join(lines)


def head_report(head: Head, figures: HeadAccuracy, bound: int) -> dict[str, object]:
    """One head of the JSON. `clamp` is [low, high], high null for a plain ReLU."""
    high = None if math.isinf(head.clamp_high) else head.clamp_high
    return {"name": head.name, "hidden": head.hidden, "outputs": head.outputs, "activation": head.activation,
            "clamp": [0.0, high], "accumulator_bound": bound, "accuracy": asdict(figures)}


def calibrate_report(method: str | None, trials: list[Trial], model: Model) -> dict[str, object] | None:
    """How the ranges were found: null without a calibration; `candidates` where several were tried."""
    if method is None:
        return None
    return {"method": method, "candidates": [
        {"method": trial.method, "score": trial.score, "within_budget": trial.within_budget,
         "clipped_inputs": trial.accuracy.clipped, "heads": [
             {"name": head.name} | {key: getattr(figures, key) for key in (
                 "largest_error", "mean_error", "argmax_agreement", "clipped_share")}
             for head, figures in zip(model.heads, trial.accuracy.heads)]} for trial in trials]}


def to_json(report: dict[str, object]) -> bytes:
    return (json.dumps(report, indent=2, allow_nan=False) + "\n").encode("ascii")
