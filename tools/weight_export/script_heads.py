# SPDX-License-Identifier: Apache-2.0
"""From what a TorchScript network returns to heads: which outputs belong together, which lanes they read, their
names."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from .affine import Affine, Basis
from .closing import Group, Outputs, as_outputs
from .errors import ExportError
from .layout import HEAD_NAME_BYTES
from .model import Head

# Variable names that say nothing about a head.
GENERIC = {"x", "y", "h", "o", "out", "output", "outputs", "input", "ret", "result", "logits", "probs", "p", "hidden",
           "res", "a", "b", "c", "v", "weight", "bias"}

# Labels of constants that have no name of their own.
ANONYMOUS = ("CONSTANTS.", "onnx::")


@dataclass
class SeenNames:
    """What may name a head: its key or variable in the return statement, and the labels of its weights, of which those
    of its layer 1."""

    key: str
    labels: frozenset[str]
    layer1: frozenset[str]


def flatten_returned(value: Any, names: list[str], key: str = "") -> list[tuple[str, Affine | Outputs]]:
    """(name, tensor) pairs in the order of the outputs. Error: not-two-layer where something else is returned."""
    if isinstance(value, (Affine, Outputs)):
        return [(key, value)]
    if isinstance(value, dict):
        pairs = [(str(name), item) for name, item in value.items()]
    elif isinstance(value, (list, tuple)):
        pairs = list(zip(names if len(names) == len(value) else [key] * len(value), value))
    else:
        raise ExportError("not-two-layer", f"the network returns a {type(value).__name__}, expected tensors")
    if not pairs:
        raise ExportError("not-two-layer", "the network returns nothing, expected tensors")
    return [part for name, item in pairs for part in flatten_returned(item, [], name)]


def heads_from_outputs(parts: list[tuple[str, Affine | Outputs]], inputs: list[Basis]
                       ) -> tuple[list[Head], list[SeenNames]]:
    """One head for each softmax and each run of identity outputs that were returned together."""
    heads, seen = [], []
    for key, part in parts:
        outputs = as_outputs(part)
        elements = [outputs.elements[i] for i in outputs.ids.reshape(-1)]
        while elements:
            group = elements[0][0]
            places = []
            while elements and elements[0][0] is group and elements[0][1] not in places:
                places.append(elements.pop(0)[1])
            if group.activation == "softmax" and places != list(range(group.logits.shape[0])):
                raise ExportError("not-two-layer", f"outputs {places} of a softmax over {group.logits.shape[0]} are "
                                  "returned, expected all of them in order")
            heads.append(_head(group, places, inputs))
            layer1 = frozenset().union(*(basis.source.labels for basis in group.logits.terms))
            seen.append(SeenNames(key, group.logits.labels | layer1, layer1))
    return heads, seen


def check_batch(parts: list[tuple[str, Affine | Outputs]]) -> None:
    """With a batch of one, a network whose outputs have another first axis mixed up batch and features."""
    for _, part in parts:
        if part.shape and part.shape[0] != 1 and math.prod(part.shape) > 1 and len(part.shape) > 1:
            raise ExportError("wrong-shape", f"an output has shape {list(part.shape)} for a batch of one state, "
                              "expected a first axis of 1")


def _head(group: Group, places: list[int], inputs: list[Basis]) -> Head:
    """The lanes of a head are the hidden units its W2 reads (one, if it reads none)."""
    w1, b1, w2, bounds = [], [], [], set()
    for basis, coefficients in group.logits.terms.items():
        weights = coefficients[:, places]
        read = np.flatnonzero(np.any(weights != 0, axis=1))
        if len(read):
            w1.append(_rows(basis.source, inputs)[:, read])
            b1.append(basis.source.const[read])
            w2.append(weights[read].T)
            bounds.add(basis.clamp_high)
    if not w2:
        basis, coefficients = next(iter(group.logits.terms.items()))
        w1, b1, w2 = [_rows(basis.source, inputs)[:, :1]], [basis.source.const[:1]], [coefficients[:1, places].T]
        bounds.add(basis.clamp_high)
    if len(bounds) > 1:
        raise ExportError("unsupported-clamp", f"one head reads hidden units clamped to {sorted(bounds)}, expected "
                          "one bound a head")
    return Head("", np.concatenate(w1, axis=1), np.concatenate(b1), np.concatenate(w2, axis=1),
                group.logits.const[places], bounds.pop(), group.activation)


def _rows(source: Affine, inputs: list[Basis]) -> np.ndarray:
    """W1 [all inputs, hidden]: the arguments one after another; an argument that is not read gives zeros."""
    return np.concatenate([source.terms.get(basis, np.zeros((basis.size, *source.shape))) for basis in inputs])


def name_heads(heads: list[Head], seen: list[SeenNames]) -> None:
    """Name heads by their key in the return statement, else by what the names of their own weights share, else by
    position; then make the names unique."""
    shared = [label for names in seen for label in names.labels]
    taken: set[str] = set()
    for index, (head, names) in enumerate(zip(heads, seen)):
        own = sorted(label for label in names.labels
                     if shared.count(label) == 1 and not label.startswith(ANONYMOUS))
        key = names.key if sum(names.key == other.key for other in seen) == 1 else ""
        label = _common(own) if own and len(heads) > 1 else ""
        variable = key if re.fullmatch(r"[A-Za-z][A-Za-z_]*", key) and key.lower() not in GENERIC else ""
        head.name = _unique(variable or label or f"head{index}", taken)


def _common(labels: list[str]) -> str:
    """What the dotted names of a head's weights share: `fvg_actor` of fvg_actor.fc1.weight and fvg_actor.fc2.weight,
    `fvg` of fvg_w1 and fvg_w2 or of w1_fvg and w2_fvg."""
    parts = [re.split(r"([._])", label) for label in labels]
    if len(parts) == 1:
        return parts[0][0]
    first = _same(parts)
    last = _same([part[::-1] for part in parts])[::-1]
    text = "".join(first).strip("._") or "".join(last).strip("._")
    if text in ("weight", "bias") or not text:
        return ""
    return text.rpartition(".")[2] if not text.rpartition(".")[2].isdigit() else text.replace(".", "_")


def _same(lists: list[list[str]]) -> list[str]:
    same = []
    for column in zip(*lists):
        if len(set(column)) > 1:
            break
        same.append(column[0])
    return same


def _unique(name: str, taken: set[str]) -> str:
    plain = re.sub(r"[^\x21-\x7e]", "_", name)[:HEAD_NAME_BYTES - 5]
    unique, number = plain, 2
    while unique in taken:
        unique, number = f"{plain}_{number}", number + 1
    taken.add(unique)
    return unique
