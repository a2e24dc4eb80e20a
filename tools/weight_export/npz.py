# SPDX-License-Identifier: Apache-2.0
"""Source: an npz with HEAD.w1 and HEAD.w2 as [in, out], heads in file order."""

from __future__ import annotations

import numpy as np

from .archive import Archive
from .errors import ExportError
from .model import Head, Model, check_finite
from .npy import read_npy

REQUIRED = ("w1", "w2")
OPTIONAL = ("feature_weights", "b1", "b2", "clamp", "activation")
DEFAULT_CLAMP = (0.0, 6.0)


def model_from_npz(archive: Archive) -> Model:
    """Errors: bad-key, missing-weights, wrong-shape, weights-not-finite, unsupported-tensor, unsupported-clamp,
    unsupported-activation, and those of Archive and read_npy."""
    records = {record.removesuffix(".npy"): record for record in archive.names()}
    for name in records:
        _check_name(archive.path, name)
    return model_from_arrays({name: read_npy(archive.read(record), f"{archive.path}: {record}")
                              for name, record in records.items()}, archive.path)


def model_from_arrays(arrays: dict[str, np.ndarray], path: str) -> Model:
    """Arrays by name, HEAD.w1 and so on. Errors: those of model_from_npz, without the archive's."""
    by_head: dict[str, dict[str, np.ndarray]] = {}
    for name, array in arrays.items():
        head, key = _check_name(path, name)
        by_head.setdefault(head, {})[key] = array
    if not by_head:
        raise ExportError("missing-weights", f"{path} holds no array, expected HEAD.w1 and HEAD.w2")
    heads = [_head(name, fields) for name, fields in by_head.items()]
    inputs = heads[0].w1.shape[0]
    for head in heads:
        if head.w1.shape[0] != inputs:
            raise ExportError("wrong-shape", f"head {head.name!r}: w1 has {head.w1.shape[0]} inputs, expected "
                              f"{inputs} as in head {heads[0].name!r}")
    return Model(inputs, heads)


def _check_name(path: str, name: str) -> tuple[str, str]:
    head, _, key = name.rpartition(".")
    if not head or key not in REQUIRED + OPTIONAL:
        raise ExportError("bad-key", f"{path} has {name!r}, expected HEAD.w1, HEAD.w2, "
                          + ", ".join(f"HEAD.{name}" for name in OPTIONAL))
    return head, key


def _head(name: str, fields: dict[str, np.ndarray]) -> Head:
    for key in REQUIRED:
        if key not in fields:
            raise ExportError("missing-weights", f"head {name!r} has no {name}.{key}, expected one")
    w1 = _weights(name, fields, "w1", (None, None))
    inputs, hidden = w1.shape
    w2 = _weights(name, fields, "w2", (hidden, None))
    outputs = w2.shape[1]
    feature_weights = _weights(name, fields, "feature_weights", (inputs,), 1.0)
    activation = _activation(name, fields.get("activation"), outputs)
    return Head(name, feature_weights[:, None] * w1, _weights(name, fields, "b1", (hidden,), 0.0), w2.T,
                _weights(name, fields, "b2", (outputs,), 0.0), _clamp_high(name, fields.get("clamp")), activation)


def _weights(name: str, fields: dict[str, np.ndarray], key: str, shape: tuple[int | None, ...],
             default: float = 0.0) -> np.ndarray:
    """float64 array of the given shape (None: any size of at least 1), or the default everywhere."""
    if key not in fields:
        return np.full(shape, default)
    array = fields[key]
    if array.dtype.kind != "f" or array.dtype.itemsize not in (2, 4, 8):
        raise ExportError("unsupported-tensor", f"{name}.{key} holds {array.dtype}, expected float16, float32 or "
                          "float64")
    fits = array.ndim == len(shape) and all(
        seen == size or (size is None and seen > 0) for seen, size in zip(array.shape, shape))
    if not fits:
        wanted = ", ".join("n" if size is None else str(size) for size in shape)
        raise ExportError("wrong-shape", f"{name}.{key} has shape {list(array.shape)}, expected [{wanted}] "
                          "(weights named so are [in, out])")
    check_finite(f"{name}.{key}", array)
    return array.astype(np.float64)


def _clamp_high(name: str, clamp: np.ndarray | None) -> float:
    low, high = DEFAULT_CLAMP
    if clamp is not None:
        if clamp.shape != (2,) or clamp.dtype.kind not in "fiu":
            raise ExportError("wrong-shape", f"{name}.clamp is {clamp.dtype} {list(clamp.shape)}, expected two "
                              "numbers, low and high")
        low, high = (float(bound) for bound in clamp)
    if low != 0 or not high > 0:
        raise ExportError("unsupported-clamp", f"{name}.clamp is {low} .. {high}, expected 0 and a bound above 0 "
                          "(inf for a plain ReLU)")
    return high


def _activation(name: str, array: np.ndarray | None, outputs: int) -> str:
    if array is None:
        return "softmax" if outputs > 1 else "identity"
    value = array.reshape(-1)[0] if array.size == 1 and array.dtype.kind in "US" else None
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    if text not in ("softmax", "identity"):
        seen = repr(text) if value is not None else f"{array.dtype} {list(array.shape)}"
        raise ExportError("unsupported-activation", f"{name}.activation is {seen}, expected 'softmax' or 'identity'")
    return text
