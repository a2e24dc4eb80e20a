# SPDX-License-Identifier: Apache-2.0
"""What each head has to predict, from bars after the one its state ends with.

A label of bar i reads bars i+1 .. i+HORIZON (and bar i for where the price stands). Labels are used for
training and scoring only; no feature sees them.
"""
from dataclasses import dataclass

import numpy as np

from .features import RECENT
from .gaps import BULLISH, NO_GAP, GapTrack
from .market import Bars
from .rolling import lagged, mean_past, price_unit, ratio_score, true_range

HORIZON = {"tactical": 20, "strategic": 40}  # the furthest future bar that a label reads
DOWN, FLAT, UP = 0, 1, 2
FILLED, HELD, UNTOUCHED = 0, 1, 2


@dataclass(frozen=True)
class Task:
    head: str
    classes: tuple[str, ...]  # empty for a regression
    labels: np.ndarray  # [bars] int64 class, or float64 value
    question: str

    @property
    def is_value(self) -> bool:
        return not self.classes


def future(values: np.ndarray, lead: int) -> np.ndarray:
    """values[i + lead]; the last value stands in beyond the end (those bars are never used)."""
    return np.concatenate([values[lead:], np.full(min(lead, len(values)), values[-1])])


def future_extreme(values: np.ndarray, count: int, pick: np.ufunc) -> np.ndarray:
    """Maximum or minimum of values[i+1 .. i+count]."""
    extreme = future(values, 1)
    for lead in range(2, count + 1):
        extreme = pick(extreme, future(values, lead))
    return extreme


def three_way(score: np.ndarray, threshold: float) -> np.ndarray:
    """DOWN below -threshold, UP above it, FLAT between."""
    return np.where(score > threshold, UP, np.where(score < -threshold, DOWN, FLAT)).astype(np.int64)


def gap_outcome(bars: Bars, gaps: GapTrack, count: int) -> np.ndarray:
    """What happens to the nearest open gap: FILLED (its far edge reached), HELD (near edge only), UNTOUCHED.

    A bar without an open gap (fewer than one in a hundred) counts as UNTOUCHED.
    """
    highest = future_extreme(bars.high, count, np.maximum)
    lowest = future_extreme(bars.low, count, np.minimum)
    bullish = gaps.kind == BULLISH
    filled = np.where(bullish, lowest <= gaps.far, highest >= gaps.far)
    touched = np.where(bullish, lowest <= gaps.near, highest >= gaps.near)
    outcome = np.where(filled, FILLED, np.where(touched, HELD, UNTOUCHED))
    return np.where(gaps.kind == NO_GAP, UNTOUCHED, outcome).astype(np.int64)


def trade_score(bars: Bars, unit: np.ndarray, count: int) -> np.ndarray:
    """Gain of a position held for `count` bars, divided by its risk (the worst move against it).

    Positive for a rise, negative for a fall; one price unit of risk is assumed at least.
    """
    gain = future(bars.close, count) - bars.close
    worst_long = bars.close - future_extreme(bars.low, count, np.minimum)
    worst_short = future_extreme(bars.high, count, np.maximum) - bars.close
    risk = np.where(gain > 0, worst_long, worst_short)
    return gain / (np.maximum(risk, 0.0) + unit)


def volatility_change(bars: Bars, unit: np.ndarray, count: int) -> np.ndarray:
    """Mean true range of the next `count` bars in price units, minus 1 (about -0.6 to 2)."""
    return future(mean_past(true_range(bars), count), count) / unit - 1.0


def tactical_tasks(bars: Bars, gaps: GapTrack) -> list[Task]:
    unit = price_unit(bars)
    move = (future(bars.close, 10) - bars.close) / unit
    return [
        Task("fvg", ("filled", "held", "untouched"), gap_outcome(bars, gaps, 15),
             "what happens to the nearest open gap in the next 15 bars"),
        Task("momentum", ("down", "flat", "up"), three_way(move, 1.0),
             "does the close move by more than one usual bar range in 10 bars"),
        Task("entry", ("short", "none", "long"), three_way(trade_score(bars, unit, 20), 1.0),
             "does a 20-bar position gain more than its worst adverse move plus one usual bar range"),
        Task("critic", (), volatility_change(bars, unit, 20),
             "mean true range of the next 20 bars against the slow average, minus 1")]


def strategic_tasks(bars: Bars, _gaps: GapTrack) -> list[Task]:
    unit = price_unit(bars)
    move = (future(bars.close, 40) - bars.close) / unit
    channel_high = future_extreme(bars.close[::-1], 40, np.maximum)[::-1]  # read backwards: the past
    channel_low = future_extreme(bars.close[::-1], 40, np.minimum)[::-1]
    ahead = future(bars.close, 20)
    breakout = np.where(ahead > channel_high, UP, np.where(ahead < channel_low, DOWN, FLAT)).astype(np.int64)
    spread = np.abs(bars.close - lagged(bars.close, 1))
    spread_change = ratio_score(future(mean_past(spread, 40), 40), mean_past(spread, RECENT))
    return [
        Task("mlmi", ("down", "flat", "up"), three_way(move, 2.5),
             "does the close move by more than 2.5 usual bar ranges in 40 bars"),
        Task("nwrqk", ("below", "inside", "above"), breakout,
             "where is the close in 20 bars against the highest and lowest of the last 40 closes before this one"),
        Task("mmd", ("calmer", "same", "wilder"), three_way(spread_change, 0.1),
             "are the next 40 bars' moves smaller or larger, by a fifth, than the last 20 bars'"),
        Task("critic", (), volatility_change(bars, unit, 40),
             "mean true range of the next 40 bars against the slow average, minus 1")]


TASKS = {"tactical": tactical_tasks, "strategic": strategic_tasks}
