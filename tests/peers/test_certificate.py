# SPDX-License-Identifier: Apache-2.0
"""Other systems inside a certificate: `scripts/compare_peers --certify`, and the program behind it."""
import json
import shutil

import numpy
import pytest

from programs import FILES, PROGRAMS, ROOT, SYSTEMS, run

QUICK = ["--scenario", "hot", "--samples", 4000, "--runs", 2, "--epochs", 2, "--warm-up", 50]
BLOB, REFERENCE = ROOT / "weights" / "tactical-int8.blob", ROOT / "weights" / "tactical-float32.blob"


def family(system):
    return next(name for name in SYSTEMS if system.split()[0] == name or system.startswith(name + "-"))


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """(the finished process, the document's path) of everything that is installed."""
    if not (PROGRAMS / "compare_peers").is_file():
        pytest.skip("no build-peers/: scripts/compare_peers --list builds it")
    out = tmp_path_factory.mktemp("certificate") / "c.json"
    done = run(ROOT / "scripts" / "compare_peers", "--certify", BLOB, *QUICK, "--json", out, "--html",
               out.with_suffix(".html"))
    assert done.returncode == 3, done.stdout + done.stderr
    return done, out


@pytest.fixture
def certify(certificate, tmp_path):
    """The program that has plain-c and nothing else."""
    def start(blob=BLOB, *options, network=FILES / "certified" / "tactical", program="compare_peers_plain",
              states=FILES / "states" / "states-tactical.npy"):
        out = tmp_path / "plain.json"
        done = run(PROGRAMS / program, "certify", "--network", network, "--onnxruntime", "", blob, *QUICK, "--input",
                   states, "--json", out, *options)
        return done, json.loads(out.read_text()) if out.is_file() else None
    return start


def test_every_system_is_timed_or_skipped_with_a_reason(certificate):
    done, path = certificate
    document = json.loads(path.read_text())
    timed = {family(row["system"]) for row in document["comparators"]}
    skipped = {family(row["system"]) for row in document["comparators_skipped"]}
    assert "plain-c" in timed and timed | skipped == SYSTEMS
    assert all(row["why"] for row in document["comparators_skipped"])
    for row in document["comparators"]:
        assert row["id"] == f"other-{row['system']}-{row['dtype']}" and row["version"]
        assert row["count"] == 4000 and 0 < row["min_ns"] <= row["p50_ns"] <= row["p99_ns"] <= row["max_ns"]
        assert [run["count"] for run in row["run_figures"]] == [2000, 2000]
        assert 0 <= row["largest_difference_ppb"] <= (20_000_000 if row["dtype"] == "int8" else 10_000)
        assert row["system"] in done.stdout and row["system"] in path.with_suffix(".html").read_text()
    assert document["command"].startswith(f"scripts/compare_peers --certify {BLOB} --scenario hot")


def test_the_ratio_is_to_our_full_path_without_the_timer(certificate):
    document = json.loads(certificate[1].read_text())
    timer, full = document["floors"]["timer_ns"], document["scenarios"][0]["central_ns"]
    for row in document["comparators"]:
        assert row["ratio_to_full"] == pytest.approx((row["central_ns"] - timer) / (full - timer), abs=1e-4)


def test_what_others_compute_is_not_in_our_counters(certificate):
    document = json.loads(certificate[1].read_text())
    assert document["counters"]["inferences"] < 20_000


def test_verify_computes_their_figures_again(certificate, tmp_path):
    _, path = certificate
    verify = PROGRAMS.parents[1] / "tickmlp"
    assert run(verify, "verify", path).returncode == 0
    for name in path.parent.iterdir():
        shutil.copy(name, tmp_path)
    document = json.loads(path.read_text())
    document["comparators"][0]["p99_ns"] += 1
    document["comparators"][0]["ratio_to_full"] = 99
    (tmp_path / "c.json").write_text(json.dumps(document))
    done = run(verify, "verify", tmp_path / "c.json")
    assert done.returncode == 1
    assert "/comparators/0/p99_ns" in done.stdout and "/comparators/0/ratio_to_full" in done.stdout
    table = tmp_path / f"c.{document['comparators'][0]['id']}.hgrm"
    table.write_text(table.read_text() + "\n")
    assert f"{table.name}: its SHA-256" in run(verify, "verify", tmp_path / "c.json").stdout


def test_without_any_library_of_others(certify):
    done, document = certify(BLOB, "--reference", REFERENCE)
    assert done.returncode == 3, done.stderr
    assert [row["id"] for row in document["comparators"]] == ["other-plain-c-float32"]
    assert {row["system"] for row in document["comparators_skipped"]} == SYSTEMS - {"plain-c"}
    assert "skipped    torchscript: built without it: no libtorch-dev" in done.stdout


def test_a_system_that_is_wrong_is_not_timed(certify, tmp_path):
    network = shutil.copytree(FILES / "certified" / "tactical", tmp_path / "network")
    w1 = numpy.load(network / "w1.npy")
    w1[419, :64] *= -3
    numpy.save(network / "w1.npy", w1)
    done, document = certify(BLOB, "--reference", REFERENCE, network=network)
    assert done.returncode == 3 and document["comparators"] == []
    why = {row["system"]: row["why"] for row in document["comparators_skipped"]}
    assert "wrong outputs: largest difference" in why["plain-c float32"]


def test_refused(certify, tmp_path):
    done, _ = certify(BLOB)
    assert done.returncode == 2 and "--reference FLOAT32.blob: none was given" in done.stderr
    states = tmp_path / "states.npy"
    assert run(ROOT / "scripts" / "synthetic_market", states, "--states", 64, "--model", "strategic").returncode == 0
    strategic = ROOT / "weights" / "strategic-int8.blob"
    done, _ = certify(strategic, "--reference", ROOT / "weights" / "strategic-float32.blob", states=states)
    assert done.returncode == 4 and "13 inputs and 10 outputs" in done.stderr, done.stderr


@pytest.mark.parametrize("words", [["--certify"], ["--certify", "/nowhere/tactical-int8.blob"],
                                   ["--certify", ROOT / "README.md"]])
def test_wrong_usage(words):
    done = run(ROOT / "scripts" / "compare_peers", *words)
    assert done.returncode in (2, 4) and done.stderr and "Traceback" not in done.stderr
