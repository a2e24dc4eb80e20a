# SPDX-License-Identifier: Apache-2.0
"""The one form every source is brought to: heads of act(W2 clamp(W1 x + b1, 0, c) + b2) over one input, in float64."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from . import layout
from .errors import ExportError

FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass
class Head:
    """One head. All arrays float64: w1 [inputs, hidden], b1 [hidden], w2 [outputs, hidden], b2 [outputs].

    `clamp_high` is inf for a plain ReLU; `activation` is 'softmax' or 'identity'. `unit` float64 [hidden] is set where
    the source holds w1 as int8 codes: what a code of each lane is worth, 0 for a lane without weights."""

    name: str
    w1: np.ndarray
    b1: np.ndarray
    w2: np.ndarray
    b2: np.ndarray
    clamp_high: float
    activation: str
    unit: np.ndarray | None = None

    @property
    def hidden(self) -> int:
        return self.w1.shape[1]

    @property
    def outputs(self) -> int:
        return self.w2.shape[0]


@dataclass
class Model:
    """A folded model, before rounding. `window` is (rows, columns) or (0, 0); `notes` are remarks for the report.
    `input_range` is the range of every input where the source tells one; `argument_widths` says how a network with
    several inputs divides them up, where the source tells."""

    inputs: int
    heads: list[Head]
    window: tuple[int, int] = (0, 0)
    notes: list[str] = field(default_factory=list)
    input_range: tuple[float, float] | None = None
    argument_widths: list[int] = field(default_factory=list)


def check_model(model: Model) -> None:
    """Refuse a model that breaks a limit of the format, has shapes that do not fit, or weights that do not fit
    float32. Errors: wrong-shape, model-too-large, weights-not-finite, weights-too-large, bad-name,
    unsupported-clamp."""
    _check_limit("the model", "inputs", model.inputs, layout.MAX_INPUTS)
    _check_limit("the model", "heads", len(model.heads), layout.MAX_HEADS)
    for head in model.heads:
        _check_head(head, model.inputs)
    lanes = sum(layout.pad16(head.hidden) for head in model.heads)
    _check_limit("the model", "padded lanes", lanes, layout.MAX_LANES)
    names = [head.name for head in model.heads]
    for name in names:
        check_text("head name", name, layout.HEAD_NAME_BYTES)
        if names.count(name) > 1:
            raise ExportError("bad-name", f"head name {name!r} occurs {names.count(name)} times, expected once")


def unread_inputs(model: Model) -> list[str]:
    """A remark where inputs have no weight in any head, before rounding. What becomes of them: pruned_inputs in
    report.py."""
    read = np.any([np.any(head.w1 != 0, axis=1) for head in model.heads], axis=0)
    unread = int(np.count_nonzero(~read))
    return [f"{unread} of {model.inputs} inputs have no weight in any head"] if unread else []


def _check_head(head: Head, inputs: int) -> None:
    _check_limit(f"head {head.name!r}", "hidden units", head.hidden, layout.MAX_HIDDEN)
    _check_limit(f"head {head.name!r}", "outputs", head.outputs, layout.MAX_OUTPUTS)
    expected = {"w1": (inputs, head.hidden), "b1": (head.hidden,), "w2": (head.outputs, head.hidden),
                "b2": (head.outputs,)}
    for field_name, shape in expected.items():
        array = getattr(head, field_name)
        if array.shape != shape:
            raise ExportError("wrong-shape", f"head {head.name!r}: {field_name} folds to {list(array.shape)}, "
                              f"expected {list(shape)}")
        check_finite(f"head {head.name!r}: folded {field_name}", array)
        largest = float(np.max(np.abs(array), initial=0.0))
        if largest > FLOAT32_MAX:
            raise ExportError("weights-too-large", f"head {head.name!r}: folded {field_name} has a magnitude of "
                              f"{largest:.3g}, expected at most {FLOAT32_MAX:.3g}")
    # A bound below the smallest normal float32 would round to 0 or lose its digits.
    if not (head.clamp_high == np.inf or np.finfo(np.float32).tiny <= head.clamp_high <= FLOAT32_MAX):
        raise ExportError("unsupported-clamp", f"head {head.name!r}: clamped to 0 .. {head.clamp_high}, "
                          "expected an upper bound above 0 that fits float32, or none")
    if head.activation not in layout.ACTIVATIONS:
        raise ExportError("unsupported-activation", f"head {head.name!r}: {head.activation!r}, "
                          "expected softmax or identity")


def _check_limit(what: str, noun: str, seen: int, most: int) -> None:
    if not 1 <= seen <= most:
        raise ExportError("model-too-large" if seen else "wrong-shape",
                          f"{what} has {seen} {noun}, expected 1 .. {most}")


def check_finite(what: str, array: np.ndarray) -> None:
    """Refuse NaN and infinities (weights-not-finite), naming the first place."""
    bad = ~np.isfinite(array)
    if bad.any():
        place = [int(i) for i in np.argwhere(bad)[0]]
        raise ExportError("weights-not-finite", f"{what} holds {array[tuple(place)]} at {place} "
                          f"({int(bad.sum())} of {array.size}), expected finite weights")


def check_text(what: str, text: str, size: int, empty: bool = False) -> bytes:
    """The UTF-8 bytes of a text field of `size` bytes (one of them is kept for a NUL). Error: bad-name."""
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        raise ExportError("bad-name", f"{what} {text!r} is not UTF-8, expected UTF-8 text") from None
    if not data and not empty:
        raise ExportError("bad-name", f"{what} is empty, expected 1 .. {size - 1} bytes")
    if len(data) >= size:
        raise ExportError("bad-name", f"{what} {text!r} has {len(data)} bytes, expected at most {size - 1}")
    if any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text):
        raise ExportError("bad-name", f"{what} {text!r} has a control character, expected none")
    return data
