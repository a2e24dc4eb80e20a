# SPDX-License-Identifier: Apache-2.0
"""Held-out scores, and whether a model beats its baseline by more than chance.

Neighbouring states share bars and regimes, so their losses are not independent and a plain standard error
would be far too small. Losses are averaged over blocks of BLOCK consecutive bars, about ten regimes long;
the blocks are close to independent, and the standard error is taken over them.
"""
from dataclasses import dataclass

import numpy as np

from .tasks import Task

BLOCK = 1000
SMALLEST_PROBABILITY = 1e-7
REQUIRED_ERRORS = 3.0  # a head must beat the baseline by this many standard errors


@dataclass(frozen=True)
class Margin:
    """By how much the model is better than the baseline, with the standard error of that difference."""

    better_by: float
    standard_error: float

    @property
    def holds(self) -> bool:
        return self.better_by > REQUIRED_ERRORS * self.standard_error


@dataclass(frozen=True)
class Score:
    """A metric of one head on held-out states: `loss` is log loss, error rate or squared error."""

    metric: str
    model: float
    baseline: float
    linear: float
    margin: Margin


def block_margin(baseline_loss: np.ndarray, model_loss: np.ndarray) -> Margin:
    difference = baseline_loss - model_loss
    blocks = len(difference) // BLOCK
    if blocks < 2:
        raise ValueError(f"{len(difference)} held-out states: fewer than two blocks of {BLOCK}")
    means = difference[:blocks * BLOCK].reshape(blocks, BLOCK).mean(axis=1)
    return Margin(float(difference.mean()), float(means.std(ddof=1) / np.sqrt(blocks)))


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """One loss a state."""
    chosen = probabilities[np.arange(len(labels)), labels]
    return -np.log(np.maximum(chosen.astype(np.float64), SMALLEST_PROBABILITY))


def error(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """1 where the most probable class is wrong, else 0."""
    return (np.argmax(probabilities, axis=1) != labels).astype(np.float64)


def squared_error(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return (values.reshape(-1).astype(np.float64) - labels) ** 2


def baseline_output(task: Task, training: np.ndarray, count: int) -> np.ndarray:
    """What needs no model: the training frequencies of the classes, or the training mean."""
    labels = task.labels[training]
    if task.is_value:
        return np.full((count, 1), labels.mean())
    frequencies = np.bincount(labels, minlength=len(task.classes)) / len(labels)
    return np.tile(frequencies, (count, 1))


def score_head(task: Task, training: np.ndarray, held_out: np.ndarray,
               output: np.ndarray, linear: np.ndarray) -> list[Score]:
    """Scores of one head; `output` and `linear` are the two models' outputs on the held-out states."""
    labels = task.labels[held_out]
    baseline = baseline_output(task, training, len(held_out))
    losses = {"squared_error": squared_error} if task.is_value else {"log_loss": log_loss, "error_rate": error}
    scores = []
    for metric, loss in losses.items():
        by_model, by_baseline = loss(output, labels), loss(baseline, labels)
        scores.append(Score(metric, float(by_model.mean()), float(by_baseline.mean()),
                            float(loss(linear, labels).mean()), block_margin(by_baseline, by_model)))
    return scores
