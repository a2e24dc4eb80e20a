# SPDX-License-Identifier: Apache-2.0
"""Calibration files: ranges, constant and silent features, and what is refused."""

import hashlib

import numpy as np
import pytest
from helpers import npy_bytes, save_npz, small_head

from weight_export import states
from weight_export.read_blob import read_blob


@pytest.fixture
def source(tmp_path):
    return save_npz(tmp_path / "m.npz", small_head("actor"))


@pytest.fixture
def calibrated(export, source, tmp_path):
    def run(array, *options):
        path = tmp_path / "states.npy"
        path.write_bytes(array if isinstance(array, bytes) else npy_bytes(array))
        return export(source, "--calibration", path, "--budget", "probability=1,argmax=0", *options)
    return run


def some_states(count=50, inputs=12, seed=0):
    return np.random.RandomState(seed).uniform(-3, 2, (count, inputs)).astype(np.float32)


def test_ranges_are_each_inputs_lowest_and_highest(calibrated, tmp_path):
    array = some_states()
    result = calibrated(array)
    result.succeeded()
    blob = read_blob(result.blob)
    assert np.array_equal(blob.packed.ranges, np.stack([array.min(axis=0), array.max(axis=0)], axis=1))
    assert blob.calibration_sha256 == hashlib.sha256((tmp_path / "states.npy").read_bytes()).digest()
    assert (blob.accuracy_states, blob.clipped_inputs) == (50, 0)


def test_rows_of_a_window_share_ranges(calibrated):
    array = some_states()
    result = calibrated(array, "--window", "4x3")
    result.succeeded()
    features = array.reshape(-1, 3)
    packed = read_blob(result.blob).packed
    assert np.array_equal(packed.ranges, np.stack([features.min(axis=0), features.max(axis=0)], axis=1))
    assert np.array_equal(packed.input_scale, np.tile(packed.input_scale[:3], 4))


def test_golden_vectors_hold_four_spread_states(calibrated):
    array = some_states(count=10)
    blob = read_blob(calibrated(array).blob)
    assert np.array_equal(blob.golden_inputs[4:], array[[0, 3, 6, 9]])


def test_golden_vectors(export, source):
    blob = read_blob(export(source, "--ranges", "-2,1").blob)
    assert not blob.golden_inputs[0].any()
    assert np.all(blob.golden_inputs[1] == 1) and np.all(blob.golden_inputs[2] == -2)
    outside = blob.golden_inputs[3]
    assert outside[0] == 1.5 and outside[4] == -3
    assert outside.min() < -2 and outside.max() > 1 and np.all((outside >= -3) & (outside <= 1.5))
    inside = blob.golden_inputs[4:]
    assert np.all((inside >= -2) & (inside <= 1)) and len(np.unique(inside)) == inside.size


def test_one_state(calibrated):
    result = calibrated(some_states(count=1))
    result.succeeded()
    assert read_blob(result.blob).accuracy_states == 1


def test_constant_and_silent_features(calibrated):
    array = some_states()
    array[:, 2], array[:, 3], array[:, 4] = 0.5, 0, 1e-40
    result = calibrated(array)
    result.succeeded()
    ranges = read_blob(result.blob).packed.ranges
    assert ranges[2].tolist() == [0.5, 0.5] and ranges[3].tolist() == [-1, 1] and ranges[4].tolist() == [-1, 1]
    assert "2 of 12 features are 0" in result.text and "1 of 12 features are constant" in result.text


def test_all_zero_states(calibrated):
    result = calibrated(np.zeros((5, 12), np.float32))
    result.succeeded()
    assert read_blob(result.blob).packed.ranges.tolist() == [[-1, 1]] * 12


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ">f4"])
def test_other_float_types(calibrated, dtype):
    calibrated(some_states().astype(dtype)).succeeded()


@pytest.mark.parametrize("order", ["C", "F"])
def test_memory_order(calibrated, order):
    array = some_states()
    result = calibrated(np.array(array, order=order))
    assert np.array_equal(read_blob(result.blob).packed.ranges[:, 0], array.min(axis=0))


REFUSED = {
    "too wide": (some_states(inputs=13), "calibration-shape", "[50, 13]", "[n, 12]"),
    "vector": (some_states()[0], "calibration-shape", "[12]"),
    "cube": (some_states().reshape(50, 4, 3), "calibration-shape", "[50, 4, 3]"),
    "empty": (some_states(count=0), "calibration-shape", "[0, 12]"),
    "integers": (np.ones((5, 12), np.int64), "calibration-shape", "int64"),
    "complex": (np.ones((5, 12), np.complex64), "calibration-shape", "complex64"),
    "truncated": (npy_bytes(some_states())[:-1], "damaged-npy", "expected 2400"),
    "no npy": (b"hello", "damaged-npy"),
    "nothing": (b"", "damaged-npy"),
    "objects": (npy_bytes(np.array([[None] * 12])), "object-array"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(calibrated, case):
    array, name, *words = REFUSED[case]
    result = calibrated(array)
    result.refused(name, *words)
    assert not result.blob.exists()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_not_finite(calibrated, value):
    array = some_states().astype(np.float64)
    array[7, 3] = value
    calibrated(array).refused("calibration-not-finite", "state 7", "input 3")


def test_range_too_large(calibrated):
    calibrated(some_states() * np.float32(1e35)).refused("range-out-of-limits", "feature 0")


def test_missing_file(export, source, tmp_path):
    export(source, "--calibration", tmp_path / "none.npy").refused("cannot-read", "none.npy")


def test_random_numbers_never_change():
    """The first numbers of splitmix64 from seed 0, as published with the generator."""
    first = (np.array([0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F], np.uint64) >> np.uint64(11))
    assert np.array_equal(states.uniform(3, 0), first * 2.0**-53)
