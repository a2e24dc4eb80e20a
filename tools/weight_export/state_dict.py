# SPDX-License-Identifier: Apache-2.0
"""Sources that hold named weights: a state_dict archive, or safetensors, with a description of the heads. Weights are
[out, in] unless it says otherwise."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from .archive import Archive
from .description import Description, HeadDescription
from .errors import ExportError
from .model import Head, Model, check_finite
from .quantised import QuantisedWeights, keep_codes
from .tensors import QuantisedTensor, Tensor
from .torch_archive import TorchArchive

# Where torch.ao's quantised Linear keeps its weight and bias, as a pair.
PACKED = "._packed_params._packed_params"


class Stored(Protocol):
    """A tensor in a file: `array` gives float64, or int64 where it holds whole numbers."""

    double: bool

    def array(self) -> np.ndarray: ...


def model_from_state_dict(archive: Archive, description: Description, requantise: bool = False) -> Model:
    """Errors: those of described_model and TorchArchive."""
    return described_model(archive.path, flat_tensors(TorchArchive(archive).unpickle("data")), description, requantise)


def described_model(path: str, tensors: dict[str, Stored | QuantisedTensor], description: Description,
                    requantise: bool = False) -> Model:
    """Tensors by name, put together as described. With `requantise` int8 weights count as plain numbers.
    Errors: missing-weights, unused-weights, wrong-shape, weights-not-finite, unsupported-quantisation,
    quantised-folded."""
    weights = Weights(tensors)
    model = _fold(description, weights)
    unused = [key for key in tensors if key not in weights.used and not key.startswith(tuple(description.ignore))]
    if unused:
        raise ExportError("unused-weights", f"{path} has {unused[0]!r} ({len(unused)} such), which no head of "
                          "the description names, expected every weight used, or its prefix under \"ignore\"")
    if weights.doubles:
        model.notes.append("weights are float64: rounded to float32 once, after folding")
    if weights.codes and not requantise:
        weights.units = True
        keep_codes(model, _fold(description, weights), [head.w1 in weights.codes for head in description.heads])
    return model


def _fold(description: Description, weights: Weights) -> Model:
    return Model(description.inputs, [_head(head, description.inputs, weights) for head in description.heads],
                 description.window)


def flat_tensors(value: Any, prefix: str = "") -> dict[str, Tensor | QuantisedTensor]:
    """The tensors of nested dicts by dotted name: a checkpoint may hold its state_dict under a key of its own. The
    weight and bias of a quantised Linear `fc1` are fc1.weight and fc1.bias; how it quantised its output is left out."""
    if isinstance(value, (Tensor, QuantisedTensor)):
        return {prefix: value}
    if prefix.endswith(PACKED) and isinstance(value, tuple):
        names = (prefix.removesuffix(PACKED) + name for name in (".weight", ".bias"))
        return {name: item for name, item in zip(names, value) if isinstance(item, (Tensor, QuantisedTensor))}
    found: dict[str, Tensor | QuantisedTensor] = {}
    if isinstance(value, dict):
        own = [key.removesuffix(PACKED) for key in value if isinstance(key, str) and key.endswith(PACKED)]
        dropped = {f"{layer}.{name}" for layer in own for name in ("scale", "zero_point")}
        for key, item in value.items():
            if key not in dropped:
                found.update(flat_tensors(item, f"{prefix}.{key}".removeprefix(".")))
    return found


class Weights:
    """Tensors by name, checked as they are taken; `used` remembers which, `codes` those that are int8. With `units`
    an int8 weight is its scale."""

    def __init__(self, tensors: dict[str, Stored | QuantisedTensor]) -> None:
        self.tensors = tensors
        self.used: set[str] = set()
        self.codes: dict[str, QuantisedWeights] = {}
        self.doubles = False
        self.units = False

    def take(self, key: str, rank: int) -> np.ndarray:
        if key not in self.tensors:
            near = ", ".join(list(self.tensors)[:6])
            raise ExportError("missing-weights", f"no weights {key!r} in the source, expected one of {near} ...")
        self.used.add(key)
        self.doubles |= self.tensors[key].double
        array = self.array(key)
        if array.dtype != np.float64:
            raise ExportError("unsupported-tensor", f"{key} holds whole numbers, expected floating point")
        if array.ndim != rank or array.size == 0:
            raise ExportError("wrong-shape", f"{key} has shape {list(array.shape)}, expected {rank} dimensions, none "
                              "of them empty")
        check_finite(key, array)
        return array

    def array(self, key: str) -> np.ndarray:
        tensor = self.tensors[key]
        if not isinstance(tensor, QuantisedTensor):
            return tensor.array()
        if key not in self.codes:
            self.codes[key] = tensor.weights(key)
        return self.codes[key].units() if self.units else self.codes[key].values()


def _head(head: HeadDescription, inputs: int, weights: Weights) -> Head:
    w1, w2 = weights.take(head.w1, 2), weights.take(head.w2, 2)
    if head.in_out:
        w1, w2 = w1.T, w2.T
    hidden = len(w1)
    read = len(head.columns)
    _expect(head, head.w1, w1.shape, (hidden, read * head.repeat))
    _expect(head, head.w2, w2.shape, (len(w2), hidden))
    first, end = head.rows or (0, len(w2))
    if end > len(w2):
        raise ExportError("wrong-shape", f"head {head.name!r}: outputs {first} .. {end} of {head.w2}, which has "
                          f"{len(w2)}, expected them inside")
    b1 = _vector(head, head.b1, hidden, weights, 0.0)
    b2 = _vector(head, head.b2, len(w2), weights, 0.0)[first:end]
    # A repeated input meets one block of columns after another: the blocks add up.
    by_input = w1.reshape(hidden, head.repeat, read).sum(axis=1).T * _feature_weights(head, read, weights)[:, None]
    folded = np.zeros((inputs, hidden))
    np.add.at(folded, head.columns, by_input)
    activation = head.activation or ("softmax" if end - first > 1 else "identity")
    return Head(head.name, folded, b1, w2[first:end], b2, head.clamp_high, activation)


def _feature_weights(head: HeadDescription, read: int, weights: Weights) -> np.ndarray:
    if head.feature_weights_row is None:
        return _vector(head, head.feature_weights, read, weights, 1.0)
    table = weights.take(head.feature_weights, 2)
    _expect(head, head.feature_weights, table.shape, (len(table), read))
    if head.feature_weights_row >= len(table):
        raise ExportError("wrong-shape", f"head {head.name!r}: row {head.feature_weights_row} of "
                          f"{head.feature_weights}, expected below {len(table)}")
    return table[head.feature_weights_row]


def _vector(head: HeadDescription, key: str | None, size: int, weights: Weights, default: float) -> np.ndarray:
    if key is None:
        return np.full(size, default)
    vector = weights.take(key, 1)
    _expect(head, key, vector.shape, (size,))
    return vector


def _expect(head: HeadDescription, key: str, seen: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if seen != wanted:
        raise ExportError("wrong-shape", f"head {head.name!r}: {key} has shape {list(seen)}, expected {list(wanted)} "
                          f"(weights are {'[in, out]' if head.in_out else '[out, in]'})")
