# SPDX-License-Identifier: Apache-2.0
"""`tickmlp sample` and `compare` of runs: what they say, decide and refuse, and what they leave behind."""
import hashlib
import json
import os
import signal
import subprocess
import time

import numpy
import pytest

from fake_tickmlp import fake, line, prints, series

SHORT = ("--pairs", "9", "--seconds", "0.002")


@pytest.fixture
def compare(tickmlp, tmp_path, blob):
    """compare(A, B, ...): two programs on one blob; the report is None where there is none."""
    def run(a, b, *options):
        report = tmp_path / "report.json"
        done = tickmlp("compare", "--binaries", a, b, "--blob", blob, "--json", report, *options)
        return done, json.loads(report.read_text()) if report.exists() else None
    return run


@pytest.mark.parametrize("path", ["full", "tick"])
def test_a_sample_is_one_line(tickmlp, blob, states, path):
    done = tickmlp("sample", blob, "--path", path, "--seconds", "0.01", "--input", states)
    assert done.returncode == 0 and done.stdout.count("\n") == 1, done.stderr
    seen = json.loads(done.stdout)
    assert seen["schema"] == "tickmlp-sample/1" and seen["path"] == path
    assert seen["dtype"] == blob.stem.split("-")[1] and seen["kernel"].startswith(seen["dtype"])
    assert seen["blob_sha256"] == hashlib.sha256(blob.read_bytes()).hexdigest()
    assert seen["count"] > 1000 and seen["central_ns"] > seen["timer_ns"] > 0 and seen["step_ns"] >= 1


def test_both_paths_and_all_kernels_give_the_same_outputs(tickmlp, blob, states):
    dtype = blob.stem.split("-")[1]
    seen = [json.loads(tickmlp("sample", blob, "--seconds", "0.001", "--input", states, "--kernel", kernel).stdout)
            for kernel in (f"{dtype}-scalar", f"{dtype}-avx2")]
    assert seen[0]["outputs_sha256"] == seen[1]["outputs_sha256"]
    assert seen[0]["kernel"] != seen[1]["kernel"]
    golden = json.loads(tickmlp("sample", blob, "--seconds", "0.001").stdout)
    assert golden["outputs_sha256"] != seen[0]["outputs_sha256"]


def test_two_real_programs(compare, binary, blob, tmp_path):
    copy = tmp_path / "copy"
    copy.write_bytes(open(binary, "rb").read())
    copy.chmod(0o755)
    done, report = compare(binary, copy, *SHORT)
    assert done.returncode == {"same": 0, "faster": 0, "slower": 1, "inconclusive": 3}[report["verdict"]], done.stderr
    assert report["schema"] == "tickmlp-comparison/1" and len(report["pairs"]) == 9
    assert [pair["order"] for pair in report["pairs"]] == ["AB", "BA"] * 4 + ["AB"]
    assert report["a"]["blob_sha256"] == report["b"]["blob_sha256"] == hashlib.sha256(blob.read_bytes()).hexdigest()
    assert report["verdict"].upper() in done.stdout and report["a"]["kernel"] in done.stdout


def test_kernels_and_blobs(tickmlp, blob, flat_blob, tmp_path):
    dtype = blob.stem.split("-")[1]
    report = tmp_path / "report.json"
    done = tickmlp("compare", "--kernels", f"{dtype}-avx2", f"{dtype}-scalar", "--blob", blob, *SHORT, "--json", report)
    assert done.returncode == 1, done.stdout + done.stderr  # the specification is many times slower
    seen = json.loads(report.read_text())
    assert seen["verdict"] == "slower" and seen["b"]["kernel"] == f"{dtype}-scalar" and seen["effect_percent"] > 100
    done = tickmlp("compare", "--blobs", blob, flat_blob, *SHORT)
    if dtype == "float32":
        assert done.returncode in (0, 1, 3), done.stderr
    else:
        assert done.returncode == 4 and "blob-type: A is int8, B is float32" in done.stderr


@pytest.mark.parametrize("b_ns, code, verdict", [(902, 0, "same"), (950, 1, "slower"), (850, 0, "faster")])
def test_decisions(compare, tmp_path, b_ns, code, verdict):
    done, report = compare(prints(tmp_path / "a"), prints(tmp_path / "b", central_ns=b_ns), "--pairs", "9")
    assert done.returncode == code and report["verdict"] == verdict, done.stderr
    assert report["effect_ns"] == b_ns - 900 and report["minimum_effect_ns"] == pytest.approx(0.03 * 880)
    assert report["effect_percent"] == pytest.approx(100 * (b_ns - 900) / 880, abs=1e-3)
    assert verdict.upper() in done.stdout


def test_too_few_pairs_and_noise_are_inconclusive(compare, tmp_path):
    done, report = compare(prints(tmp_path / "a"), prints(tmp_path / "b", central_ns=1800), "--pairs", "8")
    assert done.returncode == 3 and "too few pairs" in report["why"] and report["interval_ns"] is None
    noisy = series(tmp_path / "b", [900 + 60 * (i % 5 - 2) for i in range(20)])
    done, report = compare(prints(tmp_path / "a"), noisy, "--pairs", "20")
    assert done.returncode == 3 and "too noisy" in report["why"]
    assert report["interval_ns"][0] < report["minimum_effect_ns"] < report["interval_ns"][1]


def test_the_statistics_are_scipys(compare, tmp_path):
    stats = pytest.importorskip("scipy.stats")
    random = numpy.random.default_rng(3)
    for count in (12, 30, 50):
        values = [numpy.round(900 * random.normal(1 + shift, 0.03, count), 4) for shift in (0, 0.01)]
        done, report = compare(series(tmp_path / "a", list(values[0])), series(tmp_path / "b", list(values[1])),
                               "--pairs", str(count))
        difference = values[1] - values[0]
        for key, alternative in (("p_slower", "greater"), ("p_faster", "less")):
            exact = stats.wilcoxon(difference, alternative=alternative, mode="exact").pvalue
            assert report[key] == pytest.approx(exact, rel=1e-9)
        means = (difference[:, None] + difference[None, :])[numpy.triu_indices(count)] / 2
        assert report["effect_ns"] == pytest.approx(numpy.median(means), abs=1e-3)


@pytest.mark.parametrize("name, body", [
    ("sample-exit", "echo 'tickmlp: unknown command sample' >&2; exit 2"), ("sample-exit", "exit 1"),
    ("sample-signal", "kill -SEGV $$"), ("sample-signal", "kill -KILL $$"), ("sample-timeout", "sleep 60"),
    ("sample-timeout", "exec >&- 2>&-; sleep 60"), ("sample-timeout", "sleep 60 & exit 0"),
    ("sample-output", "true"), ("sample-output", "echo garbage"), ("sample-output", "head -c 300000 /dev/zero"),
    ("sample-output", "echo '[1, 2]'"), ("sample-output", "echo '{}'"), ("sample-output", "echo \"$A\"; echo \"$A\""),
    *(("sample-output", f"echo '{line(**change)}'") for change in
      ({"schema": "tickmlp-sample/0"}, {"central_ns": "fast"}, {"central_ns": -1}, {"kernel": 7}, {"count": None})),
    ("sample-path", f"echo '{line(path='tick')}'"), ("blob-type", f"echo '{line(dtype='float32')}'"),
    ("blob-changed", f"echo '{line(blob_sha256='00' * 32)}'"), ("clock-step", f"echo '{line(step_ns=1)}'"),
    ("different-bits", f"echo '{line(outputs_sha256='00' * 32)}'"),
    ("sample-changed", "if [ -e \"$0.was\" ]; then echo \"$B\"; else touch \"$0.was\"; echo \"$A\"; fi")])
def test_a_process_that_fails_is_named(compare, tmp_path, monkeypatch, name, body):
    monkeypatch.setenv("A", line())
    monkeypatch.setenv("B", line(kernel="int8-sse4"))
    done, report = compare(prints(tmp_path / "a"), fake(tmp_path / "b", body), "--timeout", "0.5")
    assert done.returncode == 4 and f"{name}: " in done.stderr and report is None, (done.returncode, done.stderr)
    assert done.stdout == "" and not [p for p in tmp_path.iterdir() if "tmp-" in p.name]


def test_what_is_no_tickmlp_is_named(compare, binary, tmp_path):
    cases = {"program-open": [tmp_path / "missing", tmp_path, tmp_path / "plain"],
             "not-tickmlp": ["/bin/true", fake(tmp_path / "other", "true", "othermlp 1.0")],
             "program-start": [tmp_path / "no-format"]}
    (tmp_path / "plain").write_text("not executable")
    (tmp_path / "no-format").write_text("no interpreter line")
    (tmp_path / "no-format").chmod(0o755)
    for name, paths in cases.items():
        for path in paths:
            done, report = compare(binary, path, *SHORT)
            assert done.returncode == 4 and f"B, {path}: {name}: " in done.stderr, (path, done.stderr)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_leaves_nothing(binary, blob, tmp_path, stop):
    """The process that hangs, and the one that it started, are gone; no report, no part of one."""
    started = tmp_path / "pids"
    hangs = fake(tmp_path / "b", f"sleep 300 &\necho $$ $! > '{started}.part'; mv '{started}.part' '{started}'\nwait")
    words = ["compare", "--binaries", prints(tmp_path / "a"), hangs, "--blob", blob, "--json", tmp_path / "report.json"]
    process = subprocess.Popen([binary, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 30
    while not started.exists() and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(stop)
    out, error = process.communicate(timeout=30)
    assert process.returncode == 128 + stop and out == "" and "interrupted; nothing was written" in error
    assert {p.name for p in tmp_path.iterdir()} == {"a", "b", "pids"}
    for pid in started.read_text().split():
        while os.path.exists(f"/proc/{pid}") and _state(pid) != "Z" and time.monotonic() < end:
            time.sleep(0.01)
        assert not os.path.exists(f"/proc/{pid}") or _state(pid) == "Z"  # the second waits for init to collect it


def _state(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


@pytest.mark.parametrize("arguments", [
    [], ["one.json"], ["one.json", "two.json", "three.json"], ["--binaries", "x"], ["--binaries", "x", "y"],
    ["--blobs", "x", "y", "--blob", "z"], ["--kernels", "x", "y"], ["--kernels", "x", "y", "--blobs", "x", "y"],
    ["one.json", "two.json", "--blob", "x"], ["--kernels", "x", "y", "--blob", "z", "--kernel", "x"],
    ["--blobs", "x", "y", "--pairs", "0"], ["--blobs", "x", "y", "--pairs", "501"],
    ["--blobs", "x", "y", "--seconds", "0"], ["--blobs", "x", "y", "--path", "short"],
    ["--blobs", "BLOB", "BLOB", "--json", "BLOB"]])
def test_wrong_usage(tickmlp, blob, arguments):
    before = blob.read_bytes()
    done = tickmlp("compare", *(blob if word == "BLOB" else word for word in arguments))
    assert done.returncode == 2 and done.stderr.startswith("tickmlp: ") and done.stdout == "", done.stderr
    assert blob.read_bytes() == before
