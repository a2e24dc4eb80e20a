# SPDX-License-Identifier: Apache-2.0
"""Accuracy on the tactical model's own weights and states. Skips where they are not."""

import resource

import numpy as np
import pytest
from helpers import run_tool

from weight_export.packed import evaluate
from weight_export.read_blob import read_blob

STATES, ROWS = 4096, 60


@pytest.fixture
def reference(data_folder):
    """(states float32 [4096, 420], outputs float64 [4096, 10])."""
    rows = np.load(data_folder / "nq_30m_rows.npy", allow_pickle=False)
    last = [rows[end - ROWS:end].reshape(-1) for end in range(len(rows) - STATES + 1, len(rows) + 1)]
    return np.stack(last), np.load(data_folder / "tactical_expected.npy", allow_pickle=False)


def outputs_of(path, states):
    packed = read_blob(path).packed
    return np.concatenate([evaluate(packed, states[i:i + 256]) for i in range(0, len(states), 256)])


def agreement(seen, expected, head):
    columns = slice(3 * head, 3 * head + 3)
    return np.mean(seen[:, columns].argmax(axis=1) == expected[:, columns].argmax(axis=1))


def test_float32(export, data_folder, reference):
    states, expected = (array[::8] for array in reference)
    result = export(data_folder / "tactical_weights.npz", "--dtype", "float32", "--window", "60x7")
    result.succeeded()
    # A chain of 420 fused multiply-adds of terms below 0.1: the bound is 420 x 2^-24 x 10, the errors are far less.
    assert np.max(np.abs(outputs_of(result.blob, states) - expected)) <= 1e-6


@pytest.mark.parametrize("options", [["--ranges", "-1,1"], ["--ranges", "-1,1", "--window", "60x7"],
                                     ["--calibration", "STATES", "--window", "60x7"]], ids=" ".join)
def test_int8(export, data_folder, reference, tmp_path, options):
    states, expected = reference
    np.save(tmp_path / "states.npy", states)
    options = [str(tmp_path / "states.npy") if option == "STATES" else option for option in options]
    result = export(data_folder / "tactical_weights.npz", *options)
    result.succeeded()
    seen = outputs_of(result.blob, states)
    heads = [agreement(seen, expected, head) for head in range(3)]
    print(options, "largest error", np.abs(seen - expected)[:, :9].max(), "agreement", heads)
    assert np.max(np.abs(seen - expected)[:, :9]) <= 0.005
    assert min(heads) >= 0.99 and np.mean(heads) >= 0.995


def test_figures_in_the_blob_are_those_measured_here(export, data_folder, reference, tmp_path):
    states, expected = reference
    np.save(tmp_path / "states.npy", states)
    result = export(data_folder / "tactical_weights.npz", "--calibration", tmp_path / "states.npy", "--window", "60x7")
    seen, blob = outputs_of(result.blob, states), read_blob(result.blob)
    assert blob.accuracy_states == STATES
    for head in range(3):
        errors = np.abs(seen - expected)[:, 3 * head:3 * head + 3]
        assert blob.accuracy[head].largest_error == pytest.approx(errors.max(), rel=5.1e-3)
        assert blob.accuracy[head].mean_error == pytest.approx(errors.mean(), rel=5.1e-3)
        assert blob.accuracy[head].argmax_agreement == pytest.approx(agreement(seen, expected, head), abs=5.1e-4)
        assert blob.accuracy[head].argmax_low < blob.accuracy[head].argmax_agreement


def test_whole_export_takes_less_than_five_seconds(data_folder, reference, tmp_path):
    np.save(tmp_path / "states.npy", reference[0])
    for dtype in ("int8", "float32"):
        started = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = run_tool(data_folder / "tactical_weights.npz", "-o", tmp_path / "t.blob", "--dtype", dtype,
                        "--calibration", tmp_path / "states.npy", "--window", "60x7")
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Its own work, so that a busy machine changes nothing: 1 s here.
        seconds = ended.ru_utime + ended.ru_stime - started.ru_utime - started.ru_stime
        assert done.returncode == 0 and seconds < 5
