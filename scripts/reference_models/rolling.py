# SPDX-License-Identifier: Apache-2.0
"""Causal running quantities. Sums run in a fixed order, so that they are the same on every CPU
(numpy's own sum adds in an order that depends on the vector width)."""
import numpy as np

from .market import Bars

SLOW_MEMORY = 1.0 / 240.0  # weight of the newest bar in the slow averages


def lagged(values: np.ndarray, lag: int) -> np.ndarray:
    """values[i - lag]; the first value stands in before the start."""
    if lag == 0:
        return values
    return np.concatenate([np.full(min(lag, len(values)), values[0]), values[:-lag]])


def weighted_past(values: np.ndarray, weights: list[float]) -> np.ndarray:
    """sum over k of weights[k] * values[i - k]."""
    total = np.zeros(len(values))
    for lag, weight in enumerate(weights):
        total = total + weight * lagged(values, lag)
    return total


def mean_past(values: np.ndarray, count: int) -> np.ndarray:
    """Mean of the newest `count` values."""
    return weighted_past(values, [1.0] * count) / count


def slow_average(values: np.ndarray) -> np.ndarray:
    """Exponential average; the first value is its start, so it needs a warm-up of a few hundred bars."""
    average, out = float(values[0]), np.empty(len(values))
    for i, value in enumerate(values.tolist()):
        average += SLOW_MEMORY * (value - average)
        out[i] = average
    return out


def true_range(bars: Bars) -> np.ndarray:
    """The bar's range, widened to the last close where the price jumped in between."""
    last = lagged(bars.close, 1)
    return np.maximum(bars.high, last) - np.minimum(bars.low, last)


def price_unit(bars: Bars) -> np.ndarray:
    """The slow average of the true range, at least one tick: the yardstick for every price distance."""
    return np.maximum(slow_average(true_range(bars)), 1.0)


def squash(values: np.ndarray) -> np.ndarray:
    """To the open interval (-1, 1), monotone: x / (1 + |x|). tanh is not the same on every CPU."""
    return values / (1.0 + np.abs(values))


def ratio_score(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Two positive quantities compared on [-1, 1]: 0 where equal, 1/3 where the first is double."""
    total = values + reference
    return np.where(total > 0, (values - reference) / np.where(total > 0, total, 1.0), 0.0)
