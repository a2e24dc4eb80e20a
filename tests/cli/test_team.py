# SPDX-License-Identifier: Apache-2.0
"""`tickmlp team`: figures that hang together, and refusals."""
import json
import os

import pytest

from report_frame import check_frame
from small_models import ROOT

CORES = sorted(os.sched_getaffinity(0))


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_every_number_of_cores_is_measured_and_has_the_right_bits(tickmlp, tmp_path, dtype):
    cores, out = CORES[:2], tmp_path / "team.json"
    blob = ROOT / "weights" / f"tactical-{dtype}.blob"
    done = tickmlp("team", blob, "--cores", ",".join(map(str, cores)), "--samples", "3000", "--epochs", "6",
                   "--json", out)
    assert done.returncode == 0, done.stderr
    assert "golden bits" in done.stdout and "of one core" in done.stdout
    report = json.loads(out.read_text())
    if len(cores) > 1:
        check_frame(tickmlp, report, "team", blob)
    assert report["schema"] == "tickmlp-team/0" and report["cores"] == cores and report["epochs"] == 6
    assert report["model"]["lanes"] == 224 and report["model"]["dtype"] == dtype
    assert report["equal_bits"] is True and report["compared"] == 6 * 8 * (len(cores) - 1)
    assert [team["cores"] for team in report["teams"]] == list(range(1, len(cores) + 1))
    assert report["teams"][0]["of_one_core"] == 1
    for team in report["teams"]:
        assert team["count"] == 3000 and 0 < team["min_ns"] <= team["central_ns"] <= team["max_ns"]
        low, high = team["of_one_core_95"]
        assert low <= team["of_one_core"] <= high
    for team in report["teams"][1:]:
        counters = team["counters"]
        assert counters["inferences"] == 3000 + 6 * (2000 + 8)
        assert counters["rejoined"] <= counters["late"] <= counters["alone"] <= counters["inferences"]
    assert report["floors"]["timer"]["central_ns"] < report["floors"]["memory"]["central_ns"]
    assert (report["floors"]["round_trip"] is None) == (len(cores) == 1)


def test_a_caller_alone(tickmlp):
    done = tickmlp("team", ROOT / "weights" / "strategic-int8.blob", "--cores", CORES[0], "--samples", "100")
    assert done.returncode == 0 and "1 core" in done.stdout and "2 cores" not in done.stdout


def test_a_core_that_is_not_there_and_a_model_too_small(tickmlp, flat_blob):
    done = tickmlp("team", flat_blob, "--cores", f"{CORES[0]},8191", "--samples", "100")
    assert done.returncode == 4 and "pin-failed" in done.stderr and "core 8191" in done.stderr
    many = ",".join(str(CORES[0] + i) for i in range(9))  # the model has three groups
    done = tickmlp("team", flat_blob, "--cores", many, "--samples", "100")
    assert done.returncode == 4 and "team-too-large" in done.stderr


def test_a_report_over_the_model_is_refused(tickmlp, flat_blob):
    before = flat_blob.read_bytes()
    assert tickmlp("team", flat_blob, "--cores", CORES[0], "--json", flat_blob).returncode == 2
    assert flat_blob.read_bytes() == before
