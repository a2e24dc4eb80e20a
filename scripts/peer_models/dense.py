# SPDX-License-Identifier: Apache-2.0
"""The bundled blobs' weights as plain dense matrices, which every peer can take."""
import importlib
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
# How the strategic model's inputs come: a head reads one of the three, or all of them. A blob holds one input of 13.
PARTS = {"tactical": (420,), "strategic": (4, 6, 3)}


def read_blob(path: Path):
    """Through the exporter's strict reader."""
    sys.path.insert(0, str(REPOSITORY / "tools"))
    try:
        return importlib.import_module("weight_export.read_blob").read_blob(str(path)).packed
    finally:
        sys.path.pop(0)


@dataclass
class Head:
    """w1 [rows, hidden] reads inputs begin .. begin + rows; w2 [hidden, outputs]."""

    name: str
    begin: int
    w1: np.ndarray
    b1: np.ndarray
    w2: np.ndarray
    b2: np.ndarray
    softmax: bool


@dataclass
class Dense:
    """One model. codes: the int8 weights [inputs, lanes] with their scales, as the int8 blob has them."""

    name: str
    inputs: int
    parts: tuple[int, ...]
    clamp_high: float
    heads: list[Head]
    codes: np.ndarray
    int8_start: np.ndarray
    lane_scale: np.ndarray
    input_scale: np.ndarray

    @property
    def has_bias(self) -> bool:
        return any(head.b1.any() or head.b2.any() for head in self.heads)

    def fused(self) -> dict[str, np.ndarray]:
        """One layer 1 for all heads, and a layer 2 that is zero outside its blocks."""
        lanes, outputs = sum(h.w1.shape[1] for h in self.heads), sum(h.w2.shape[1] for h in self.heads)
        w1, w2 = np.zeros((self.inputs, lanes), np.float32), np.zeros((lanes, outputs), np.float32)
        lane = output = 0
        for head in self.heads:
            rows, hidden = head.w1.shape
            w1[head.begin:head.begin + rows, lane:lane + hidden] = head.w1
            w2[lane:lane + hidden, output:output + head.w2.shape[1]] = head.w2
            lane, output = lane + hidden, output + head.w2.shape[1]
        return {"w1": w1, "start": np.concatenate([h.b1 for h in self.heads]), "w2": w2,
                "start2": np.concatenate([h.b2 for h in self.heads])}


def rows_read(w1: np.ndarray, parts: tuple[int, ...]) -> tuple[int, int]:
    """Begin and count of the one part that the head reads, or of all inputs."""
    edges = np.concatenate([[0], np.cumsum(parts)])
    for begin, end in zip(edges[:-1], edges[1:]):
        outside = np.concatenate([w1[:begin], w1[end:]])
        if not outside.any():
            return int(begin), int(end - begin)
    return 0, len(w1)


def load(name: str, weights: Path) -> Dense:
    """Both blobs of one model. ValueError where they are of a form that the peers here do not build."""
    single, codes = read_blob(weights / f"{name}-float32.blob"), read_blob(weights / f"{name}-int8.blob")
    bounds = {float(head.clamp_high) for head in single.heads}
    if len(bounds) != 1:
        raise ValueError(f"{name}: clamp bounds {sorted(bounds)}, expected one for all heads")
    if np.abs(codes.start).max() >= 2**24:
        raise ValueError(f"{name}: an int8 start of {np.abs(codes.start).max()}, expected below 2^24 to be exact")
    heads, real = [], np.concatenate([np.arange(h.first_lane, h.first_lane + h.hidden) for h in single.heads])
    for head in single.heads:
        lanes = slice(head.first_lane, head.first_lane + head.hidden)
        begin, rows = rows_read(single.w1[:, lanes], PARTS[name])
        heads.append(Head(head.name, begin, single.w1[begin:begin + rows, lanes], single.start[lanes],
                          head.w2[:, :head.hidden].T, head.start2, head.activation == 1))
    return Dense(name, single.inputs, PARTS[name], bounds.pop(), heads, codes.w1[:, real], codes.start[real],
                 codes.lane_scale[real], codes.input_scale)
