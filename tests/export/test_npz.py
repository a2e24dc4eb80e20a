# SPDX-License-Identifier: Apache-2.0
"""npz sources: default keys, optional keys, and everything that is refused."""

import numpy as np
import pytest
from helpers import random_weights, save_npz, small_head, zip_of, npy_bytes

from weight_export.read_blob import read_blob


def heads_of(result):
    result.succeeded()
    return read_blob(result.blob).packed.heads


def test_defaults(export, tmp_path):
    source = save_npz(tmp_path / "m.npz", small_head("actor") | small_head("critic", outputs=1))
    actor, critic = heads_of(export(source, "--dtype", "float32"))
    assert (actor.name, actor.hidden, actor.outputs, actor.activation, actor.clamp_high) == ("actor", 20, 3, 1, 6)
    assert (critic.name, critic.outputs, critic.activation, critic.clamp_high) == ("critic", 1, 0, 6)


def test_heads_keep_file_order(export, tmp_path):
    source = save_npz(tmp_path / "m.npz", small_head("zeta") | small_head("alpha"))
    assert [head.name for head in heads_of(export(source))] == ["zeta", "alpha"]


def test_optional_keys_are_folded(export, tmp_path):
    head = small_head("a")
    extra = {"a.feature_weights": random_weights(12, seed=5), "a.b1": random_weights(20, seed=6),
             "a.b2": random_weights(3, seed=7), "a.clamp": np.array([0, np.inf]), "a.activation": np.array("identity")}
    result = export(save_npz(tmp_path / "m.npz", head | extra), "--dtype", "float32", "--name", "n")
    result.succeeded()
    packed = read_blob(result.blob).packed
    product = extra["a.feature_weights"].astype(np.float64)[:, None] * head["a.w1"]
    assert np.array_equal(packed.w1[:, :20], product.astype(np.float32))
    assert np.array_equal(packed.start[:20], extra["a.b1"])
    assert np.array_equal(packed.heads[0].start2, extra["a.b2"])
    assert packed.heads[0].clamp_high == np.inf and packed.heads[0].activation == 0


def test_negative_zero_is_normalised(export, tmp_path):
    head = small_head("a")
    head["a.w1"][0, 0] = -0.0
    result = export(save_npz(tmp_path / "m.npz", head), "--dtype", "float32")
    result.succeeded()
    assert not np.signbit(read_blob(result.blob).packed.w1[0, 0])


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_float_types(export, tmp_path, dtype):
    head = {key: value.astype(dtype) for key, value in small_head("a").items()}
    result = export(save_npz(tmp_path / "m.npz", head), "--dtype", "float32")
    result.succeeded()
    assert np.array_equal(read_blob(result.blob).packed.w1[:, :20], head["a.w1"].astype(np.float32))


def test_fortran_order(export, tmp_path):
    head = small_head("a")
    plain = export(save_npz(tmp_path / "m.npz", head), output=tmp_path / "1.blob")
    turned = {key: np.asfortranarray(value) for key, value in head.items()}
    other = export(save_npz(tmp_path / "n.npz", turned), output=tmp_path / "2.blob")
    assert np.array_equal(read_blob(plain.blob).packed.w1, read_blob(other.blob).packed.w1)


def without(head, key):
    return {name: value for name, value in head.items() if name != key}


CASES = {
    "three layers": (small_head("a") | {"a.w3": random_weights(3, 3)}, "bad-key", "a.w3"),
    "no head": ({"w1": random_weights(3, 3)}, "bad-key", "w1"),
    "missing layer": (without(small_head("a"), "a.w2"), "missing-weights", "a.w2"),
    "transposed": ({"a.w1": random_weights(12, 20).T, "a.w2": random_weights(20, 3)}, "wrong-shape", "[in, out]"),
    "other inputs": (small_head("a") | small_head("b", inputs=13), "wrong-shape", "13 inputs"),
    "vector": ({"a.w1": random_weights(12), "a.w2": random_weights(20, 3)}, "wrong-shape", "[12]"),
    "empty": ({"a.w1": np.zeros((12, 0), np.float32), "a.w2": np.zeros((0, 3), np.float32)}, "wrong-shape", "a.w1"),
    "short bias": (small_head("a") | {"a.b1": random_weights(19)}, "wrong-shape", "a.b1"),
    "integers": (small_head("a") | {"a.w1": np.ones((12, 20), np.int32)}, "unsupported-tensor", "int32"),
    "NaN": (small_head("a") | {"a.w1": np.full((12, 20), np.nan, np.float32)}, "weights-not-finite", "a.w1"),
    "infinite": (small_head("a") | {"a.b2": np.float32([0, np.inf, 0])}, "weights-not-finite", "a.b2", "[1]"),
    "too large": (small_head("a") | {"a.w1": np.full((12, 20), 1e300)}, "weights-too-large", "1e+300"),
    "clamp low": (small_head("a") | {"a.clamp": np.array([-1, 6])}, "unsupported-clamp", "-1"),
    "clamp NaN": (small_head("a") | {"a.clamp": np.array([0, np.nan])}, "unsupported-clamp", "nan"),
    "clamp of one": (small_head("a") | {"a.clamp": np.array([6])}, "wrong-shape", "a.clamp"),
    "tanh": (small_head("a") | {"a.activation": np.array("tanh")}, "unsupported-activation", "tanh"),
    "inputs": (small_head("a", inputs=4097, hidden=1), "model-too-large", "4097"),
    "outputs": (small_head("a", outputs=65), "model-too-large", "65"),
    "long name": (small_head("n" * 32), "bad-name", "32"),
    "nothing": ({}, "unknown-source", "empty zip"),
}


@pytest.mark.parametrize("case", CASES)
def test_refusals(export, tmp_path, case):
    arrays, name, *words = CASES[case]
    result = export(save_npz(tmp_path / "m.npz", arrays))
    result.refused(name, *words)
    assert not result.blob.exists()


def test_too_many_heads(export, tmp_path):
    arrays = {}
    for i in range(17):
        arrays |= small_head(f"h{i}", hidden=1)
    export(save_npz(tmp_path / "m.npz", arrays)).refused("model-too-large", "17 heads")


def test_object_array_is_never_unpickled(export, tmp_path):
    marker = tmp_path / "executed"

    class Gadget:
        def __reduce__(self):
            return open, (str(marker), "w")

    arrays = small_head("a") | {"a.activation": np.array([Gadget()], dtype=object)}
    export(save_npz(tmp_path / "m.npz", arrays)).refused("object-array")
    assert not marker.exists()


def test_header_that_claims_more_than_there_is(export, tmp_path):
    data = npy_bytes(random_weights(12, 20)).replace(b"(12, 20)", b"(99, 20)")
    export(zip_of(tmp_path / "m.npz", {"a.w1.npy": data})).refused("damaged-npy", "99")
    huge = npy_bytes(random_weights(12, 20)).replace(b"(12, 20), }        ", b"(99999999, 20), }  ")
    export(zip_of(tmp_path / "m.npz", {"a.w1.npy": huge})).refused("damaged-npy")
