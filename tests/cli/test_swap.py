# SPDX-License-Identifier: Apache-2.0
"""`tickmlp swap` and `tickmlp shadow`: figures that hang together, and refusals."""
import json
import os

import pytest

from report_frame import check_frame
from small_models import ROOT

CORES = sorted(os.sched_getaffinity(0))
PERCENTILES = ("p50_ns", "p90_ns", "p95_ns", "p99_ns", "p99_9_ns", "p99_99_ns")


def in_order(figures):
    known = [figures[name] for name in PERCENTILES if figures[name] is not None]
    return 0 < figures["min_ns"] <= known[0] and known == sorted(known) and known[-1] <= figures["max_ns"]


@pytest.mark.parametrize("load", [False, True])
@pytest.mark.parametrize("name,paths", [("tactical-int8", {"full", "tick"}), ("strategic-float32", {"full"})])
def test_every_answer_under_swaps_has_its_model_s_bits(tickmlp, tmp_path, name, paths, load):
    out = tmp_path / "swap.json"
    words = ["--load"] if load else []
    done = tickmlp("swap", ROOT / "weights" / f"{name}.blob", "--epochs", "6", "--block", "30", "--rate", "200",
                   "--json", out, *words)
    assert done.returncode == 0, done.stderr
    assert "golden bits" in done.stdout and ("publisher: load" in done.stdout) == load
    report = json.loads(out.read_text())
    check_frame(tickmlp, report, "swap", ROOT / "weights" / f"{name}.blob")
    assert set(report["paths"]) == paths and report["publications"] > 6
    calls = report["without_slot"]["count"]
    for path in report["paths"].values():
        assert in_order(path["quiet"]) and in_order(path["swapped"])
        ratio = path["swapped_of_quiet"]["p99_9"]
        assert 0 < ratio["low_95"] <= ratio["median"] <= ratio["high_95"]
        calls += path["quiet"]["count"] + path["swapped"]["count"]
    assert report["compared"] == calls
    assert 0 < report["first_call"]["full"]["count"] <= report["publications"] + 1
    publisher = report["publisher"]
    assert (publisher["load"] is None, publisher["publish"] is None) == (not load, not load)
    assert publisher["publish" if load else "select"]["count"] == report["publications"]
    assert 0 < report["take_ns"] < 1000


def test_a_shadow_compares_what_it_is_given(tickmlp, tmp_path):
    out = tmp_path / "shadow.json"
    done = tickmlp("shadow", ROOT / "weights" / "tactical-int8.blob", "--candidate",
                   ROOT / "weights" / "tactical-float32.blob", "--epochs", "6", "--block", "30", "--json", out)
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    check_frame(tickmlp, report, "shadow", ROOT / "weights" / "tactical-int8.blob")
    assert report["gap_ns"] == 10000
    shadow = report["shadow"]
    handed = sum(path["shadowed"]["count"] for path in report["paths"].values())
    assert shadow["offered"] == handed == report["offer"]["count"]
    # What was still waiting at the end is neither dropped nor compared.
    assert 0 < shadow["compared"] <= handed - shadow["dropped"] <= shadow["compared"] + 256
    assert shadow["refused"] == 0 and shadow["identical"] <= shadow["compared"]
    assert 0 < shadow["largest_probability_difference"] < 0.2
    assert shadow["calls"]["count"] == shadow["compared"]
    assert set(report["paths"]) == {"full", "tick"}
    for path in report["paths"].values():
        assert in_order(path["alone"]) and in_order(path["shadowed"])


def test_one_call_in_ten(tickmlp, tmp_path):
    out, blob = tmp_path / "shadow.json", ROOT / "weights" / "strategic-int8.blob"
    done = tickmlp("shadow", blob, "--sample-every", "10", "--epochs", "2", "--block", "20", "--json", out)
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert report["shadow"]["offered"] == report["offer"]["count"] // 10
    assert report["shadow"]["identical"] == report["shadow"]["compared"]


@pytest.mark.parametrize("command", ["swap", "shadow"])
def test_refusals(tickmlp, flat_blob, command):
    before = flat_blob.read_bytes()
    assert tickmlp(command, flat_blob, "--json", flat_blob).returncode == 2
    assert flat_blob.read_bytes() == before
    other = {"swap": "--publisher-core", "shadow": "--shadow-core"}[command]
    for option in ("--core", other):
        done = tickmlp(command, flat_blob, option, "8191", "--epochs", "1", "--block", "10")
        assert done.returncode == 4 and "pin-failed" in done.stderr, done.stderr
    assert tickmlp(command, flat_blob, "--epochs", "0").returncode == 2
    assert tickmlp(command, flat_blob.parent / "none.blob").returncode == 4


def test_a_candidate_of_another_kind(tickmlp):
    done = tickmlp("shadow", ROOT / "weights" / "tactical-int8.blob", "--candidate",
                   ROOT / "weights" / "strategic-int8.blob")
    assert done.returncode == 4 and "other-model: 13 inputs; expected 420" in done.stderr
