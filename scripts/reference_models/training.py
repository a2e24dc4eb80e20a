# SPDX-License-Identifier: Apache-2.0
"""Train a network on a dataset; the same seed gives the same weights on the same machine (PyTorch).

One thread, because the order of sums, and with it the last bits of the weights, depends on the number of
threads. On another kind of CPU the weights can differ in their last digits all the same.
"""
import math
import sys
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from .dataset import Dataset
from .stable_random import StableRandom
from .tasks import Task


@dataclass(frozen=True)
class Schedule:
    steps: int
    batch: int = 512
    rate: float = 2e-3  # falls to zero along a half cosine
    weight_decay: float = 0.1


class Progress:
    """One line now and then on stderr, with the time left."""

    def __init__(self, title: str, steps: int, lines: int = 8) -> None:
        self._title, self._steps, self._every = title, steps, max(1, steps // lines)
        self._start = time.monotonic()

    def report(self, done: int, loss: float) -> None:
        if done % self._every and done != self._steps:
            return
        left = (time.monotonic() - self._start) * (self._steps - done) / done
        print(f"{self._title}: step {done} of {self._steps}, loss {loss:.4f}, {left:.0f} s left", file=sys.stderr)


def prepare(seed: int) -> None:
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def split_inputs(network: nn.Module, states: np.ndarray) -> tuple[Tensor, ...]:
    return torch.from_numpy(states).split(list(network.widths), dim=1)


def total_loss(network: nn.Module, states: np.ndarray, tasks: list[Task], ends: np.ndarray) -> Tensor:
    """Sum over heads. They share no weights, so each is trained as if it were alone."""
    total = torch.zeros(())
    for task, output in zip(tasks, network.logits(*split_inputs(network, states))):
        labels = torch.from_numpy(task.labels[ends])
        if task.is_value:
            total = total + mse_loss(output[:, 0], labels.float())
        else:
            total = total + cross_entropy(output, labels)
    return total


def train(network: nn.Module, data: Dataset, schedule: Schedule, seed: int, title: str) -> None:
    """AdamW on batches drawn with replacement from the training states."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=schedule.rate, weight_decay=schedule.weight_decay)
    random = StableRandom(seed)
    progress = Progress(title, schedule.steps)
    network.train()
    for step in range(schedule.steps):
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate * 0.5 * (1.0 + math.cos(math.pi * step / schedule.steps))
        picks = (random.uniform(schedule.batch) * len(data.training)).astype(np.int64)
        ends = data.training[picks]
        loss = total_loss(network, data.states(ends), data.tasks, ends)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        progress.report(step + 1, float(loss.detach()))
    network.eval()


def predict(network: nn.Module, data: Dataset, ends: np.ndarray) -> list[np.ndarray]:
    """Outputs of every head at the given bars, in pieces that stay small in memory."""
    pieces = []
    with torch.no_grad():
        for start in range(0, len(ends), 8192):
            states = data.states(ends[start:start + 8192])
            pieces.append([output.numpy() for output in network(*split_inputs(network, states))])
    return [np.concatenate(head) for head in zip(*pieces)]
