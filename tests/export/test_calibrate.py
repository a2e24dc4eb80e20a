# SPDX-License-Identifier: Apache-2.0
"""Ranges by percentile, by squared error, and the best of them on held-out states."""

import json

import numpy as np
import pytest
from helpers import npy_bytes, save_npz, small_head

from weight_export import calibrate
from weight_export.read_blob import read_blob

LENIENT = ["--budget", "probability=1,value=1,argmax=0"]


@pytest.fixture
def run(export, tmp_path):
    source = save_npz(tmp_path / "m.npz", small_head("actor") | small_head("critic", outputs=1))

    def run(states, *options, held_out=None, budget=LENIENT):
        (tmp_path / "states.npy").write_bytes(npy_bytes(states))
        if held_out is not None:
            (tmp_path / "held.npy").write_bytes(npy_bytes(held_out))
            options = (*options, "--held-out", tmp_path / "held.npy")
        return export(source, "--calibration", tmp_path / "states.npy", "--report", tmp_path / "r.json", *budget,
                      *options)
    run.report = lambda: json.loads((tmp_path / "r.json").read_text())
    return run


def draw(count=2000, seed=0, outliers=0):
    """Uniform in [-1, 1], with some states 50 times as large."""
    states = np.random.RandomState(seed).uniform(-1, 1, (count, 12)).astype(np.float32)
    states[:outliers] *= 50
    return states


def ranges(result):
    result.succeeded()
    return read_blob(result.blob).packed.ranges


def test_the_default_is_minmax(run):
    states = draw()
    expected = np.stack([states.min(axis=0), states.max(axis=0)], axis=1)
    assert np.array_equal(ranges(run(states)), expected)
    assert np.array_equal(ranges(run(states, "--calibrate", "minmax")), expected)
    assert run.report()["calibrate"] == {"method": "minmax", "candidates": []}


@pytest.mark.parametrize("percent", [50, 90, 99.5, 100])
def test_percentile(run, percent):
    """The magnitude below which that share of a feature's values lies, against a sorted list."""
    states = draw(outliers=4)
    seen = ranges(run(states, "--calibrate", f"percentile={percent}"))
    for column, (low, high) in zip(states.T, seen):
        magnitudes = np.sort(np.abs(column))
        limit = magnitudes[int(np.ceil(percent / 100 * len(magnitudes))) - 1]
        assert (low, high) == (max(column.min(), -limit), min(column.max(), limit))


def test_percentile_of_a_rare_flag(run):
    """Zeros do not count: a flag that is set once in 2,000 states keeps its range."""
    states = draw()
    states[:, 3], states[7, 3] = 0, 1
    states[:, 4] = 0
    states[:, 5] = 0.25
    seen = ranges(run(states, "--calibrate", "percentile=99"))
    assert seen[3].tolist() == [0, 1] and seen[4].tolist() == [-1, 1] and seen[5].tolist() == [0.25, 0.25]


def test_percentile_of_a_rare_measure(run):
    """Three percent of its values are not 0: their own percentile counts."""
    states = draw()
    magnitudes = np.arange(1, 61, dtype=np.float32) / 60
    states[:, 3] = 0
    states[100:160, 3] = magnitudes
    assert ranges(run(states, "--calibrate", "percentile=95"))[3].tolist() == [0, magnitudes[56]]


def squared_error(column, magnitude):
    unit = magnitude / 127
    return np.sum((column - np.clip(np.rint(column / unit), -127, 127) * unit)**2)


def test_mse(run):
    """No other magnitude that is tried comes closer, and one of 1.5 among 50,000 up to 1 is not worth its room."""
    states = draw(4096)
    states[7, 5] = 1.5
    (seen,) = ranges(run(states, "--calibrate", "mse", "--window", "12x1"))
    values, tried = states.astype(np.float64).reshape(-1), [1.5 * step / 32 for step in range(4, 33)]
    errors = [squared_error(values, magnitude) for magnitude in tried]
    assert seen[1] == np.float32(tried[int(np.argmin(errors))]) and 1 < seen[1] < 1.5


def test_mse_keeps_a_flag(run):
    states = draw()
    states[:, 3] = states[:, 3] > 0
    assert ranges(run(states, "--calibrate", "mse"))[3].tolist() == [0, 1]


def test_best_of_clean_states_is_not_clipped(run):
    run(draw(), "--calibrate", "best").succeeded()
    report = run.report()
    assert [trial["method"] for trial in report["calibrate"]["candidates"]] == list(calibrate.CANDIDATES)
    assert report["states"] == 500 and "last quarter" in report["states_from"]


def test_best_with_outliers(run):
    """Outliers in the calibration, none in the held-out states: a method that cuts them wins, and by its own score."""
    result = run(draw(outliers=3), "--calibrate", "best", held_out=draw(600, seed=1))
    assert np.abs(ranges(result)).max() < 20
    report = run.report()
    trials = {trial["method"]: trial for trial in report["calibrate"]["candidates"]}
    best = report["calibrate"]["method"]
    assert best != "minmax" and trials[best]["score"] == min(trial["score"] for trial in trials.values())
    assert trials[best]["score"] < trials["minmax"]["score"] / 4
    assert report["states"] == 600 and report["states_from"] == "held-out states"
    assert f"ranges by {best}" in result.text
    assert report["heads"][0]["accuracy"]["largest_error"] == trials[best]["heads"][0]["largest_error"]


def test_best_stays_within_the_budget(run):
    """A lower mean error does not count where a held-out state is outside the budget."""
    held_out = draw(600, seed=1)
    held_out[0] *= 25
    budget = ["--budget", "probability=0.3,value=1,argmax=0"]
    run(draw(outliers=3), "--calibrate", "best", held_out=held_out, budget=budget).succeeded()
    report = run.report()
    trials = {trial["method"]: trial for trial in report["calibrate"]["candidates"]}
    best = trials[report["calibrate"]["method"]]
    assert best["within_budget"] and any(trial["score"] < best["score"] for trial in trials.values())


def test_held_out_states_are_judged_on(run):
    """Any method's accuracy is measured on them, and their clipping is counted."""
    held_out = 2 * draw(300, seed=3)
    run(draw(), held_out=held_out).succeeded()
    report = run.report()
    assert report["states"] == 300 and report["clipped_inputs"] > 300


def test_fewest_states(run):
    run(draw(7), "--calibrate", "best").refused("calibration-too-small", "7 states", "8")
    run(draw(8), "--calibrate", "best").succeeded()
    run(draw(1), "--calibrate", "best", held_out=draw(1)).succeeded()


def test_held_out_of_another_width(run):
    run(draw(), held_out=np.zeros((5, 11), np.float32)).refused("calibration-shape", "[5, 11]")


@pytest.mark.parametrize("options", [
    ["--calibrate", "percentile"], ["--calibrate", "percentile=49"], ["--calibrate", "percentile=101"],
    ["--calibrate", "percentile=nan"], ["--calibrate", "entropy"], ["--calibrate", "MSE"], ["--calibrate", ""],
    ["--calibrate", "mse", "--dtype", "float32"]], ids=" ".join)
def test_usage(run, options):
    run(draw(), *options).refused("usage", code=2)


def test_usage_without_a_calibration(export, tmp_path):
    source = save_npz(tmp_path / "m.npz", small_head("a"))
    for options in (["--calibrate", "mse"], ["--held-out", "h.npy"], ["--calibrate", "best", "--ranges=-1,1"]):
        export(source, *options).refused("usage", "--calibration", code=2)
