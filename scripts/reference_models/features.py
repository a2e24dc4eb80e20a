# SPDX-License-Identifier: Apache-2.0
"""The inputs of the two models. Every feature of bar i uses bars 0..i only and lies in [-1, 1]."""
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .gaps import MAXIMUM_AGE, GapTrack
from .market import Bars
from .rolling import lagged, mean_past, price_unit, ratio_score, slow_average, squash, weighted_past

WARM_UP = 720  # bars before the slow averages have forgotten their start (three memories)

TACTICAL_FEATURES = ("bullish_gap_open", "bearish_gap_open", "gap_distance", "gap_age",
                     "gap_traded_through", "momentum_5", "volume_ratio")
MOMENTUM_UNITS = 5.0

STRATEGIC_FEATURES = (
    "momentum_10", "momentum_20", "momentum_40", "momentum_80",
    "kernel_slope_8", "kernel_slope_16", "kernel_slope_32",
    "kernel_offset_8", "kernel_offset_16", "kernel_offset_32",
    "return_shift", "spread_shift", "volume_shift")
MOMENTUM_SPANS = (10, 20, 40, 80)
KERNEL_WIDTHS = (8, 16, 32)
KERNEL_SPAN = 80  # bars the kernel regression looks back
RECENT, EARLIER = 20, 80  # the two samples of returns that the distribution distances compare


def tactical_rows(bars: Bars, gaps: GapTrack) -> np.ndarray:
    """[bars, 7] float32 in the order of TACTICAL_FEATURES."""
    unit = price_unit(bars)
    # Squashed rather than clipped: what happens to a gap depends on small differences in a small distance, and
    # an int8 input has 127 steps a side. With a clip at 8 units the fvg head lost 0.12 of a probability to them.
    distance = squash(gaps.distance / unit)
    momentum = np.clip((bars.close - lagged(bars.close, 5)) / (MOMENTUM_UNITS * unit), -1.0, 1.0)
    # volume / (volume + its slow average), stretched from (0, 1) to (-1, 1): 0 is usual volume.
    volume = ratio_score(bars.volume, slow_average(bars.volume))
    columns = (gaps.bullish_open, gaps.bearish_open, distance, gaps.age / MAXIMUM_AGE,
               gaps.traded_through, momentum, volume)
    return np.stack(columns, axis=1).astype(np.float32)


def strategic_rows(bars: Bars, _gaps: GapTrack) -> np.ndarray:
    """[bars, 13] float32: four for mlmi, six for nwrqk, three for mmd."""
    unit = price_unit(bars)
    columns = _momentum_index(bars, unit) + _kernel_regression(bars, unit) + _mean_discrepancy(bars, unit)
    return np.stack(columns, axis=1).astype(np.float32)


def _momentum_index(bars: Bars, unit: np.ndarray) -> list[np.ndarray]:
    """mlmi: momentum over four spans, against what a random walk would do in that time."""
    return [squash((bars.close - lagged(bars.close, span)) / (unit * np.sqrt(span)))
            for span in MOMENTUM_SPANS]


def _kernel_regression(bars: Bars, unit: np.ndarray) -> list[np.ndarray]:
    """nwrqk: Nadaraya-Watson regression with a rational quadratic kernel, over past bars only.

    For each width: the slope of the estimate over four bars, then the close's offset from the estimate.
    """
    slopes, offsets = [], []
    for width in KERNEL_WIDTHS:
        weights = [1.0 / (1.0 + lag * lag / (2.0 * width * width)) for lag in range(KERNEL_SPAN)]
        estimate = weighted_past(bars.close, weights) / sum(weights)
        slopes.append(squash((estimate - lagged(estimate, 4)) / unit))
        offsets.append(squash((bars.close - estimate) / (2.0 * unit)))
    return slopes + offsets


def _mean_discrepancy(bars: Bars, unit: np.ndarray) -> list[np.ndarray]:
    """mmd: how far the newest bars' distribution lies from that of the bars before them.

    A mean discrepancy is the distance between the means of a feature map over two samples. The maps are the
    return, its absolute value (spread) and the volume.
    """
    change = bars.close - lagged(bars.close, 1)
    spread = np.abs(change)

    def recent_and_earlier(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return mean_past(values, RECENT), lagged(mean_past(values, EARLIER), RECENT)

    new_return, old_return = recent_and_earlier(change)
    return [squash((new_return - old_return) * 4.0 / unit),
            ratio_score(*recent_and_earlier(spread)),
            ratio_score(*recent_and_earlier(bars.volume))]


@dataclass(frozen=True)
class InputShape:
    """How a model's input vector is made of rows: `window` rows, oldest first, flattened."""

    rows: Callable[[Bars, GapTrack], np.ndarray]
    names: tuple[str, ...]
    window: int

    @property
    def inputs(self) -> int:
        return self.window * len(self.names)


INPUTS = {"tactical": InputShape(tactical_rows, TACTICAL_FEATURES, 60),
          "strategic": InputShape(strategic_rows, STRATEGIC_FEATURES, 1)}


def states_ending_at(rows: np.ndarray, ends: np.ndarray, window: int) -> np.ndarray:
    """[len(ends), window * columns] float32: the window of rows that ends with each given bar."""
    index = np.asarray(ends)[:, None] + np.arange(1 - window, 1)
    return np.ascontiguousarray(rows[index].reshape(len(index), -1))
