# SPDX-License-Identifier: Apache-2.0
"""state_dict archives with a description: folding, strictness of the JSON, refusals. Made by hand, without torch."""

import json

import numpy as np
import pytest
from helpers import (dict_of, named, pickle_of, random_weights, state_dict_records, whole_tensor, zip_of)

from weight_export.read_blob import read_blob

WEIGHTS = {"fc1.weight": random_weights(20, 12), "fc2.weight": random_weights(3, 20, seed=1)}
HEAD = {"name": "actor", "w1": "fc1.weight", "w2": "fc2.weight"}


@pytest.fixture
def run(export, tmp_path):
    def run(weights, *heads, options=(), **model):
        source = zip_of(tmp_path / "m.pth", state_dict_records(weights))
        description = tmp_path / "description.json"
        description.write_text(json.dumps({"inputs": 12, "heads": list(heads)} | model))
        return export(source, "--dtype", "float32", "--model", description, *options)
    return run


def packed_of(result):
    result.succeeded()
    return read_blob(result.blob).packed


def test_plain(run):
    packed = packed_of(run(WEIGHTS, HEAD))
    head = packed.heads[0]
    assert (head.name, head.hidden, head.outputs, head.activation, head.clamp_high) == ("actor", 20, 3, 1, 6)
    assert np.array_equal(packed.w1[:, :20], WEIGHTS["fc1.weight"].T)
    assert np.array_equal(head.w2[:, :20], WEIGHTS["fc2.weight"])


def test_everything(run):
    weights = {"w1": random_weights(20, 15), "b1": random_weights(20), "w2": random_weights(9, 20, seed=1),
               "b2": random_weights(9), "fw": random_weights(3, 5, seed=2)}
    head = {"name": "a", "w1": "w1", "b1": "b1", "w2": "w2", "b2": "b2", "feature_weights": "fw",
            "feature_weights_row": 1, "clamp": [0, None], "activation": "identity", "input_indices": [7, 0, 3, 11, 2],
            "repeat": 3, "outputs": [3, 6], "layout": "out_in"}
    packed = packed_of(run(weights, head, window=[4, 3]))
    expected = np.zeros((12, 20))
    blocks = weights["w1"].astype(np.float64).reshape(20, 3, 5).sum(axis=1).T
    expected[[7, 0, 3, 11, 2]] = blocks * weights["fw"][1].astype(np.float64)[:, None]
    assert np.array_equal(packed.w1[:, :20], expected.astype(np.float32))
    assert np.array_equal(packed.heads[0].w2[:, :20], weights["w2"][3:6])
    assert np.array_equal(packed.heads[0].start2, weights["b2"][3:6])
    assert packed.heads[0].clamp_high == np.inf and packed.window == (4, 3)


def test_in_out_layout_and_input_range(run):
    weights = {"a": random_weights(4, 20), "b": random_weights(20, 1)}
    packed = packed_of(run(weights, {"name": "a", "w1": "a", "w2": "b", "layout": "in_out", "inputs": [8, 12]}))
    assert np.array_equal(packed.w1[8:, :20], weights["a"]) and not packed.w1[:8].any()
    assert packed.heads[0].activation == 0


def test_nested_checkpoint_with_an_optimiser(export, tmp_path):
    tensors = {name: whole_tensor(str(i), array) for i, (name, array) in enumerate(WEIGHTS.items())}
    optimiser = dict_of({"exp_avg": whole_tensor("0", WEIGHTS["fc1.weight"])})
    pickle = pickle_of(dict_of({"model": dict_of(tensors), "optimizer": optimiser}))
    source = zip_of(tmp_path / "m.pth", state_dict_records(WEIGHTS, pickle))
    description = tmp_path / "d.json"
    model = {"inputs": 12, "heads": [HEAD | {"w1": "model.fc1.weight", "w2": "model.fc2.weight"}]}
    description.write_text(json.dumps(model))
    export(source, "--model", description).refused("unused-weights", "optimizer.exp_avg", "ignore")
    description.write_text(json.dumps(model | {"ignore": ["optimizer."]}))
    export(source, "--model", description).succeeded()


def test_whole_module_pickle(export, tmp_path):
    records = state_dict_records(WEIGHTS, pickle_of(named("__main__", "Net") + b")\x81}b"))
    description = tmp_path / "d.json"
    description.write_text(json.dumps({"inputs": 12, "heads": [HEAD]}))
    export(zip_of(tmp_path / "m.pth", records), "--model", description).refused("pickle-not-allowed", "__main__.Net")


def test_needs_description(export, tmp_path):
    export(zip_of(tmp_path / "m.pth", state_dict_records(WEIGHTS))).refused("needs-description", "--model")


REFUSED = {
    "unknown key": ({}, HEAD | {"wieght": 1}, "bad-description", "wieght"),
    "unknown model key": ({"input": 12}, HEAD, "bad-description", "'input'"),
    "no w2": ({}, {"name": "a", "w1": "fc1.weight"}, "bad-description", "'w2'"),
    "inputs as text": ({"inputs": "12"}, HEAD, "bad-description", "inputs"),
    "inputs true": ({"inputs": True}, HEAD, "bad-description", "inputs"),
    "no heads": ({"heads": []}, HEAD, "bad-description", "heads"),
    "window": ({"window": [5, 3]}, HEAD, "bad-description", "window"),
    "missing weights": ({}, HEAD | {"w1": "fc3.weight"}, "missing-weights", "fc3.weight"),
    "transposed": ({}, HEAD | {"layout": "in_out"}, "wrong-shape", "[in, out]"),
    "other layout": ({}, HEAD | {"layout": "nchw"}, "bad-description", "nchw"),
    "tanh": ({}, HEAD | {"activation": "tanh"}, "unsupported-activation", "tanh"),
    "clamp": ({}, HEAD | {"clamp": [-1, 6]}, "unsupported-clamp", "-1"),
    "clamp 0": ({}, HEAD | {"clamp": [0, 0]}, "unsupported-clamp"),
    "repeat": ({}, HEAD | {"repeat": 2}, "wrong-shape", "24"),
    "range and indices": ({}, HEAD | {"inputs": [0, 12], "input_indices": [1]}, "bad-description"),
    "index outside": ({}, HEAD | {"input_indices": [12]}, "bad-description", "12"),
    "outputs outside": ({}, HEAD | {"outputs": [1, 4]}, "wrong-shape", "outputs 1 .. 4"),
    "bias of weights": ({}, HEAD | {"b1": "fc1.weight"}, "wrong-shape", "1 dimensions"),
    "row without weights": ({}, HEAD | {"feature_weights_row": 0}, "bad-description"),
    "empty name": ({}, HEAD | {"name": ""}, "bad-description", "name"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(run, case):
    model, head, name, *words = REFUSED[case]
    result = run(WEIGHTS, head, **model)
    result.refused(name, *words)
    assert not result.blob.exists()


def test_unused_weights(run):
    run(WEIGHTS | {"fc3.weight": random_weights(3, 3)}, HEAD).refused("unused-weights", "fc3.weight")


@pytest.mark.parametrize("text, word", [
    ("", "JSON"), ("{", "JSON"), ("[]", "an object"), ('{"inputs": NaN}', "NaN"), ("[" * 100_000, "JSON"),
    ('{"inputs": 1, "inputs": 2}', "each key once")])
def test_malformed_json(export, tmp_path, text, word):
    (tmp_path / "d.json").write_text(text)
    source = zip_of(tmp_path / "m.pth", state_dict_records(WEIGHTS))
    export(source, "--model", tmp_path / "d.json").refused("bad-description", word)


def test_description_for_another_kind(export, tmp_path):
    np.savez(tmp_path / "m.npz", **{"a.w1": random_weights(3, 3), "a.w2": random_weights(3, 3)})
    (tmp_path / "d.json").write_text("{}")
    export(tmp_path / "m.npz", "--model", tmp_path / "d.json").refused("unused-description", "npz")
