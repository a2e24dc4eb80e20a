# SPDX-License-Identifier: Apache-2.0
"""From calibration states to ranges: everything seen, all but outliers, or what costs the inputs least; and choosing
among these by states that none of them has seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .accuracy import Accuracy, check_budget, measure, round3, state_limit
from .errors import ExportError
from .model import Model
from .packed import PackedModel
from .quantise import WEIGHT_LIMIT, pack_int8
from .states import calibrated_ranges, spread

MINMAX, MSE, BEST, PERCENTILE = "minmax", "mse", "best", "percentile="
CANDIDATES = (MINMAX, "percentile=99.99", "percentile=99.9", "percentile=99", MSE)
# States behind the squared errors, and the magnitudes tried for each feature: 1, 31/32, ... 4/32 of the largest.
MSE_STATES = 4096
MSE_STEPS, MSE_LEAST = 32, 4
# Without a file of held-out states the newest quarter is held out: the states of a market are in the order of time.
HELD_OUT_SHARE = 4
FEWEST_STATES = 8


@dataclass
class Trial:
    """One method's ranges, exported and judged. `score` is the mean over heads of the mean error, relative to the
    largest magnitude for identity heads."""

    method: str
    score: float
    within_budget: bool
    accuracy: Accuracy


def method_ranges(method: str, states: np.ndarray, features: int) -> tuple[np.ndarray, list[str]]:
    """float32 [features, 2] and remarks. minmax is the lowest and highest of each feature; the others cut that to
    -limit .. limit. Errors: those of calibrated_ranges."""
    ranges, notes = calibrated_ranges(states, features)
    if method == MINMAX:
        return ranges, notes
    if method == MSE:
        limits = _least_squared_error(spread(states, MSE_STATES).reshape(-1, features), np.abs(ranges).max(axis=1))
    else:
        limits = _percentiles(states.reshape(-1, features), float(method.removeprefix(PERCENTILE)))
    limits = np.where(states.reshape(-1, features).any(axis=0) & (limits > 0), limits, np.inf)
    cut = np.clip(ranges, -limits[:, None], limits[:, None]).astype(np.float32)
    return np.where(np.abs(cut).max(axis=1, keepdims=True) >= np.float32(2.0**-100), cut, ranges), notes


def _percentiles(columns: np.ndarray, percent: float) -> np.ndarray:
    """The magnitude that `percent` of a feature's values other than 0 do not pass. The zeros do not count: a flag that
    is 1 in one state of two thousand would get the range 0."""
    limits = np.zeros(columns.shape[1])
    for feature, column in enumerate(np.abs(columns.T)):
        seen = column[column > 0]
        if len(seen):
            place = max(0, int(np.ceil(len(seen) * (percent / 100))) - 1)
            limits[feature] = np.partition(seen, place)[place]
    return limits


def _least_squared_error(columns: np.ndarray, largest: np.ndarray) -> np.ndarray:
    """For each feature the magnitude whose 127 steps each way come closest to its values, in the mean of squares."""
    values = columns.astype(np.float64)
    best, limits = np.full(len(largest), np.inf), largest.astype(np.float64)
    for step in range(MSE_STEPS, MSE_LEAST - 1, -1):
        magnitude = largest.astype(np.float64) * step / MSE_STEPS
        unit = magnitude / WEIGHT_LIMIT
        codes = np.clip(np.rint(values / unit), -WEIGHT_LIMIT, WEIGHT_LIMIT)
        error = np.sum((values - codes * unit)**2, axis=0)
        limits, best = np.where(error < best, magnitude, limits), np.minimum(error, best)
    return limits


def split(states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The states to calibrate with and the newest quarter to judge with. Error: calibration-too-small."""
    if len(states) < FEWEST_STATES:
        raise ExportError("calibration-too-small", f"{len(states)} states to choose and to judge with, expected at "
                          f"least {FEWEST_STATES}, or --held-out STATES.npy")
    first = len(states) - len(states) // HELD_OUT_SHARE
    return states[:first], states[first:]


def choose(model: Model, learned: np.ndarray, judged: np.ndarray, features: int, names: list[str],
           budget: dict[str, float]) -> tuple[PackedModel, list[str], list[Trial], str]:
    """Export with every candidate and judge each on the same states. Best is the lowest score of those within the
    budget (of all, where none is); of equals the first. Returns it with its notes, all trials and its method."""
    trials, made = [], []
    for method in CANDIDATES:
        ranges, notes = method_ranges(method, learned, features)
        packed = pack_int8(model, ranges, names)
        made.append((packed, notes))
        trials.append(_judge(method, model, packed, spread(judged, state_limit(packed)), budget))
    place = min(range(len(trials)), key=lambda i: (not trials[i].within_budget, trials[i].score, i))
    return *made[place], trials, trials[place].method


def _judge(method: str, model: Model, packed: PackedModel, states: np.ndarray, budget: dict[str, float]) -> Trial:
    accuracy = measure(model, packed, states)
    errors = [figures.mean_error / (1 if head.activation == "softmax" else max(figures.output_magnitude, 1e-300))
              for head, figures in zip(model.heads, accuracy.heads)]
    try:
        check_budget(model, accuracy, budget)
        within = True
    except ExportError:
        within = False
    return Trial(method, round3(sum(errors) / len(errors)), within, accuracy)
