# SPDX-License-Identifier: Apache-2.0
"""`tickmlp certify`: the certificate's fields, its verdicts, and what happens when it is stopped."""
import hashlib
import json
import os
import signal
import subprocess
import time

import pytest

SCENARIO = {"name", "kind", "path", "cache", "gap_ns", "rate_per_s", "count", "central_ns", "min_ns", "p50_ns",
            "p90_ns", "p99_ns", "p99_9_ns", "p99_99_ns", "max_ns"}
PERCENTILES = ["min_ns", "p50_ns", "p90_ns", "p99_ns", "p99_9_ns", "p99_99_ns", "max_ns"]


@pytest.fixture
def certify(tickmlp, tmp_path):
    """Runs certify and gives the process and its certificate."""
    def run(blob, *options, samples=5000, scenario="hot"):
        report = tmp_path / "report.json"
        done = tickmlp("certify", blob, "--samples", samples, "--json", report, "--scenario", scenario, *options)
        assert done.returncode in (0, 1, 3), done.stderr
        return done, json.loads(report.read_text())
    return run


def test_fields_that_other_programs_read(certify, blob, states):
    done, report = certify(blob, "--input", states, samples=40000)
    assert done.returncode == 3 and report["verdict"] == "INCONCLUSIVE"
    assert report["schema"].startswith("tickmlp-certificate/") and report["complete"] is True
    assert report["reasons"][0].startswith("no budget declared: ")
    # On a box with forcing rows the others say so, as they would with a budget.
    forcing = [row for row in report["audit"] if row["forcing"] and row["grade"] != "pass"]
    assert bool(forcing) == (len(report["reasons"]) > 1)
    assert all(reason.startswith("with a budget, no PASS could be given") for reason in report["reasons"][1:])
    assert report["model"]["name"] == blob.stem and report["model"]["dtype"] == blob.stem.split("-")[1]
    assert report["model"]["blob_sha256"] == hashlib.sha256(blob.read_bytes()).hexdigest()
    assert report["kernel"].startswith(report["model"]["dtype"])
    scenario, tick = report["scenarios"]
    assert tick.keys() == scenario.keys() and (tick["path"], tick["cache"]) == ("tick", "hot")
    assert (scenario["id"], tick["id"]) == ("full-hot", "tick-hot") and report["budgets"] == []
    assert report["ratios"]["tick_to_full"] > 0
    assert SCENARIO <= scenario.keys()
    assert (scenario["kind"], scenario["path"], scenario["cache"]) == ("service", "full", "hot")
    assert scenario["count"] == 40000
    figures = [scenario[name] for name in PERCENTILES]
    assert figures == sorted(figures) and all(isinstance(figure, int) for figure in figures)
    assert scenario["min_ns"] <= scenario["central_ns"] <= scenario["p90_ns"]
    assert [len(run) for run in scenario["epoch_central_ns"]] == [report["method"]["epochs"]] * 5
    assert [run["count"] for run in scenario["run_figures"]] == [8000] * 5


def test_floors_are_in_the_same_unit_and_order(certify, blob):
    _, report = certify(blob, samples=20000)
    floors = report["floors"]
    assert 0 < floors["timer_ns"] == floors["timer"]["central_ns"] <= floors["memory_ns"]
    assert floors["memory_ns"] <= report["scenarios"][0]["central_ns"]
    assert floors["timer_step_ns"] >= 1
    assert report["ratios"]["full_to_memory_floor"] is None or report["ratios"]["full_to_memory_floor"] > 0


def test_the_audit_has_what_happened_during_the_run(certify, blob):
    _, report = certify(blob)
    rows = {row["name"]: row for row in report["audit"]}
    assert rows.keys() >= {"isolated core", "virtualised", "invariant TSC", "affinity during the run", "page faults",
                           "steal during the run", "involuntary switches", "interrupts during the run", "jitter",
                           "frequency drift", "weights locked"}
    assert rows["affinity during the run"]["grade"] == "pass"
    assert (rows["page faults"]["grade"] == "pass") == (report["counters"]["page_faults"] == 0)
    assert rows["jitter"]["forcing"] is False  # without a budget there is nothing to be longer than
    assert report["floors"]["jitter"]["count"] > 10000
    assert len(report["floors"]["fixed_work_ns"]) == report["method"]["epochs_finished"] == 20


def test_gaps_longer_than_the_budget_keep_it_from_passing(certify, blob):
    _, report = certify(blob, "--budget", "p99=30ms,min=1ns")
    jitter = next(row for row in report["audit"] if row["name"] == "jitter")
    assert jitter["forcing"] is True and jitter["grade"] == "warn" and "allowed 1 ns" in jitter["seen"]


def test_correctness_input_and_counters(certify, blob, states):
    _, report = certify(blob, "--input", states)
    correct = report["correctness"]
    assert correct["equal_bits"] and correct["golden_vectors"] == 8 and correct["states"] == 256
    assert correct["scalar_kernel"].endswith("-scalar") and correct["mismatch"] is None
    assert report["method"]["input"]["states"] == 300
    assert report["method"]["input"]["sha256"] == hashlib.sha256(states.read_bytes()[-300 * 12 * 4:]).hexdigest()
    assert report["counters"]["inferences"] > 5000 and report["counters"]["refused"] == 0


@pytest.mark.parametrize("samples, known", [(1, []), (6, ["p50_ns"]), (367, ["p50_ns", "p90_ns"]),
                                            (368, ["p50_ns", "p90_ns", "p99_ns"])])
def test_too_few_samples_give_null(certify, blob, samples, known):
    _, report = certify(blob, samples=samples)
    scenario = report["scenarios"][0]
    assert scenario["count"] == samples and scenario["max_ns"] is not None
    assert [name for name in ("p50_ns", "p90_ns", "p99_ns", "p99_9_ns") if scenario[name] is not None] == known


def test_the_table_for_people(certify, blob):
    done, _ = certify(blob, samples=40000)
    for words in ("timer floor", "memory floor", "full path", "p99.99", "central", "x the memory floor", "same bits",
                  "INCONCLUSIVE", "no budget declared", "interleaved epochs"):
        assert words in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 140


def test_a_missed_budget_fails(certify, blob):
    done, report = certify(blob, "--budget", "p50=1ns")
    assert done.returncode == 1 and report["verdict"] == "FAIL"
    assert "exceeds the budget of 1 ns" in report["reasons"][0] and "FAIL" in done.stdout


def test_a_met_budget_passes_only_on_a_good_box(certify, blob):
    done, report = certify(blob, "--budget", "p50=1s,central=1s", "--budget", "p99=900s")
    assert [row["verdict"] for row in report["budgets"]] == ["PASS"] * 3
    forcing = [row["name"] for row in report["audit"] if row["forcing"] and row["grade"] != "pass"]
    assert report["verdict"] == ("INCONCLUSIVE" if forcing else "PASS")
    assert done.returncode == (3 if forcing else 0)
    for name in forcing:
        assert any(name in reason for reason in report["reasons"])


def test_too_few_samples_for_the_budget(certify, blob):
    done, report = certify(blob, "--budget", "p99.9=1s", samples=100)
    assert done.returncode == 3 and "too few samples" in " ".join(report["reasons"])


def test_a_kernel_by_name(certify, blob):
    name = blob.stem.split("-")[1] + "-scalar"
    done, report = certify(blob, "--kernel", name, "--epochs", 3, "--warm-up", 0, samples=50)
    assert report["kernel"] == name and name in done.stdout
    assert report["method"]["epochs"] == 3 and report["method"]["warm_up"] == 0


def test_more_epochs_than_samples(certify, blob):
    _, report = certify(blob, "--epochs", 100, samples=7)
    assert report["method"]["runs"] == 5 and report["method"]["epochs"] == 1  # at least a sample in each
    assert report["method"]["epochs_finished"] == 5 and report["scenarios"][0]["count"] == 7
    assert [run["count"] for run in report["scenarios"][0]["run_figures"]] == [2, 2, 1, 1, 1]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("delay", [0.03, 0.1, 0.6, 1.5])
def test_interrupted(tickmlp, binary, blob, tmp_path, stop, delay):
    """Whenever it comes: 128 + signal, and either no report yet or a whole one that says incomplete and verifies."""
    report = tmp_path / "report.json"
    process = subprocess.Popen([binary, "certify", str(blob), "--samples", "100000000", "--json", str(report)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(delay)
    process.send_signal(stop)
    process.communicate(timeout=30)
    assert process.returncode in (128 + stop, -stop)  # -stop: before it could catch anything
    if process.returncode == 128 + stop:
        written = json.loads(report.read_text())
        assert written["complete"] is False and written["verdict"] == "INCONCLUSIVE"
        assert written["interrupt_signal"] == stop and "interrupted by signal" in written["reasons"][0]
        named = {entry["file"] for entry in [written["evidence"]["hlog"], *written["evidence"]["hgrm"]]}
        assert set(os.listdir(tmp_path)) == named | {"report.json"}
        assert tickmlp("verify", report).returncode == 0
    else:
        assert os.listdir(tmp_path) == []


def test_interrupted_at_any_instant(tickmlp, binary, blob, tmp_path):
    """From before the model is loaded until after the report: the code says what the report says."""
    for number in range(24):
        report = tmp_path / f"{number}.json"
        process = subprocess.Popen([binary, "certify", str(blob), "--samples", "2000", "--warm-up", "10", "--scenario",
                                    "evicted", "--json", str(report)], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(0.035 * number)
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
        assert code in (-signal.SIGTERM, 128 + signal.SIGTERM, 3)
        assert report.exists() == (code > 0)
        if code > 0:
            written = json.loads(report.read_text())
            assert written["complete"] == (code == 3) and (written["interrupt_signal"] is None) == (code == 3)
            assert tickmlp("verify", report).returncode == 0
    assert not [name for name in os.listdir(tmp_path) if "tmp" in name]


def test_nohup_goes_on_when_the_terminal_goes_away(binary, blob):
    process = subprocess.Popen([binary, "certify", str(blob), "--samples", "20000"], stdout=subprocess.DEVNULL,
                               preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    for _ in range(5):
        time.sleep(0.1)
        process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=30) == 3


def test_the_progress_bar_is_for_terminals_only(binary, blob):
    import pty
    leader, follower = pty.openpty()
    process = subprocess.Popen([binary, "certify", str(blob), "--samples", "100000000"], stdout=subprocess.DEVNULL,
                               stderr=follower)
    os.close(follower)
    shown = b""
    while b"s left" not in shown:  # hours are left, so it is drawn at once
        shown += os.read(leader, 1024)
    process.terminate()
    assert process.wait(timeout=30) == 128 + signal.SIGTERM
    os.close(leader)
