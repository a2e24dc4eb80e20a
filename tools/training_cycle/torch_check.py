# SPDX-License-Identifier: Apache-2.0
"""PyTorch's own outputs against the network as the exporter read it, in float64. What the exporter folded wrongly
shows here; what int8 costs is measured at export and bounded by --budget.

The tolerance is derived. With u = 2^-24, a sum of n products in any order, fused or not, is within (n + 2) u sum|w x|
of the exact one (+ 2: one rounding of a folded weight, one of a feature weight times an input). A clamp does not
enlarge differences, layer 2 adds its own sum, and a softmax turns a difference d of its logits into at most d / 2,
plus a few roundings of exp and of the division. Twice that is allowed."""

from __future__ import annotations

import argparse
import json
import os

import numpy as np

from weight_export.accuracy import reference_head
from weight_export.model import Model
from weight_export.sources import read_source

from .causes import Refused
from .programs import ROOT, run
from .progress import Progress

UNIT = 2.0**-24
READABLE = ("torchscript", "state_dict", "npz")
CANNOT_READ = 77  # torch_outputs.py: this element type is not one that PyTorch computes exactly


def check(options: argparse.Namespace, states: np.ndarray, folder: str, progress: Progress) -> str:
    """A sentence. Causes: torch-mismatch, torch-missing."""
    window = tuple(int(n) for n in options.window.split("x")) if options.window else (0, 0)
    source = read_source(options.checkpoint, options.model, window)
    python = os.environ.get("TICKMLP_TORCH_PYTHON", "")
    if not python or source.kind not in READABLE:
        return _left_out(options, "no python3 with torch" if not python else f"PyTorch reads no {source.kind}")
    request = os.path.join(folder, "torch.json")
    outputs = os.path.join(folder, "torch.npy")
    with open(request, "w", encoding="ascii") as file:
        json.dump({"checkpoint": os.path.abspath(options.checkpoint), "kind": source.kind,
                   "description": options.model and os.path.abspath(options.model),
                   "states": os.path.join(folder, "states.npy"), "outputs": outputs, "window": window,
                   "widths": source.model.argument_widths, "count": sum(head.outputs for head in source.model.heads)},
                  file)
    done = run([python, os.path.join(ROOT, "tools", "training_cycle", "torch_outputs.py"), request], progress)
    if done.code == CANNOT_READ:
        return _left_out(options, done.last_line)
    if done.code != 0:
        raise Refused("torch-mismatch", f"PyTorch does not run the checkpoint: {done.last_line}")
    return _compare(np.load(outputs, allow_pickle=False), source.model, states.astype(np.float64))


def _left_out(options: argparse.Namespace, why: str) -> str:
    if options.require_torch:
        raise Refused("torch-missing", f"{why}, expected a comparison with PyTorch (scripts/bootstrap --for torch)")
    return f"not compared with PyTorch: {why}"


def _compare(seen: np.ndarray, model: Model, states: np.ndarray) -> str:
    expected = np.concatenate([reference_head(head, states) for head in model.heads], axis=1)
    if seen.shape != expected.shape:
        raise Refused("torch-mismatch", f"PyTorch gives outputs {list(seen.shape)}, expected {list(expected.shape)}")
    difference = np.abs(seen - expected)
    excess = difference - tolerance(model, states)
    worst = np.unravel_index(np.argmax(np.where(np.isfinite(excess), excess, np.inf)), excess.shape)
    state, output = (int(i) for i in worst)
    if not excess[state, output] <= 0:
        allowed = difference[state, output] - excess[state, output]
        raise Refused("torch-mismatch", f"state {state}, output {output}: PyTorch gives {seen[state, output]:.9g}, "
                      f"expected {expected[state, output]:.9g} within {allowed:.2g}, as the exporter read it")
    return f"PyTorch agrees to {difference.max():.2g}"


def tolerance(model: Model, states: np.ndarray) -> np.ndarray:
    """float64 [n, outputs]."""
    columns = []
    for head in model.heads:
        terms, lanes = len(head.w1) + 2, head.hidden + 2
        hidden = np.clip(states @ head.w1 + head.b1, 0, head.clamp_high)
        hidden_error = 2 * terms * UNIT * (np.abs(states) @ np.abs(head.w1) + np.abs(head.b1))
        magnitude = hidden @ np.abs(head.w2).T + np.abs(head.b2)
        error = hidden_error @ np.abs(head.w2).T + 2 * lanes * UNIT * magnitude
        if head.activation == "softmax":
            error = np.repeat(error.max(axis=1, keepdims=True) / 2 + 16 * UNIT, head.outputs, axis=1)
        columns.append(error)
    return np.concatenate(columns, axis=1)
