# SPDX-License-Identifier: Apache-2.0
"""The report: errors layer by layer, clipping, the worst states, recomputed here; and its page."""

import json
import re
import xml.etree.ElementTree as xml

import numpy as np
import pytest
from helpers import npy_bytes, save_npz, small_head

HEADS = small_head("actor") | small_head("critic", outputs=1, seed=5)


@pytest.fixture
def run(export, tmp_path):
    source = save_npz(tmp_path / "m.npz", HEADS)

    def run(*options, states=None):
        if states is not None:
            (tmp_path / "s.npy").write_bytes(npy_bytes(states))
            options = (*options, "--calibration", tmp_path / "s.npy")
        result = export(source, "--report", tmp_path / "r.json", "--report-html", tmp_path / "r.html", *options)
        report = json.loads((tmp_path / "r.json").read_text()) if (tmp_path / "r.json").exists() else None
        return result, report, (tmp_path / "r.html").read_text() if (tmp_path / "r.html").exists() else None
    return run


def some_states(count=300):
    return np.random.RandomState(2).uniform(-1, 1, (count, 12)).astype(np.float32)


def reference(states):
    hidden = np.clip(states.astype(np.float64) @ HEADS["actor.w1"], 0, 6)
    logits = hidden @ HEADS["actor.w2"]
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return hidden, logits, e / e.sum(axis=1, keepdims=True)


def test_layers_and_worst_states(run):
    states = some_states()
    result, report, _ = run(states=states)
    result.succeeded()
    head = report["diagnosis"]["heads"][0]
    from weight_export import arithmetic
    from weight_export.packed import evaluate, layer1_sums
    from weight_export.read_blob import read_blob
    packed = read_blob(result.blob).packed
    hidden, logits, outputs = reference(states)
    seen = arithmetic.clamp(layer1_sums(packed, states)[:, :20], np.float32(6))
    errors = {"hidden": np.abs(seen - hidden), "output": np.abs(evaluate(packed, states)[:, :3] - outputs)}
    for name, error in errors.items():
        assert head["layers"][name]["largest_error"] == float(f"{error.max():.2e}")
        assert head["layers"][name]["mean_error"] == float(f"{error.mean():.2e}")
    assert head["layers"]["logits"]["magnitude"] == float(f"{np.abs(logits).max():.2e}")
    assert sum(head["histogram"]["counts"]) == 300
    assert report["heads"][0]["accuracy"]["largest_error"] == head["layers"]["output"]["largest_error"]
    largest = errors["output"].max(axis=1)
    assert [entry["state"] for entry in head["worst"]] == np.argsort(-largest)[:5].tolist()
    for entry in head["worst"]:
        assert entry["output"] == errors["output"][entry["state"]].argmax() and entry["clipped_inputs"] == 0
        assert entry["error"] == float(f"{largest[entry['state']]:.2e}")


def test_numbers_of_states_are_those_of_the_file(run):
    """4,096 of 9,000 are compared, the last quarter is held out: numbers still count from the file's start."""
    states = some_states(9000)
    _, report, _ = run("--calibrate", "best", states=states)
    places = [entry["state"] for head in report["diagnosis"]["heads"] for entry in head["worst"]]
    assert report["states"] == 2250 and min(places) >= 6750
    _, report, _ = run(states=states)
    hit = report["diagnosis"]["heads"][0]["worst"][0]
    assert report["states"] == 4096 and hit["state"] in np.arange(4096) * 8999 // 4095


def test_clipping_by_feature(run, tmp_path):
    states = some_states()
    held = states.copy()
    held[:30, 2], held[5, 2] = 3, -7
    (tmp_path / "h.npy").write_bytes(npy_bytes(held))
    _, report, page = run("--held-out", tmp_path / "h.npy", "--budget", "probability=1,value=9,argmax=0", states=states)
    features = report["diagnosis"]["features"]
    assert features[2]["clipped_share"] == 0.1 and features[2]["seen"] == [-7, 3]
    assert all(feature["clipped_share"] == 0 for i, feature in enumerate(features) if i != 2)
    for head in report["diagnosis"]["heads"]:  # a clipped state is worse than any other
        assert [entry["clipped_inputs"] for entry in head["worst"]] == [1] * 5
    assert "10 %" in page


def test_float32_has_no_clipping(run):
    result, report, page = run("--dtype", "float32", states=some_states())
    result.succeeded()
    assert all(feature["clipped_share"] == 0 for feature in report["diagnosis"]["features"]) and "float32" in page


def test_page_is_one_well_formed_file(run):
    """It parses as XML once the two void elements are closed; it loads nothing and runs nothing."""
    _, report, page = run("--calibrate", "best", "--features", "a<b,b&c," + ",".join(f"f{i}" for i in range(10)),
                          "--name", "<net> & co", states=some_states())
    tree = xml.fromstring(re.sub(r"<(meta[^>]*)>", r"<\1/>", page.partition("\n")[2]))
    assert page.startswith("<!DOCTYPE html>") and "<net>" not in page and "&lt;net&gt; &amp; co" in page
    assert not re.search(r"<script|https?:|src=|url\(|@import|<link|onload", page)
    rectangles = tree.findall(".//rect[@class]")
    bars = [element for element in rectangles if element.get("class").startswith("bar")]
    # Two histograms of 40 bins, five methods, twelve features.
    assert len(bars) == 2 * 40 + 5 + 12 and len(rectangles) - len(bars) == 12
    assert len([element for element in bars if element.get("class") == "bar chosen"]) == 1
    for element in rectangles:
        assert float(element.get("width")) >= 0 and float(element.get("height")) >= 0
        assert float(element.get("x")) >= 0 and float(element.get("x")) + float(element.get("width")) <= 560.1
    for word in (report["blob_sha256"], report["source"]["sha256"], "Within the budget", report["calibrate"]["method"]):
        assert word in page


def test_over_budget_writes_both_reports_and_no_blob(run):
    result, report, page = run("--budget", "probability=0", states=some_states())
    result.refused("over-budget", code=1)
    assert not result.blob.exists() and report["blob"] is None and report["diagnosis"]["heads"][0]["worst"]
    assert "Over the budget" in page and "none was written" in page


def test_page_that_cannot_be_written(export, tmp_path):
    """Then there is no blob and no other report either."""
    (tmp_path / "r.html").mkdir()
    result = export(save_npz(tmp_path / "m.npz", HEADS), "--report", tmp_path / "r.json", "--report-html",
                    tmp_path / "r.html")
    result.refused("cannot-write", "r.html")
    assert not result.blob.exists() and not (tmp_path / "r.json").exists()


def test_same_page_twice(run):
    assert run(states=some_states())[1:] == run(states=some_states())[1:]


def test_an_output_needs_a_name_of_its_own(export, tmp_path):
    source = save_npz(tmp_path / "m.npz", HEADS)
    export(source, "--report-html", tmp_path / "out.blob").refused("usage", "named twice", code=2)
    export(source, "--report-html", tmp_path / "r", "--report", tmp_path / "r").refused("usage", "named twice", code=2)
