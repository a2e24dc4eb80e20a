# SPDX-License-Identifier: Apache-2.0
"""Where states come from: calibration files, ranges, and a generator whose numbers never change with a version."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from .errors import ExportError
from .npy import read_npy
from .read import read_bytes

DEFAULT_RANGE = (-1.0, 1.0)
# Magnitudes a feature's range may have. Outside, 127 / magnitude or 1.5 x magnitude would leave float32.
SMALLEST_RANGE, LARGEST_RANGE = 2.0**-100, 2.0**100
MAX_CALIBRATION_BYTES = 4 << 30


@dataclass
class Calibration:
    """states float32 [n, inputs]; sha256 of the file they came from."""

    states: np.ndarray
    sha256: bytes


def read_calibration(path: str, inputs: int) -> Calibration:
    """Errors: cannot-read, damaged-npy, object-array, calibration-shape, calibration-not-finite."""
    data = read_bytes(path, MAX_CALIBRATION_BYTES)
    array = read_npy(data, path)
    if array.dtype.kind != "f" or array.dtype.itemsize not in (2, 4, 8):
        raise ExportError("calibration-shape", f"{path} holds {array.dtype}, expected float32 states")
    if array.ndim != 2 or array.shape[1] != inputs or len(array) == 0:
        raise ExportError("calibration-shape", f"{path} has shape {list(array.shape)}, expected [n, {inputs}] "
                          "with n at least 1")
    with np.errstate(over="ignore"):
        states = np.ascontiguousarray(array, dtype=np.float32)
    bad = ~np.isfinite(states)
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise ExportError("calibration-not-finite", f"{path} holds {array[row, column]} in state {row}, input "
                          f"{column} ({int(bad.sum())} elements), expected finite float32 states")
    return Calibration(states, hashlib.sha256(data).digest())


def calibrated_ranges(states: np.ndarray, features: int) -> tuple[np.ndarray, list[str]]:
    """float32 [features, 2] lowest and highest of each feature (the rows of a window share one), and remarks.

    A feature that is 0 (or smaller than 2^-100) in every state tells nothing: it gets [-1, 1]. A constant other
    than 0 keeps low = high; larger values will be clipped and counted."""
    columns = states.reshape(-1, features)
    ranges = np.stack([columns.min(axis=0), columns.max(axis=0)], axis=1) + np.float32(0)
    magnitude = np.max(np.abs(ranges), axis=1)
    for feature in np.flatnonzero(magnitude > LARGEST_RANGE):
        raise ExportError("range-out-of-limits", f"feature {feature} reaches {magnitude[feature]:.3g} in the "
                          f"calibration, expected at most {LARGEST_RANGE:.3g}")
    notes = []
    silent = magnitude < SMALLEST_RANGE
    ranges[silent] = np.float32(DEFAULT_RANGE)
    if silent.any():
        notes.append(f"{int(silent.sum())} of {features} features are 0 in every calibration state: range [-1, 1]")
    constant = ~silent & (ranges[:, 0] == ranges[:, 1])
    if constant.any():
        notes.append(f"{int(constant.sum())} of {features} features are constant in the calibration")
    return ranges, notes


def uniform_ranges(low: float, high: float, features: int) -> np.ndarray:
    """The same range for every feature, float32 [features, 2]."""
    return np.tile(np.float32([low, high]), (features, 1)) + np.float32(0)


def uniform(count: int, seed: int) -> np.ndarray:
    """float64 [count] in [0, 1): splitmix64 from `seed`, top 53 bits. Integer arithmetic only, so the numbers are
    the same under every numpy version (numpy.random does not promise that)."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53


def random_states(count: int, ranges: np.ndarray, inputs: int, seed: int, stretch: float = 1.0) -> np.ndarray:
    """float32 [count, inputs], uniform within `stretch` times the ranges."""
    per_input = ranges.astype(np.float64)[np.arange(inputs) % len(ranges)] * stretch
    fraction = uniform(count * inputs, seed).reshape(count, inputs)
    return (per_input[:, 0] + fraction * (per_input[:, 1] - per_input[:, 0])).astype(np.float32)


def spread(states: np.ndarray, count: int) -> np.ndarray:
    """At most `count` of the states, evenly spread, the first and the last among them (where count > 1)."""
    return states[spread_places(len(states), count)]


def spread_places(available: int, count: int) -> np.ndarray:
    """Which of them `spread` takes."""
    if available <= count:
        return np.arange(available)
    return np.arange(count) * (available - 1) // (count - 1)
