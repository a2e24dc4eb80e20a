# SPDX-License-Identifier: Apache-2.0
"""Int8: scales, codes, start values, the proof that no lane leaves int32, and how clipping is counted."""

import numpy as np
import pytest
from helpers import random_weights, save_npz, small_head

from weight_export import states
from weight_export.quantise import input_scales
from weight_export.read_blob import read_blob


def packed_of(export, tmp_path, arrays, *options):
    result = export(save_npz(tmp_path / "m.npz", arrays), *options, "--budget", "probability=1,value=1e9,argmax=0")
    result.succeeded()
    return read_blob(result.blob).packed


def test_input_scale_never_clips_the_end_of_its_range():
    magnitude = np.random.RandomState(0).uniform(2.0**-60, 2.0**60, 100_000).astype(np.float32)
    magnitude[:50_000] = np.random.RandomState(1).uniform(0.5, 2, 50_000)
    scale = input_scales(np.stack([-magnitude, magnitude * np.float32(0.5)], axis=1), len(magnitude))
    assert np.all(magnitude * scale <= 127)
    plain = (127 / magnitude.astype(np.float64)).astype(np.float32)
    lowered = scale != plain
    assert 0 < lowered.sum() < len(scale)  # the case exists, and only it is changed
    assert np.array_equal(scale[lowered], np.nextafter(plain, np.float32(0))[lowered])
    assert np.all((magnitude * plain)[lowered] > 127)


def test_codes_and_scales(export, tmp_path):
    """Without a window every code is the nearest, and the largest weight of a lane has the code 127."""
    head = small_head("a")
    packed = packed_of(export, tmp_path, head, "--ranges", "-4,4")
    weights = head["a.w1"].astype(np.float64) / packed.input_scale[:, None].astype(np.float64)
    codes, scale = packed.w1[:, :20].astype(np.float64), packed.lane_scale[:20].astype(np.float64)
    assert np.all(np.abs(codes).max(axis=0) == 127)
    assert np.all(np.abs(codes * scale - weights) <= scale * 0.5000001)


def test_window_carries_errors_to_the_next_row(export, tmp_path):
    """The sum of a feature's codes over the rows stays within a few units of the exact sum; plain rounding does not
    keep that over many rows."""
    head = small_head("a", inputs=400, hidden=64)
    packed = packed_of(export, tmp_path, head, "--window", "200x2")
    weights = head["a.w1"].astype(np.float64) / packed.input_scale[:, None].astype(np.float64)
    exact = weights / packed.lane_scale[:64].astype(np.float64)
    carried = np.abs((packed.w1[:, :64] - exact).reshape(200, 2, 64).sum(axis=0))
    plain = np.abs((np.rint(exact) - exact).reshape(200, 2, 64).sum(axis=0))
    assert np.all(np.abs(packed.w1[:, :64] - exact) <= 2.0)
    assert carried.mean() < 0.5 * plain.mean()


def test_unread_inputs_stay_unread_in_a_window(export, tmp_path):
    head = small_head("a")
    head["a.w1"][3:6] = 0
    packed = packed_of(export, tmp_path, head, "--window", "4x3")
    assert not packed.w1[3:6].any() and packed.w1[6:].any()


def test_bias_in_the_lanes_unit(export, tmp_path):
    bias = random_weights(20, seed=9)
    head = small_head("a")
    packed = packed_of(export, tmp_path, head | {"a.b1": bias})
    start = packed.start[:20] + 128 * packed.w1[:, :20].astype(np.int64).sum(axis=0)
    assert np.array_equal(start, np.rint(bias / packed.lane_scale[:20].astype(np.float64)))


def test_empty_lanes(export, tmp_path):
    """No weights and no bias: scale 1. No weights but a bias: the bias is met to a float32's precision."""
    head = small_head("a")
    head["a.w1"][:, 3] = head["a.w1"][:, 5] = 0
    bias = np.zeros(20, np.float32)
    bias[5] = -0.3
    packed = packed_of(export, tmp_path, head | {"a.b1": bias})
    assert packed.lane_scale[3] == 1 and packed.start[3] == 0
    assert abs(packed.start[5] * packed.lane_scale[5] - bias[5]) < 1e-7
    assert np.all(packed.lane_scale[20:] == 1) and not packed.start[20:].any()


@pytest.mark.parametrize("size", [1e-44, 1e-38])
def test_tiny_weights_have_a_normal_scale(export, tmp_path, size):
    head = small_head("a")
    head["a.w1"] = np.full((12, 20), size, np.float32)
    packed = packed_of(export, tmp_path, head, "--ranges", "-1e6,1e6")
    assert np.all(packed.lane_scale >= np.finfo(np.float32).tiny)


def test_extreme_codes_are_allowed(export, tmp_path):
    """The largest layer of the format with all weights at 127: 4096 x 127 x 255 is far below 2^31."""
    arrays = {"a.w1": np.full((4096, 1), 3, np.float32), "a.w2": random_weights(1, 1)}
    result = export(save_npz(tmp_path / "m.npz", arrays), "--budget", "value=1")
    result.succeeded()
    assert read_blob(result.blob).packed.heads[0].accumulator_bound == 4096 * 127 * 255


def test_lane_that_could_overflow_is_refused_by_name(export, tmp_path):
    bias = np.zeros(20, np.float32)
    bias[7] = 1e9
    source = save_npz(tmp_path / "m.npz", small_head("trend") | {"trend.b1": bias})
    result = export(source)
    result.refused("accumulator-overflow", "'trend'", "lane 7", str(2**31 - 1))
    assert not result.blob.exists()
    bias[7] = 3e38
    save_npz(source, small_head("trend") | {"trend.b1": bias})
    export(source).refused("accumulator-overflow", "lane 7")


def test_bound_is_tight(export, tmp_path):
    """A bias just below the limit passes, and its bound is what integers say."""
    head = {"a.w1": np.full((1, 1), 127, np.float32), "a.w2": np.ones((1, 1), np.float32)}
    source = save_npz(tmp_path / "m.npz", head | {"a.b1": np.float32([2.0**23])})
    result = export(source, "--budget", "value=1")
    result.succeeded()
    packed = read_blob(result.blob).packed
    start, weight = int(packed.start[0]), int(packed.w1[0, 0])
    assert packed.heads[0].accumulator_bound == max(abs(start), abs(start + 255 * weight), 255 * weight)


def test_scale_out_of_range(export, tmp_path):
    head = small_head("a")
    head["a.w1"][4, 2] = 3e38
    export(save_npz(tmp_path / "m.npz", head), "--ranges", "-1e30,1e30").refused("scale-out-of-range", "lane 2")


def test_non_finite_output_is_refused(export, tmp_path):
    head = {"a.w1": np.full((2, 1), 3e38, np.float32), "a.w2": np.full((1, 1), 3e38, np.float32),
            "a.clamp": np.array([0, np.inf])}
    for dtype in ("int8", "float32"):
        result = export(save_npz(tmp_path / "m.npz", head), "--dtype", dtype)
        result.refused("non-finite-output", "'a'")
        assert not result.blob.exists()


def test_clipped_inputs_are_counted(export, tmp_path):
    """Calibration states never clip, so the count over them is 0; the arithmetic itself counts what is outside."""
    from weight_export.arithmetic import quantise_inputs
    ranges = states.uniform_ranges(-1, 1, 12)
    x = np.zeros((3, 12), np.float32)
    x[0, 0], x[1, 1], x[2, 2] = 1, 1.001, -5
    _, clipped = quantise_inputs(x, input_scales(ranges, 12))
    assert clipped == 2
    packed = packed_of(export, tmp_path, small_head("a"))
    assert np.array_equal(packed.input_scale, np.full(12, 127, np.float32))
