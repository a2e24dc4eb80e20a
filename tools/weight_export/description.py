# SPDX-License-Identifier: Apache-2.0
"""The --model JSON: which weights of a state_dict make which head. Strict: what is not known is refused by name."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

from .errors import ExportError
from .layout import MAX_HEADS, MAX_INPUTS
from .npz import DEFAULT_CLAMP
from .read import read_bytes

MAX_DESCRIPTION_BYTES = 1 << 20
MODEL_KEYS = {"inputs", "window", "heads", "ignore"}
HEAD_KEYS = {"name", "w1", "b1", "w2", "b2", "feature_weights", "feature_weights_row", "clamp", "activation", "inputs",
             "input_indices", "repeat", "outputs", "layout"}


@dataclass
class HeadDescription:
    """Keys of the state_dict, and how they are used. `columns` are the model inputs that W1 reads, in its order;
    `rows` is the half-open range of W2's outputs, or None for all."""

    name: str
    w1: str
    w2: str
    columns: list[int]
    b1: str | None = None
    b2: str | None = None
    feature_weights: str | None = None
    feature_weights_row: int | None = None
    clamp_high: float = DEFAULT_CLAMP[1]
    activation: str | None = None
    repeat: int = 1
    rows: tuple[int, int] | None = None
    in_out: bool = False


@dataclass
class Description:
    """`ignore` are prefixes of keys that belong to no head (an optimiser's state, say)."""

    inputs: int
    window: tuple[int, int]
    heads: list[HeadDescription]
    ignore: list[str] = field(default_factory=list)


def read_description(path: str) -> Description:
    """Errors: bad-description, cannot-read."""
    try:
        value = json.loads(read_bytes(path, MAX_DESCRIPTION_BYTES).decode("utf-8"), object_pairs_hook=_unique,
                           parse_constant=lambda text: _refuse("the file", text, "plain JSON numbers"))
    except (ValueError, RecursionError) as error:
        raise ExportError("bad-description", f"{path}: {error}, expected JSON") from None
    _check_keys("the description", value, MODEL_KEYS, {"inputs", "heads"})
    inputs = _whole("inputs", value["inputs"], 1, MAX_INPUTS)
    heads = value["heads"]
    if not isinstance(heads, list) or not 1 <= len(heads) <= MAX_HEADS:
        _refuse("heads", heads, f"a list of 1 .. {MAX_HEADS} heads")
    ignore = value.get("ignore", [])
    if not isinstance(ignore, list) or not all(isinstance(prefix, str) and prefix for prefix in ignore):
        _refuse("ignore", ignore, "a list of key prefixes")
    return Description(inputs, _window(value.get("window"), inputs),
                       [_head(f"heads[{i}]", head, inputs) for i, head in enumerate(heads)], ignore)


def _head(place: str, head: Any, inputs: int) -> HeadDescription:
    _check_keys(place, head, HEAD_KEYS, {"name", "w1", "w2"})
    for key in ("name", "w1", "b1", "w2", "b2", "feature_weights"):
        if key in head and (not isinstance(head[key], str) or not head[key]):
            _refuse(f"{place}.{key}", head[key], "text")
    if "feature_weights_row" in head and "feature_weights" not in head:
        _refuse(f"{place}.feature_weights_row", head["feature_weights_row"], "it only beside feature_weights")
    row = head.get("feature_weights_row")
    activation = head.get("activation")
    if activation not in (None, "softmax", "identity"):
        raise ExportError("unsupported-activation", f"{place}.activation is {activation!r}, expected 'softmax' or "
                          "'identity'")
    if head.get("layout", "out_in") not in ("out_in", "in_out"):
        _refuse(f"{place}.layout", head["layout"], "'out_in' or 'in_out'")
    return HeadDescription(
        head["name"], head["w1"], head["w2"], _columns(place, head, inputs), head.get("b1"), head.get("b2"),
        head.get("feature_weights"),
        None if row is None else _whole(f"{place}.feature_weights_row", row, 0, MAX_INPUTS),
        _clamp(place, head.get("clamp", list(DEFAULT_CLAMP))), activation,
        _whole(f"{place}.repeat", head.get("repeat", 1), 1, MAX_INPUTS),
        _range(f"{place}.outputs", head["outputs"], MAX_INPUTS) if "outputs" in head else None,
        head.get("layout") == "in_out")


def _columns(place: str, head: dict[str, Any], inputs: int) -> list[int]:
    if "inputs" in head and "input_indices" in head:
        _refuse(place, "inputs and input_indices", "one of them")
    if "input_indices" in head:
        indices = head["input_indices"]
        if not isinstance(indices, list) or not indices:
            _refuse(f"{place}.input_indices", indices, "a list of input numbers")
        return [_whole(f"{place}.input_indices", index, 0, inputs - 1) for index in indices]
    return list(range(*_range(f"{place}.inputs", head.get("inputs", [0, inputs]), inputs)))


def _clamp(place: str, clamp: Any) -> float:
    """The upper bound; null is none."""
    pair = isinstance(clamp, list) and len(clamp) == 2
    high = clamp[1] if pair else None
    if pair and high is None:
        high = math.inf
    number = isinstance(high, (int, float)) and not isinstance(high, bool)
    if not pair or clamp[0] != 0 or isinstance(clamp[0], bool) or not number or not high > 0:
        raise ExportError("unsupported-clamp", f"{place}.clamp is {clamp!r}, expected [0, c] with c above 0, or "
                          "[0, null] for a plain ReLU")
    return float(high)


def _window(window: Any, inputs: int) -> tuple[int, int]:
    if window is None:
        return 0, 0
    if not isinstance(window, list) or len(window) != 2:
        _refuse("window", window, "[rows, columns]")
    rows, columns = (_whole("window", n, 1, MAX_INPUTS) for n in window)
    if rows * columns != inputs:
        _refuse("window", window, f"rows x columns to be the {inputs} inputs")
    return rows, columns


def _range(place: str, pair: Any, most: int) -> tuple[int, int]:
    if not isinstance(pair, list) or len(pair) != 2:
        _refuse(place, pair, "[first, end]")
    first, end = (_whole(place, n, 0, most) for n in pair)
    if first >= end:
        _refuse(place, pair, "first below end")
    return first, end


def _whole(place: str, value: Any, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        _refuse(place, value, f"a whole number {least} .. {most}")
    return value


def _check_keys(place: str, value: Any, known: set[str], required: set[str]) -> None:
    if not isinstance(value, dict):
        _refuse(place, value, "an object")
    for key in value:
        if key not in known:
            _refuse(place, f"the key {key!r}", "one of " + ", ".join(sorted(known)))
    for key in sorted(required - set(value)):
        _refuse(place, f"no {key!r}", "one")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        _refuse("an object", [key for key, _ in pairs], "each key once")
    return result


def _refuse(place: str, seen: Any, expected: str) -> Any:
    text = seen if isinstance(seen, str) else json.dumps(seen)
    raise ExportError("bad-description", f"{place}: {text[:200]}, expected {expected}")
