# SPDX-License-Identifier: Apache-2.0
"""`tickmlp throughput`: its figures hang together, its refusals have names."""
import hashlib
import json
import os
import signal
import subprocess
import time

import pytest


@pytest.fixture
def throughput(tickmlp, tmp_path):
    def run(blob, *options):
        report = tmp_path / "report.json"
        done = tickmlp("throughput", blob, "--json", report, *options)
        assert done.returncode == 0, done.stderr
        return done, json.loads(report.read_text())
    return run


def test_the_figures_hang_together(throughput, blob):
    done, report = throughput(blob, "--states", "3,65")
    assert report["schema"].startswith("tickmlp-throughput/")
    assert report["model"]["dtype"] == blob.stem.split("-")[1] and report["kernel"].startswith(report["model"]["dtype"])
    assert report["model"]["blob_sha256"] == hashlib.sha256(blob.read_bytes()).hexdigest()
    # 12 inputs; heads of 20 and 7 hidden units, padded to 32 and 16, with 3 outputs and 1.
    assert report["multiply_adds_per_state"] == {"layer1": 12 * 48, "layer2": 32 * 3 + 16 * 1}
    assert [row["states"] for row in report["batches"]] == [3, 65]
    for row in report["batches"]:
        assert row["epochs"] >= 11 and row["one_at_a_time_ns_per_state"] > 0
        assert 0 < row["p10_ns_per_state"] <= row["ns_per_state"] <= row["p90_ns_per_state"]
        assert row["multiply_adds_per_ns"] == pytest.approx((12 * 48 + 112) / row["ns_per_state"])
        if report["peak_instruction"] is not None:
            assert 0 < row["of_peak"] < 1 and row["peak_multiply_adds_per_ns"] > 1
    assert report["peak_instruction"] is None or report["peak_instruction"] in done.stdout
    assert "one at a time" in done.stdout and "65" in done.stdout


def test_a_scalar_kernel_has_no_peak(throughput, blob):
    done, report = throughput(blob, "--states", "2", "--kernel", f"{blob.stem.split('-')[1]}-scalar")
    assert report["peak_instruction"] is None and report["batches"][0]["of_peak"] is None
    assert "peak: none for a scalar kernel" in done.stdout


def test_refusals_are_named(tickmlp, blob, tmp_path, folder):
    for arguments, code, words in (([tmp_path / "missing.blob"], 4, "file-open"),
                                   ([blob, "--core", "8191"], 4, "core 8191"),
                                   ([blob, "--json", tmp_path / "none" / "out.json"], 4, "none"),
                                   ([blob, "--kernel", "abacus"], 2, "int8-scalar"),
                                   ([blob, "--states", "7,x"], 2, "expected a whole number from 1")):
        done = tickmlp("throughput", *arguments)
        assert done.returncode == code and words in done.stderr and done.stdout == "", done.stderr


def test_interrupted(binary, blob, tmp_path):
    report = tmp_path / "report.json"
    sizes = ",".join(["1000"] * 60)
    process = subprocess.Popen([binary, "throughput", os.fspath(blob), "--states", sizes, "--json", os.fspath(report)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGINT and out == "" and "nothing was written" in error
    assert not report.exists()
