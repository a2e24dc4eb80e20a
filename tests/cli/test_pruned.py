# SPDX-License-Identifier: Apache-2.0
"""A pruned model through the commands: what `inspect` and `predict` say of it, and its outputs on every kernel and path
against the exporter's model of the network with rows of zeros."""
import json
import sys

import numpy
import pytest

from small_models import ROOT, export

sys.path.insert(0, str(ROOT / "tools"))
from weight_export.packed import evaluate  # noqa: E402
from weight_export.read_blob import read_blob  # noqa: E402

WINDOW = (20, 7)
INPUTS = WINDOW[0] * WINDOW[1]
UNBUDGETED = ("--budget", "probability=1,value=1,argmax=0")


def network(unread):
    """Two heads over 20 x 7, 112 lanes; no lane reads the inputs `unread`."""
    random = numpy.random.default_rng(3)
    arrays = {}
    for head, hidden, outputs in (("actor", 64, 3), ("critic", 48, 1)):
        arrays[f"{head}.w1"] = random.uniform(-0.5, 0.5, (INPUTS, hidden)).astype(numpy.float32)
        arrays[f"{head}.w1"][unread] = 0
        arrays[f"{head}.w2"] = random.uniform(-0.5, 0.5, (hidden, outputs)).astype(numpy.float32)
    return arrays


@pytest.fixture(scope="module", params=["int8", "float32"])
def pruned(request, folder):
    """Two columns of seven are unread in every row, and every second input of the oldest ten rows."""
    unread = [i for i in range(INPUTS) if i % 7 in (2, 5) or (i < 70 and i % 2)]
    return export(folder, f"pruned-{request.param}", network(unread), "--dtype", request.param, "--window", "20x7",
                  *UNBUDGETED), unread


def test_inspect_says_how_many_are_kept(tickmlp, pruned, blob):
    path, unread = pruned
    kept = INPUTS - len([i for i in unread if i < INPUTS - 7])  # the newest row stays whole
    report = json.loads(tickmlp("inspect", path, "--json").stdout)
    assert (report["inputs"], report["kept_inputs"]) == (INPUTS, kept)
    assert f"{kept}, the others are pruned" in tickmlp("inspect", path).stdout
    whole = json.loads(tickmlp("inspect", blob, "--json").stdout)
    assert whole["kept_inputs"] == whole["inputs"]
    assert "pruned" not in tickmlp("inspect", blob).stdout


def test_outputs_are_those_of_the_network_with_zeros(tickmlp, pruned, tmp_path):
    path, _ = pruned
    states = numpy.random.default_rng(4).uniform(-1.2, 1.2, (70, INPUTS)).astype(numpy.float32)
    numpy.save(tmp_path / "states.npy", states)
    packed = read_blob(path).packed
    assert packed.w1.shape == (INPUTS, 112)
    expected = evaluate(packed, states).view(numpy.uint32)
    kernels = [k for k in json.loads(tickmlp("kernels", "--json").stdout)["kernels"]
               if k["available"] and k["dtype"] == path.stem.split("-")[1]]
    assert len(kernels) > 1
    for kernel in kernels:
        for way in ("full", "tick"):
            done = tickmlp("run", path, "--input", tmp_path / "states.npy", "--output", tmp_path / "out.npy",
                           "--kernel", kernel["name"], "--path", way)
            assert done.returncode == 0, done.stderr
            assert numpy.array_equal(numpy.load(tmp_path / "out.npy").view(numpy.uint32), expected), kernel["name"]


def test_a_state_that_is_not_finite_is_refused_where_it_is_pruned_too(tickmlp, pruned, tmp_path):
    path, unread = pruned
    states = numpy.zeros((1, INPUTS), numpy.float32)
    states[0, unread[0]] = numpy.nan
    numpy.save(tmp_path / "states.npy", states)
    done = tickmlp("run", path, "--input", tmp_path / "states.npy", "--output", tmp_path / "out.npy")
    assert done.returncode == 4 and "non-finite-input" in done.stderr


def test_a_pruned_model_passes_its_certificate(tickmlp, pruned, tmp_path):
    """Its outputs are checked on the chosen and the scalar kernel, full path and tick, and its figures by `verify`."""
    path, _ = pruned
    done = tickmlp("certify", path, "--samples", 2000, "--runs", 5, "--epochs", 2, "--warm-up", 100, "--scenario",
                   "hot,evicted-data", "--json", tmp_path / "c.json")
    assert done.returncode == 3, done.stderr  # no budget
    assert tickmlp("verify", tmp_path / "c.json").returncode == 0


def test_predict_counts_the_kept_inputs_and_the_gathering(tickmlp, pruned, tmp_path):
    path, _ = pruned
    kept = json.loads(tickmlp("inspect", path, "--json").stdout)["kept_inputs"]
    figures = dict.fromkeys(("input_ns", "group_ns", "pass_ns", "block_ns", "step_ns", "line_ns"), 0)
    kernel = {"name": "made-up", "dtype": path.stem.split("-")[1], "turn": "never", "call_ns": 100, "tick_call_ns": 40,
              "gather_ns": 0.5, **figures}
    profile = {"schema": "tickmlp-cpu-profile/0", "machine": {"cpu": "made up"}, "timer_ns": 0,
               "caches": {"l1d": 0, "l2": 0, "l3": 0}, "kernels": [kernel],
               "read": {"isa": "none"} | {way: [{"bytes": 1, "ns_per_line": 1}] for way in ("forward", "turning")}}
    (tmp_path / "profile.json").write_text(json.dumps(profile))
    full, tick = json.loads(tickmlp("predict", path, "--cpu-profile", tmp_path / "profile.json",
                                    "--json").stdout)["predictions"]
    steps = -(-kept // 4) if "int8" in path.stem else kept
    assert full["ns"] == 100 + INPUTS * 0.5 + steps * 7  # 7 groups of lanes, a line each
    assert full["parts"]["gather_ns"] == INPUTS * 0.5 and tick["parts"]["gather_ns"] == 0
    assert tick["ns"] == 40 + 7 * (steps - (kept - 7) // 4 if "int8" in path.stem else 7)
