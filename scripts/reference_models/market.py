# SPDX-License-Identifier: Apache-2.0
"""A synthetic market: four regimes that follow each other as a Markov chain, and the bars they make.

The regimes leave traces (drift, mean reversion, volatility, jumps, volume) that past bars show and future
bars repeat for a while. That is the signal the reference models can learn; everything else is noise.
All arithmetic is exact under IEEE 754 (see stable_random), so a seed gives the same bars everywhere.
"""
from dataclasses import dataclass

import numpy as np

from .stable_random import StableRandom

REGIMES = ("trend_up", "trend_down", "range", "volatile")
TREND_UP, TREND_DOWN, RANGE, VOLATILE = range(4)

STAY_PROBABILITY = 0.99  # a regime lasts 100 bars on average
STEPS_PER_BAR = 8  # price moves inside one bar; high and low come from them
FIRST_PRICE = 100_000.0  # in ticks; only price differences matter to anything that reads the bars
BASE_SIGMA = 20.0  # ticks per bar; prices are whole ticks
RANGE_PULL = 0.10  # share of the distance to the range's middle that one bar takes back
BASE_VOLUME = 1000.0

# One entry a regime, in the order of REGIMES. Drift and sigma are in units of BASE_SIGMA.
DRIFT = (0.28, -0.28, 0.0, 0.0)
SIGMA = (1.0, 1.0, 0.75, 1.9)
JUMP_PROBABILITY = (0.02, 0.02, 0.004, 0.05)  # the price gaps between a close and the next open
JUMP_UP_PROBABILITY = (0.85, 0.15, 0.5, 0.5)
VOLUME = (1.1, 1.1, 0.7, 1.6)


@dataclass(frozen=True)
class Bars:
    """Bars of one market, oldest first; every array is [bars]. Prices are in ticks."""

    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    regime: np.ndarray  # index into REGIMES; the models never see it

    def __len__(self) -> int:
        return len(self.close)


def generate_market(bars: int, seed: int) -> Bars:
    """Make `bars` bars. The same seed gives the same bytes."""
    random = StableRandom(seed)
    regime = _regimes(random, bars)
    sigma = np.array(SIGMA)[regime] * BASE_SIGMA * _cluster(random, bars, memory=0.95, depth=0.22)
    jump = _jumps(random, regime, sigma)
    noise = np.cumsum(random.normal(bars * STEPS_PER_BAR).reshape(bars, STEPS_PER_BAR), axis=1)
    noise *= (sigma / np.sqrt(STEPS_PER_BAR))[:, None]
    open_, drift, close = _walk(regime, jump, noise[:, -1])
    high, low = _extremes(open_, drift, noise, close)
    return Bars(open_, high, low, close, _volume(random, regime, sigma), regime)


def _regimes(random: StableRandom, bars: int) -> np.ndarray:
    """A Markov chain: stay, or move to one of the three others with equal chances."""
    moves = random.uniform(bars)
    regime = np.empty(bars, dtype=np.int64)
    current = RANGE
    for i in range(bars):
        excess = moves[i] - STAY_PROBABILITY
        if excess >= 0:
            other = int(excess / (1.0 - STAY_PROBABILITY) * 3)
            current = (current + 1 + min(other, 2)) % 4
        regime[i] = current
    return regime


def _autoregression(shocks: np.ndarray, memory: float) -> np.ndarray:
    """x[i] = memory * x[i-1] + shock, scaled so that x has variance 1."""
    scale = float(np.sqrt(1.0 - memory * memory))
    value, out = 0.0, np.empty(len(shocks))
    for i, shock in enumerate(shocks.tolist()):
        value = memory * value + scale * shock
        out[i] = value
    return out


def _cluster(random: StableRandom, bars: int, memory: float, depth: float) -> np.ndarray:
    """A positive factor around 1 that stays high or low for a while."""
    return np.maximum(1.0 + depth * _autoregression(random.normal(bars), memory), 0.25)


def _jumps(random: StableRandom, regime: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """The move between the last close and this open: mostly none, at times 1.5 to 4 sigma."""
    bars = len(regime)
    happens = random.uniform(bars) < np.array(JUMP_PROBABILITY)[regime]
    upward = random.uniform(bars) < np.array(JUMP_UP_PROBABILITY)[regime]
    size = (1.5 + 2.5 * random.uniform(bars)) * sigma
    return np.where(happens, np.where(upward, size, -size), 0.0)


def _walk(regime: np.ndarray, jump: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Opens, drifts and closes, bar after bar: a range pulls towards the price at which it began."""
    bars = len(regime)
    opens, drifts, closes = np.empty(bars), np.empty(bars), np.empty(bars)
    price, middle, previous = FIRST_PRICE, FIRST_PRICE, -1
    steps = zip(regime.tolist(), jump.tolist(), noise.tolist())
    for i, (kind, gap, move) in enumerate(steps):
        if kind != previous:
            middle, previous = price, kind
        start = float(round(price + gap))
        drift = RANGE_PULL * (middle - start) if kind == RANGE else DRIFT[kind] * BASE_SIGMA
        price = float(round(start + drift + move))
        opens[i], drifts[i], closes[i] = start, drift, price
    return opens, drifts, closes


def _extremes(open_: np.ndarray, drift: np.ndarray, noise: np.ndarray,
              close: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """High and low of the path inside each bar; the open and the rounded close belong to it."""
    progress = np.arange(1, STEPS_PER_BAR + 1) / STEPS_PER_BAR
    path = np.rint(open_[:, None] + drift[:, None] * progress + noise)
    path[:, -1] = close
    return np.maximum(path.max(axis=1), open_), np.minimum(path.min(axis=1), open_)


def _volume(random: StableRandom, regime: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Volume follows the regime and the volatility, comes in clusters, and is noisy."""
    bars = len(regime)
    cluster = _cluster(random, bars, memory=0.9, depth=0.3)
    noise = 0.6 + 0.8 * random.uniform(bars)
    level = np.array(VOLUME)[regime] * (0.5 + 0.5 * sigma / BASE_SIGMA)
    return np.rint(BASE_VOLUME * level * cluster * noise)
