# SPDX-License-Identifier: Apache-2.0
"""The comparison's report, and its refusal of systems that compute something else."""
import json
import shutil

import numpy
import pytest

from programs import FILES, ROOT, SYSTEMS, run

FIGURES = {"central_ns", "p50_ns", "p99_ns"}


def family(system):
    return next(name for name in SYSTEMS if system == name or system.startswith(name + "-"))


def test_the_report_has_the_promised_fields(comparison):
    _, report = comparison
    assert 5 < report["timer_ns"] < 10_000
    for row in report["peers"]:
        assert {"system", "version", "dtype", "model"} | FIGURES <= row.keys()
    for row in report["ours"]:
        assert {"dtype", "path", "model"} | FIGURES <= row.keys()
    for row in report["peers"] + report["ours"]:
        assert 0 < row["p50_ns"] <= row["p99_ns"] and row["central_ns"] > 0, row
    assert all(entry.keys() >= {"system", "why"} and entry["why"] for entry in report["skipped"])
    assert report["wrong"] == []


def test_every_system_is_timed_or_skipped_with_a_reason(comparison):
    done, report = comparison
    for model in ("tactical", "strategic"):
        timed = {family(row["system"]) for row in report["peers"] if row["model"] == model}
        skipped = {entry["system"] for entry in report["skipped"]}
        assert timed | skipped == SYSTEMS and not timed & skipped
        assert "plain-c" in timed
    for system in {row["system"] for row in report["peers"]}:
        assert system in done.stdout


def test_our_rows(comparison):
    rows = [(row["model"], row["dtype"], row["path"]) for row in comparison[1]["ours"]]
    assert sorted(rows) == sorted([("tactical", dtype, path) for dtype in ("int8", "float32")
                                   for path in ("full", "tick")]
                                  + [("strategic", dtype, "full") for dtype in ("int8", "float32")])


def test_ratios_are_printed(comparison):
    assert "/ our int8 tick" in comparison[0].stdout
    goals = [line for line in comparison[0].stdout.splitlines() if line.startswith(("  met", "  MISSED"))]
    assert any("3 x the fastest peer" in line for line in goals)


def test_altered_weights_are_refused_in_every_peer(compare, comparison, tampered_models, onnxruntime):
    done, report = compare(tampered_models, "compare_peers", "--onnxruntime", onnxruntime)
    assert done.returncode == 4, done.stdout + done.stderr
    right = {(row["system"], row["dtype"]) for row in comparison[1]["peers"]
             if row["model"] == "tactical" and row["interleaved"]}
    assert {(entry["system"], entry["dtype"]) for entry in report["wrong"]} == right
    assert report["peers"] == [] and len(report["ours"]) == 4
    assert all("largest difference" in entry["why"] for entry in report["wrong"])
    assert "WRONG, not timed: plain-c float32: largest difference" in done.stdout


def test_only_the_altered_peers_are_refused(compare, tmp_path, onnxruntime):
    if not onnxruntime:
        pytest.skip("no ONNX Runtime, which has weights of its own in its graphs")
    models = shutil.copytree(FILES / "models", tmp_path / "copied")
    w1 = numpy.load(models / "tactical" / "w1.npy")
    w1[0, 0] = numpy.nan
    numpy.save(models / "tactical" / "w1.npy", w1)
    done, report = compare(models, "compare_peers", "--onnxruntime", onnxruntime)
    assert done.returncode == 4
    assert "plain-c" in {entry["system"] for entry in report["wrong"]}
    assert {"onnxruntime", "onnxruntime-fused"} <= {row["system"] for row in report["peers"]}


def test_without_any_library_of_others(compare):
    """What a machine builds that has none of the packages."""
    done, report = compare(FILES / "models", "compare_peers_plain")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [row["system"] for row in report["peers"]] == ["plain-c"] and len(report["ours"]) == 4
    why = {entry["system"]: entry["why"] for entry in report["skipped"]}
    assert why.keys() == SYSTEMS - {"plain-c"}
    assert why["torchscript"] == "built without it: no libtorch-dev" and "onnxruntime-node" in why["onnxruntime"]


def test_models_that_do_not_fit_are_refused_by_name(compare, tmp_path):
    models = shutil.copytree(FILES / "models", tmp_path / "copied")
    numpy.save(models / "tactical" / "w2.npy", numpy.zeros((5, 10), numpy.float32))
    done, _ = compare(models, "compare_peers_plain")
    assert done.returncode == 4 and "w2.npy: 5 rows, expected 224" in done.stderr
    (models / "tactical" / "network.json").write_text(json.dumps({"name": "tactical"}))
    done, _ = compare(models, "compare_peers_plain")
    assert done.returncode == 4 and "network.json" in done.stderr


@pytest.mark.parametrize("words", [["--model", "other"], ["--samples"], ["--nothing"]])
def test_wrong_usage(words):
    done = run(ROOT / "scripts" / "compare_peers", *words)
    assert done.returncode == 2 and "see --help" in done.stderr
