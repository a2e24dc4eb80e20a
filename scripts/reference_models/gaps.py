# SPDX-License-Identifier: Apache-2.0
"""Three-bar fair value gaps, and which of them are open at every bar.

A gap is a price zone that three bars in a row left untraded between the first and the third:
  bullish at bar i:  high[i-2] < low[i]    zone (high[i-2], low[i]), below the market when it forms
  bearish at bar i:  low[i-2] > high[i]    zone (high[i], low[i-2]), above the market when it forms
A zone narrower than MINIMUM_WIDTH is noise and does not count (it would make a gap of every fourth bar).
The edge towards the market is the near edge, the other the far edge. A gap is open from bar i on. It is
  traded through  by the first later bar that reaches the far edge: low[j] <= high[i-2] (bullish) or
                  high[j] >= low[i-2] (bearish); from bar j on it is no longer open
  forgotten       MAXIMUM_AGE bars after it formed, so that a trend does not leave gaps open for ever
"""
from dataclasses import dataclass

import numpy as np

from .market import Bars

MAXIMUM_AGE = 120
MINIMUM_WIDTH = 10.0  # ticks; about a third of a usual bar's range
BULLISH, NO_GAP, BEARISH = 1, 0, -1


@dataclass(frozen=True)
class Gap:
    kind: int  # BULLISH or BEARISH
    near: float
    far: float
    born: int  # index of its third bar

    def distance(self, price: float) -> float:
        """Signed distance from a price to the zone: negative below the price, 0 inside, positive above."""
        if self.kind == BULLISH:
            return min(self.near - price, 0.0)
        return max(self.near - price, 0.0)

    def reached_through(self, high: float, low: float) -> bool:
        return low <= self.far if self.kind == BULLISH else high >= self.far


@dataclass(frozen=True)
class GapTrack:
    """What is known about gaps at the close of every bar; every array is [bars]."""

    bullish_open: np.ndarray  # 1 where a bullish gap is open, else 0
    bearish_open: np.ndarray
    traded_through: np.ndarray  # 1 where this bar traded through a gap
    kind: np.ndarray  # of the nearest open gap: BULLISH, BEARISH or NO_GAP
    distance: np.ndarray  # from the close to that gap, in ticks, signed; 0 without a gap
    age: np.ndarray  # bars since it formed; 0 without a gap
    near: np.ndarray  # its edges; NaN without a gap
    far: np.ndarray
    born: np.ndarray  # its third bar; -1 without a gap


def new_gap(high: list[float], low: list[float], i: int) -> Gap | None:
    """The gap that bar i completes, if any."""
    if i >= 2 and low[i] - high[i - 2] >= MINIMUM_WIDTH:
        return Gap(BULLISH, low[i], high[i - 2], i)
    if i >= 2 and low[i - 2] - high[i] >= MINIMUM_WIDTH:
        return Gap(BEARISH, high[i], low[i - 2], i)
    return None


def track_gaps(bars: Bars) -> GapTrack:
    """Walk once through the bars; bar i uses bars 0..i only."""
    high, low, close = bars.high.tolist(), bars.low.tolist(), bars.close.tolist()
    open_gaps: list[Gap] = []
    rows = []
    for i in range(len(bars)):
        remaining = [gap for gap in open_gaps if not gap.reached_through(high[i], low[i])]
        traded_through = len(remaining) < len(open_gaps)
        open_gaps = [gap for gap in remaining if i - gap.born <= MAXIMUM_AGE]
        formed = new_gap(high, low, i)
        if formed:
            open_gaps.append(formed)
        rows.append(_row(open_gaps, traded_through, close[i], i))
    return GapTrack(*(np.array(column, dtype=np.float64) for column in zip(*rows)))


def _row(open_gaps: list[Gap], traded_through: bool, close: float, i: int) -> tuple:
    """The fields of GapTrack for one bar. Of equally near gaps the newest counts."""
    bullish = any(gap.kind == BULLISH for gap in open_gaps)
    bearish = any(gap.kind == BEARISH for gap in open_gaps)
    if not open_gaps:
        return (0, 0, traded_through, NO_GAP, 0.0, 0, float("nan"), float("nan"), -1)
    nearest = min(open_gaps, key=lambda gap: (abs(gap.distance(close)), -gap.born))
    return (bullish, bearish, traded_through, nearest.kind, nearest.distance(close), i - nearest.born,
            nearest.near, nearest.far, nearest.born)
