# SPDX-License-Identifier: Apache-2.0
"""One market, cut by time into training and held-out states."""
from dataclasses import dataclass

import numpy as np

from .features import INPUTS, WARM_UP, InputShape, states_ending_at
from .gaps import track_gaps
from .market import generate_market
from .tasks import HORIZON, TASKS, Task

HELD_OUT_SHARE = 0.25


@dataclass(frozen=True)
class Dataset:
    """Rows of one market and the bars at which training and held-out states end."""

    shape: InputShape
    rows: np.ndarray  # [bars, columns] float32
    tasks: list[Task]
    training: np.ndarray  # bar indices, ascending
    held_out: np.ndarray  # bar indices, ascending, all later than the training bars

    def states(self, ends: np.ndarray) -> np.ndarray:
        return states_ending_at(self.rows, ends, self.shape.window)


def make_dataset(model: str, bars: int, seed: int) -> Dataset:
    market = generate_market(bars, seed)
    gaps = track_gaps(market)
    shape = INPUTS[model]
    training, held_out = split_by_time(bars, shape.window, HORIZON[model])
    return Dataset(shape, shape.rows(market, gaps), TASKS[model](market, gaps), training, held_out)


def split_by_time(bars: int, window: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """The first three quarters train, the rest is held out, and WARM_UP + window + horizon bars between
    them are used by neither: no held-out window, no slow average of it to speak of, touches a bar that a
    training label has read."""
    first, last = WARM_UP + window - 1, bars - horizon
    end_of_training = first + int((last - first) * (1.0 - HELD_OUT_SHARE))
    start_of_held_out = end_of_training + WARM_UP + window + horizon
    if start_of_held_out >= last:
        raise ValueError(f"{bars} bars are too few to split")
    return np.arange(first, end_of_training), np.arange(start_of_held_out, last)
