# SPDX-License-Identifier: Apache-2.0
"""Weights that are int8 in the source: the blob is read back and has the same codes, and the source's scales over the
input scale. The sources are pickles as torch.ao writes them, made by hand."""

import json
import struct
import subprocess

import numpy as np
import pytest
from helpers import contiguous, dict_of, named, number, numbers, pickle_of, random_weights, text, whole_tensor, zip_of

from weight_export.packed import evaluate
from weight_export.read_blob import read_blob

INPUTS, HIDDEN = 12, 20
CODES = np.random.RandomState(5).randint(-127, 128, (HIDDEN, INPUTS)).astype(np.int8)
CODES[3] = 0  # a lane that reads nothing
CODES[4] = CODES[4] // 2  # one whose largest code is not 127: requantising would give others
SCALES = np.random.RandomState(6).uniform(1e-3, 2e-3, HIDDEN).astype(np.float32)
B1, W2 = random_weights(HIDDEN), random_weights(3, HIDDEN, seed=1)
LENIENT = ["--budget", "probability=1,value=1,argmax=0"]


def real(value):
    return b"G" + struct.pack(">d", value)


def quantised_tensor(key, codes, quantiser, storage="QInt8Storage"):
    persistent = b"(" + text("storage") + named("torch", storage) + text(key) + text("cpu") + number(codes.size) + b"tQ"
    return (named("torch._utils", "_rebuild_qtensor") + b"(" + persistent + number(0) + numbers(codes.shape)
            + numbers(contiguous(codes.shape)) + quantiser + b"\x89" + named("collections", "OrderedDict") + b")RtR")


def per_tensor(scale=float(SCALES[0]), zero=0):
    return b"(" + named("torch", "per_tensor_affine") + real(scale) + number(zero) + b"t"


def per_channel(axis=0, scheme="per_channel_affine"):
    return (b"(" + named("torch", scheme) + whole_tensor("scales", SCALES.astype(np.float64), "DoubleStorage")
            + whole_tensor("zeros", np.zeros(HIDDEN), "LongStorage") + number(axis) + b"t")


@pytest.fixture
def run(export, tmp_path):
    """A torch.ao quantised Linear `fc1` and a plain fc2."""
    def run(quantiser, *options, codes=CODES, zeros=0, scales=SCALES, storage="QInt8Storage", head=None):
        packed = b"(" + quantised_tensor("w", codes, quantiser, storage) + whole_tensor("b", B1) + b"t"
        pickle = dict_of({"fc1.scale": whole_tensor("b", B1[:1]), "fc1.zero_point": whole_tensor("zeros", B1[:1],
                                                                                                 "LongStorage"),
                          "fc1._packed_params.dtype": named("torch", "qint8"),
                          "fc1._packed_params._packed_params": packed, "fc2.weight": whole_tensor("w2", W2)})
        zip_of(tmp_path / "q.pth", {
            "m/data.pkl": pickle_of(pickle), "m/data/w": codes.tobytes(), "m/data/b": B1.tobytes(),
            "m/data/w2": W2.tobytes(), "m/data/scales": scales.astype("<f8").tobytes(),
            "m/data/zeros": np.full(HIDDEN, zeros, "<i8").tobytes()})
        wanted = {"name": "a", "w1": "fc1.weight", "b1": "fc1.bias", "w2": "fc2.weight", "clamp": [0, None]}
        (tmp_path / "d.json").write_text(json.dumps({"inputs": INPUTS, "heads": [wanted | (head or {})]}))
        return export(tmp_path / "q.pth", "--model", tmp_path / "d.json", *LENIENT, *options)
    return run


def kept(result, scales, codes=CODES, high=1.0):
    """The blob has these codes, and these scales over the one input scale."""
    result.succeeded()
    packed = read_blob(result.blob).packed
    lanes = codes.any(axis=1)
    assert np.array_equal(packed.w1[:, :HIDDEN], codes.T)
    assert len(np.unique(packed.input_scale)) == 1 and packed.input_scale[0] == np.float32(127 / high)
    expected = (scales.astype(np.float64) / float(packed.input_scale[0])).astype(np.float32)
    assert np.array_equal(packed.lane_scale[:HIDDEN][lanes], np.broadcast_to(expected, HIDDEN)[lanes])
    # The start value is the bias in the lane's unit, and what the unsigned input codes add.
    unit = packed.lane_scale[:HIDDEN].astype(np.float64)
    start = np.rint(B1 / unit) - 128 * codes.astype(np.int64).sum(axis=1)
    assert np.array_equal(packed.start[:HIDDEN], start)
    assert "code for code" in result.text
    return packed


def test_per_channel(run):
    kept(run(per_channel()), SCALES)


def test_per_tensor(run):
    kept(run(per_tensor()), SCALES[:1])


def test_all_inputs_share_the_widest_range(run, tmp_path):
    states = (np.random.RandomState(1).uniform(-1, 1, (500, INPUTS)) * np.arange(1, 13)).astype(np.float32)
    np.save(tmp_path / "s.npy", states)
    kept(run(per_channel(), "--calibration", tmp_path / "s.npy"), SCALES, high=np.abs(states).max())
    kept(run(per_channel(), "--ranges=-2,0.5", "--window", "4x3"), SCALES, high=2.0)


def test_float32_holds_code_times_scale(run):
    result = run(per_channel(), "--dtype", "float32")
    result.succeeded()
    values = (CODES * SCALES[:, None].astype(np.float64)).astype(np.float32)
    assert np.array_equal(read_blob(result.blob).packed.w1[:, :HIDDEN], values.T)


def test_requantise(run, tmp_path):
    """As plain numbers: the largest code of a lane is 127 again, and ranges may differ."""
    result = run(per_channel(), "--requantise")
    result.succeeded()
    packed = read_blob(result.blob).packed
    assert np.abs(packed.w1[:, 4]).max() == 127 and "code for code" not in result.text


@pytest.mark.parametrize("quantiser", [per_channel, per_tensor])
def test_the_library_takes_it(run, binary, tmp_path, quantiser):
    """The loader proves the bounds again and runs the golden vectors; outputs are those of the integer model."""
    result = run(quantiser(), "--window", "4x3")
    states = np.random.RandomState(3).uniform(-1.2, 1.2, (64, INPUTS)).astype(np.float32)
    np.save(tmp_path / "s.npy", states)
    for path in ("full", "tick"):
        subprocess.run([binary, "run", result.blob, "--input", tmp_path / "s.npy", "--output", tmp_path / "o.npy",
                        "--path", path], check=True)
        assert np.array_equal(np.load(tmp_path / "o.npy"), evaluate(read_blob(result.blob).packed, states))


def with_lowest():
    codes = CODES.copy()
    codes[7, 2] = -128
    return codes


def test_lowest_code(run):
    """PyTorch's default observers give -128, which no kernel takes: as plain numbers it is a weight like others."""
    run(per_channel(), codes=with_lowest()).refused("unsupported-quantisation", "128", "quant_min=-127")
    run(per_channel(), "--requantise", codes=with_lowest()).succeeded()
    run(per_channel(), "--dtype", "float32", codes=with_lowest()).succeeded()


def test_even_codes_are_not_halved(run):
    """Two codes that add up to an even one would fit a scale twice as large: still not the source's codes."""
    head = {"input_indices": [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]}
    codes = (CODES // 4 * 2).astype(np.int8)
    codes[:, 7] = 0
    run(per_channel(), codes=codes, head=head).refused("quantised-folded", "--requantise")


REFUSED = {
    "zero point": (per_tensor(zero=3), {}, "unsupported-quantisation", "zero point 3"),
    "zero points": (per_channel(), {"zeros": 1}, "unsupported-quantisation", "zero point 1"),
    "scale 0": (per_tensor(scale=0.0), {}, "unsupported-quantisation", "scale 0"),
    "scale NaN": (per_tensor(scale=float("nan")), {}, "unsupported-quantisation", "scale nan"),
    "scale past float32": (per_tensor(scale=1e60), {}, "unsupported-quantisation", "scale inf"),
    "negative scale": (per_channel(), {"scales": -SCALES}, "unsupported-quantisation", "above 0"),
    "scales along the inputs": (per_channel(axis=1), {}, "unsupported-quantisation", "20 scales"),
    "an axis it has not": (per_channel(axis=2), {}, "unsupported-quantisation", "axis"),
    "another scheme": (per_channel(scheme="per_channel_affine_float_qparams"), {}, "unsupported-quantisation",
                       "float_qparams"),
    "quint8": (per_tensor(), {"storage": "QUInt8Storage"}, "unsupported-tensor", "QUInt8Storage"),
    "a storage that is none": (per_tensor(), {"storage": "qint8"}, "damaged-pickle", "qint8"),
    "no parameters": (b")", {}, "unsupported-quantisation"),
    "a scale that is text": (b"(" + named("torch", "per_tensor_affine") + text("x") + number(0) + b"t", {},
                             "unsupported-quantisation"),
    "parameters that are no tuple": (number(3), {}, "damaged-pickle"),
    "feature weights": (per_channel(), {"head": {"feature_weights": "fc1.bias", "inputs": [0, 12]}}, "wrong-shape"),
    "used twice over": (per_channel(), {"head": {"input_indices": [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]}},
                        "quantised-folded", "a repeated input", "--requantise"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(run, case):
    quantiser, more, name, *words = REFUSED[case]
    run(quantiser, **more).refused(name, *words)
