# SPDX-License-Identifier: Apache-2.0
"""Padding lanes and the padding of the last group of inputs must be what the format says, digest true or not."""
import hashlib
import struct

import numpy
import pytest

from small_models import export

# Inputs 10; head "side" 20 units (32 lanes), 3 outputs; head "value" 7 units (16 lanes), 1 output: 3 groups, one tile.
LANES, GROUPS, PAD_LANE, QUADS = 48, 3, 20, 3
RANGES = 512 + 2 * 128
INPUT_SCALE = RANGES + 128              # int8 only: 10 floats, padded to 64 bytes
START8 = INPUT_SCALE + 64
LANE_SCALE = START8 + 4 * LANES
W1_INT8 = LANE_SCALE + 4 * LANES
W2_INT8 = W1_INT8 + QUADS * GROUPS * 64
START32 = RANGES + 128
W1_FLOAT32 = START32 + 4 * LANES
W2_FLOAT32 = W1_FLOAT32 + 10 * GROUPS * 64


@pytest.fixture(scope="module")
def blobs(folder):
    random = numpy.random.default_rng(3)
    draw = lambda *shape: random.uniform(-0.5, 0.5, shape).astype(numpy.float32)
    arrays = {"side.w1": draw(10, 20), "side.w2": draw(20, 3), "value.w1": draw(10, 7), "value.w2": draw(7, 1),
              "value.activation": numpy.array("identity")}
    return {dtype: export(folder, f"padding-{dtype}", arrays, "--dtype", dtype).read_bytes()
            for dtype in ("int8", "float32")}


def forge(blob: bytes, at: int, value: bytes) -> bytes:
    assert blob[at:at + len(value)] != value
    blob = blob[:at] + value + blob[at + len(value):]
    return blob[:96] + hashlib.sha256(blob[:96] + blob[128:]).digest() + blob[128:]


def pack(value: float) -> bytes:
    return struct.pack("<f", value)


CASES = {
    "int8 start": ("int8", START8 + 4 * PAD_LANE, struct.pack("<i", 1), "blob-reserved"),
    "int8 lane scale": ("int8", LANE_SCALE + 4 * PAD_LANE, pack(2.0), "blob-value"),
    "int8 weight": ("int8", W1_INT8 + (2 * GROUPS + 1) * 64 + 4 * 4, b"\1", "blob-reserved"),
    "int8 weight beyond the last input": ("int8", W1_INT8 + 2 * GROUPS * 64 + 2, b"\1", "blob-reserved"),
    "int8 second layer": ("int8", W2_INT8 + 4 * (2 * 32 + PAD_LANE), pack(1.0), "blob-reserved"),
    "int8 second layer, minus zero": ("int8", W2_INT8 + 4 * PAD_LANE, pack(-0.0), "blob-reserved"),
    "int8 last lane of the second head": ("int8", START8 + 4 * (LANES - 1), struct.pack("<i", -1), "blob-reserved"),
    "float32 start": ("float32", START32 + 4 * PAD_LANE, pack(1.0), "blob-reserved"),
    "float32 weight": ("float32", W1_FLOAT32 + (9 * GROUPS + 1) * 64 + 4 * 4, pack(1.0), "blob-reserved"),
    "float32 weight, minus zero": ("float32", W1_FLOAT32 + (0 * GROUPS + 2) * 64 + 4 * 15, pack(-0.0), "blob-reserved"),
    "float32 second layer": ("float32", W2_FLOAT32 + 4 * (32 + PAD_LANE), pack(1.0), "blob-reserved"),
}


@pytest.mark.parametrize("case", CASES)
def test_padding_that_is_not_padding_is_refused(tickmlp, blobs, tmp_path, case):
    dtype, at, value, reason = CASES[case]
    path = tmp_path / "forged.blob"
    path.write_bytes(forge(blobs[dtype], at, value))
    done = tickmlp("inspect", path)
    assert done.returncode == 4 and reason in done.stderr, (done.returncode, done.stdout, done.stderr)


def test_the_places_above_are_the_right_ones(tickmlp, blobs, tmp_path):
    """One real lane beside each padding lane holds something, and the untouched blob is good."""
    for dtype, at in (("int8", START8 + 4 * (PAD_LANE - 1)), ("float32", W1_FLOAT32 + 1 * 64 + 4 * 3)):
        assert blobs[dtype][at:at + 4] != bytes(4)
    path = tmp_path / "good.blob"
    path.write_bytes(blobs["int8"])
    assert tickmlp("inspect", path).returncode == 0
