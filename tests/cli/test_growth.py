# SPDX-License-Identifier: Apache-2.0
"""`tickmlp profile`, `predict` and `sweep`: their files, their refusals. Nothing depends on how fast the box is."""
import copy
import json
import math
import os
import subprocess
import sys

import pytest

from small_models import ROOT

FIGURES = ["call_ns", "tick_call_ns", "input_ns", "group_ns", "pass_ns", "block_ns", "step_ns", "line_ns",
           "gather_ns"]


@pytest.fixture(scope="session")
def profile(tickmlp, folder):
    """This box's own, measured once."""
    path = folder / "profile.json"
    done = tickmlp("profile", "--json", path, timeout=300)  # 15 s; a busy box takes longer
    assert done.returncode == 0, done.stderr
    assert str(path) in done.stdout
    return path


@pytest.fixture
def changed(profile, tmp_path):
    """A copy of the profile with one thing changed."""
    def make(change):
        content = json.loads(profile.read_text())
        change(content)
        path = tmp_path / "changed.json"
        path.write_text(json.dumps(content))
        return path
    return make


def made_up(content):
    """Round figures in place of measured ones: a line is 1 ns wherever it lies, a call 100 ns."""
    for curve in ("forward", "turning"):
        content["read"][curve] = [{"bytes": 1024, "ns_per_line": 1}]
    for kernel in content["kernels"]:
        kernel.update({name: 0 for name in FIGURES}, call_ns=100, tick_call_ns=40, turn="never")


def test_a_profile_holds_the_figures_of_every_kernel(tickmlp, profile):
    content = json.loads(profile.read_text())
    assert content["schema"] == "tickmlp-cpu-profile/0" and content["timer_ns"] > 0
    listed = json.loads(tickmlp("kernels", "--json").stdout)["kernels"]
    assert [k["name"] for k in content["kernels"]] == [k["name"] for k in listed if k["available"]]
    for kernel in content["kernels"]:
        assert all(math.isfinite(kernel[name]) and kernel[name] >= 0 for name in FIGURES), kernel
        assert kernel["call_ns"] > 0 and kernel["step_ns"] > 0 and kernel["line_ns"] > 0
        assert kernel["turn"] in ("never", "chunks", "strips")
    for curve in ("forward", "turning"):
        points = content["read"][curve]
        assert len(points) > 20 and points[-1]["bytes"] >= 64 << 20
        for low, high in zip(points, points[1:]):
            assert low["bytes"] < high["bytes"] and low["ns_per_line"] <= high["ns_per_line"]


def test_a_prediction_is_the_sum_of_its_parts(tickmlp, profile, blob):
    done = tickmlp("predict", blob, "--cpu-profile", profile, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["model"]["name"] == blob.stem and answer["schema"] == "tickmlp-prediction/0"
    assert [p["path"] for p in answer["predictions"]] == ["full", "tick"]
    for p in answer["predictions"]:
        assert p["ns"] == pytest.approx(sum(p["parts"].values()), abs=0.05)
        layer1 = p["layer1"]
        longer = max(layer1["multiply_ns"] + layer1["inputs_ns"], layer1["read_ns"])
        assert p["parts"]["layer1_ns"] == pytest.approx(longer, abs=0.02)
        assert p["ns_per_weight_byte"] == pytest.approx(p["ns"] / p["weight_bytes"], rel=1e-3)
    full = answer["predictions"][0]
    assert full["weight_bytes"] == answer["model"]["weight_bytes"]
    table = tickmlp("predict", blob, "--cpu-profile", profile)
    assert table.returncode == 0
    shown = next(line.split() for line in table.stdout.splitlines() if "full path" in line)
    assert float(shown[2]) == pytest.approx(full["ns"], abs=0.06) and full["bound"] in " ".join(shown)


def test_a_prediction_by_hand(tickmlp, changed, blob, flat_blob):
    """12 inputs, 32 + 16 lanes, 3 groups; layer 1 reads 12 lines a group in float32, 3 in int8."""
    path = changed(made_up)
    answer = json.loads(tickmlp("predict", blob, "--cpu-profile", path, "--json").stdout)
    lines = 3 * (12 if "float32" in blob.stem else 3)
    assert [p["ns"] for p in answer["predictions"]] == [100 + lines, 40 + lines // 4 + (lines % 4 > 0)]
    flat = json.loads(tickmlp("predict", flat_blob, "--cpu-profile", path, "--json").stdout)
    assert [p["path"] for p in flat["predictions"]] == ["full"]


def test_kernels_of_the_profile(tickmlp, profile, changed, blob):
    dtype = "float32" if "float32" in blob.stem else "int8"
    other = "int8" if dtype == "float32" else "float32"
    forced = tickmlp("predict", blob, "--cpu-profile", profile, "--kernel", f"{dtype}-scalar", "--json")
    assert json.loads(forced.stdout)["kernel"] == f"{dtype}-scalar"
    assert tickmlp("predict", blob, "--cpu-profile", profile, "--kernel", f"{other}-scalar").returncode == 2
    unknown = tickmlp("predict", blob, "--cpu-profile", profile, "--kernel", "abacus")
    assert unknown.returncode == 4 and "profile-kernel" in unknown.stderr and f"{dtype}-scalar" in unknown.stderr
    none = changed(lambda content: content.update(kernels=[]))
    assert "profile-kernel" in tickmlp("predict", blob, "--cpu-profile", none).stderr


def set_figure(name, value):
    return lambda content: content["kernels"][0].update({name: value})


@pytest.mark.parametrize("name, change", [
    ("profile-schema", lambda content: content.update(schema="tickmlp-certificate/0")),
    ("profile-schema", lambda content: content.update(schema="tickmlp-cpu-profile/1")),
    ("profile-schema", lambda content: content.pop("schema")),
    ("profile-field", lambda content: content.pop("kernels")),
    ("profile-field", lambda content: content["caches"].pop("l2")),
    ("profile-field", lambda content: content["read"].update(forward=[])),
    ("profile-field", lambda content: content["read"]["forward"].reverse()),
    ("profile-field", lambda content: content["read"]["turning"][0].update(ns_per_line=0)),
    ("profile-field", lambda content: content["kernels"].append(copy.deepcopy(content["kernels"][0]))),
    ("profile-field", lambda content: content["kernels"][0].pop("step_ns")),
    *(("profile-field", set_figure("call_ns", value)) for value in (-1, "fast", None, [])),
    ("profile-field", set_figure("dtype", "int4")), ("profile-field", set_figure("turn", "often")),
    ("profile-field", set_figure("name", 7)),
])
def test_a_bad_profile_is_refused_by_name(tickmlp, changed, blob, name, change):
    done = tickmlp("predict", blob, "--cpu-profile", changed(change))
    assert done.returncode == 4 and f": {name}: " in done.stderr and done.stdout == "", done.stderr


@pytest.mark.parametrize("name, content", [
    ("profile-open", None), ("profile-open", b""), ("profile-json", b"{"), ("profile-json", b"\xff\x00"),
    ("profile-schema", b"[]"), ("profile-schema", b"3"), ("profile-json", b"[" * 100000)])
def test_what_is_no_profile_is_refused_by_name(tickmlp, tmp_path, blob, name, content):
    path = tmp_path / "odd.json"
    if content is not None:
        path.write_bytes(content)
    done = tickmlp("predict", blob, "--cpu-profile", path)
    assert done.returncode == 4 and f": {name}: " in done.stderr, done.stderr


@pytest.fixture(scope="session")
def sweep(tickmlp, profile, folder):
    path = folder / "sweep.json"
    done = tickmlp("sweep", "--quick", "--json", path, "--cpu-profile", profile, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "within 20 %" in done.stdout
    return path


def test_a_sweep_covers_the_grid(sweep):
    content = json.loads(sweep.read_text())
    assert content["schema"] == "tickmlp-sweep/0" and set(content["caches"]) == {"l1d", "l2", "l3"}
    sizes = {16, 64, 256, 1024, 4096}
    seen = [(p["dtype"], p["inputs"], p["lanes"]) for p in content["points"]]
    assert len(seen) == len(set(seen)) == 2 * 5 * 5
    assert set(seen) == {(d, i, l) for d in ("int8", "float32") for i in sizes for l in sizes}
    for p in content["points"]:
        layer1 = p["inputs"] * p["lanes"] * (1 if p["dtype"] == "int8" else 4)
        assert p["weight_bytes"] == layer1 + 12 * p["lanes"]
        assert p["ns"] > 0 and p["predicted_ns"] > 0 and p["kernel"].startswith(p["dtype"])
        assert p["ns_per_weight_byte"] == pytest.approx(p["ns"] / p["weight_bytes"], rel=0.01, abs=1e-6)


def test_one_type_and_no_profile(tickmlp, tmp_path):
    path = tmp_path / "sweep.json"
    done = tickmlp("sweep", "--quick", "--dtype", "float32", "--json", path)
    assert done.returncode == 0 and "within" not in done.stdout
    points = json.loads(path.read_text())["points"]
    assert {p["dtype"] for p in points} == {"float32"} and all(p["predicted_ns"] is None for p in points)


def test_the_picture_is_the_same_twice_and_refuses_what_is_no_sweep(sweep, profile, tmp_path):
    pytest.importorskip("matplotlib")
    def draw(source, name):
        return subprocess.run([sys.executable, "-m", "growth_picture", str(source), "-o", str(tmp_path / name)],
                              env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")}, capture_output=True, text=True)
    for name in ("one.svg", "two.svg"):
        assert draw(sweep, name).returncode == 0
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    done = draw(profile, "three.svg")
    assert done.returncode == 4 and "schema" in done.stderr and not (tmp_path / "three.svg").exists()
    assert draw(sweep, "picture.gif").returncode == 2


@pytest.mark.parametrize("arguments", [
    ["profile"], ["profile", "--json"], ["profile", "--json", "x", "--core", "one"], ["predict"],
    ["predict", "BLOB"], ["predict", "--cpu-profile", "x"], ["sweep"], ["sweep", "--json", "x", "--dtype", "int4"],
    ["sweep", "--json", "x", "--quick", "yes"], ["sweep", "--json", "PROFILE", "--cpu-profile", "PROFILE"]])
def test_wrong_usage(tickmlp, blob, profile, arguments):
    before = profile.read_bytes()
    done = tickmlp(*({"BLOB": blob, "PROFILE": profile}.get(word, word) for word in arguments))
    assert done.returncode == 2 and done.stderr.startswith("tickmlp: "), done.stderr
    assert profile.read_bytes() == before


def test_a_target_that_cannot_be_written_is_refused_before_measuring(tickmlp, tmp_path):
    for command in ("profile", "sweep"):
        done = tickmlp(command, "--json", tmp_path / "missing" / "out.json", timeout=5)
        assert done.returncode == 4 and "cannot write" in done.stderr
        assert tickmlp(command, "--json", tmp_path / "out.json", "--core", 8191, timeout=5).returncode == 4
