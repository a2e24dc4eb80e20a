# SPDX-License-Identifier: Apache-2.0
"""`tickmlp soak`: the time series, errors, alerts, interrupts, and the bar beside JSON lines. No timing is judged."""
import json
import os
import pathlib
import pty
import signal
import subprocess
import time

import numpy
import pytest

from small_models import ROOT

FIGURES = {"count", "central_ns", "min_ns", "max_ns", "p50_ns", "p90_ns", "p95_ns", "p99_ns", "p99_9_ns", "p99_99_ns",
           "p99_999_ns"}
INTERVAL = FIGURES | {"begin_s", "seconds", "calls", "errors", "planned_misses", "saturated", "resident_kb",
                      "locked_kb", "page_faults", "involuntary_switches"}


@pytest.fixture
def soak(tickmlp, tmp_path):
    """(blob, option ...) -> (process, report, alerts on standard error)"""
    def run(blob, *options):
        out = tmp_path / "soak.json"
        done = tickmlp("soak", blob, "--json", out, *options)
        report = json.loads(out.read_text())
        assert report["schema"] == "tickmlp-soak/1"
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        for line, alert in zip(lines, report["soak"]["alerts"], strict=True):
            assert line.pop("time").endswith("Z") and line == alert
        return done, report["soak"], lines
    return run


def hang_together(report):
    intervals, total = report["intervals"], report["total"]
    for interval in intervals:
        assert interval.keys() == INTERVAL
        assert interval["count"] == interval["calls"] - interval["errors"]
        if interval["p50_ns"] is not None and not interval["saturated"]:
            assert interval["min_ns"] <= interval["p50_ns"] <= interval["max_ns"]
        assert (interval["p99_ns"] is None) == (interval["count"] < 368 or bool(interval["saturated"]))
        assert interval["resident_kb"] > 1000
    for field in ("count", "calls", "errors", "page_faults", "involuntary_switches"):
        assert total[field] == sum(interval[field] for interval in intervals)
    ends = [interval["begin_s"] + interval["seconds"] for interval in intervals]
    assert all(end <= following["begin_s"] + 1e-3 for end, following in zip(ends, intervals[1:]))


def test_back_to_back(soak, blob):
    done, report, _ = soak(blob, "--duration", "600ms", "--interval", "20ms")
    assert done.returncode in (0, 1), done.stderr  # 1: a busy box was above 1 ms three times in a row
    hang_together(report)
    assert len(report["intervals"]) == 30 and report["complete"] is True and report["interrupt_signal"] is None
    assert report["kind"] == "service" and report["rate_per_s"] is None and report["saturated"] is None
    assert report["total"]["errors"] == 0 and report["total"]["first_error"] is None
    for figure in ("central", "p50", "p99"):
        change = report["degradation"][figure]
        assert change["values"] == 3 and change["first_ns"] > 0
        assert change["change_range"][0] <= change["change"] <= change["change_range"][1]
        assert change["change"] == pytest.approx(change["last_ns"] / change["first_ns"] - 1, abs=1e-4)
    memory = report["memory"]
    assert memory["resident_last_kb"] == report["intervals"][-1]["resident_kb"]
    assert "memory growth" in done.stdout and "last tenth" in done.stdout


@pytest.mark.parametrize("arrivals", ["poisson", "constant"])
def test_paced_on_the_tick_path(soak, blob, arrivals):
    done, report, _ = soak(blob, "--duration", "500ms", "--interval", "100ms", "--rate", "20000", "--path", "tick",
                           "--arrivals", arrivals)
    assert done.returncode in (0, 1), done.stderr
    hang_together(report)
    assert (report["kind"], report["path"], report["arrivals"], report["rate_per_s"]) == (
        "response", "tick", arrivals, 20000)
    assert report["capacity_per_s"] > 20000 and report["saturated"] is False
    assert report["total"]["planned_misses"] == sum(i["planned_misses"] for i in report["intervals"])
    assert 7000 < report["total"]["calls"] < 13000  # 10,000, and Poisson


def test_a_rate_above_the_capacity_is_saturated(soak):
    done, report, _ = soak(ROOT / "weights" / "tactical-int8.blob", "--kernel", "int8-scalar", "--rate", "1000000",
                           "--duration", "10s")
    assert done.returncode == 3 and "saturated" in done.stdout
    assert report["saturated"] is True and report["intervals"] == [] and report["memory"] is None
    assert report["total"]["p50_ns"] is None and 0 < report["capacity_per_s"] < 1000000


def test_a_budget_that_is_exceeded_alerts_and_becomes_critical(soak, blob):
    done, report, alerts = soak(blob, "--duration", "300ms", "--interval", "50ms", "--budget", "central=9ns,p50=1s")
    assert done.returncode == 1
    raised = [alert for alert in alerts if alert["alert"] == "budget central"]
    assert [alert["severity"] for alert in raised] in (["warning", "critical"], ["critical"])
    assert raised[0]["interval"] == 0 and raised[0]["limit"] == 9 and raised[0]["unit"] == "ns"
    assert raised[0]["value"] == report["intervals"][0]["central_ns"]
    assert not any(alert["alert"] == "budget p50" for alert in alerts)
    assert report["critical_alerts"] >= 1


def test_refused_calls_are_counted_and_alert(soak, blob, tmp_path):
    states = numpy.random.default_rng(1).uniform(-1, 1, (100, 12)).astype(numpy.float32)
    states[7, 3] = numpy.nan
    states[50, 0] = numpy.inf
    numpy.save(tmp_path / "some.npy", states)
    done, report, alerts = soak(blob, "--input", tmp_path / "some.npy", "--duration", "300ms", "--interval", "50ms")
    hang_together(report)
    total = report["total"]
    assert total["first_error"] == "non-finite-input"
    assert total["errors"] == pytest.approx(total["calls"] * 0.02, abs=2 * len(report["intervals"]))
    errors = [alert for alert in alerts if alert["alert"] == "errors"]
    assert [alert["severity"] for alert in errors] == ["warning", "critical"] and done.returncode == 1
    assert [alert["interval"] for alert in errors] == [0, 2] and errors[0]["unit"] == "share"
    states[:] = numpy.nan
    numpy.save(tmp_path / "all.npy", states)
    done, report, alerts = soak(blob, "--input", tmp_path / "all.npy", "--duration", "100ms", "--interval", "50ms")
    assert done.returncode == 1 and report["total"]["count"] == 0 and report["total"]["p50_ns"] is None
    assert alerts[0]["severity"] == "critical" and alerts[0]["value"] == 1


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("rate", [(), ("--rate", "1")])
def test_interrupted(binary, blob, tmp_path, number, rate):
    out = tmp_path / "soak.json"
    process = subprocess.Popen([binary, "soak", blob, "--duration", "720h", "--interval", "1s", "--json", out, *rate],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while cpu_seconds(process.pid) < 0.3:  # 0.1 before the load begins
        time.sleep(0.05)
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    report = json.loads(out.read_text())["soak"]
    assert report["complete"] is False and report["interrupt_signal"] == number and "INCOMPLETE" in output
    assert len(report["intervals"]) == 1 and report["interval_wanted_s"] == 1
    assert report["interval_s"] == 720 * 3600 / 600  # never more than 600 of them
    assert (report["total"]["calls"] > 1000) == (rate == ())


def test_the_bar_leaves_the_lines_whole(binary, blob):
    """On a terminal: a bar with the time left, and each alert on a line of its own."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([binary, "soak", blob, "--duration", "3s", "--interval", "100ms", "--budget",
                                "central=1ns"], stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 65536):
            seen += chunk
    except OSError:  # how a terminal says that nobody writes any more
        pass
    assert process.wait(timeout=30) == 1
    os.close(ours)
    text = seen.decode()
    assert "s left" in text
    lines = [line.split("\r")[-1] for line in text.split("\r\n")]
    alerts = [json.loads(line) for line in lines if line.startswith("{")]
    assert alerts and alerts[0]["alert"] == "budget central" and text.count('{"alert"') == len(alerts)


def test_without_a_window_there_is_no_tick(tickmlp, flat_blob):
    done = tickmlp("soak", flat_blob, "--path", "tick", "--duration", "1s")
    assert done.returncode == 4 and "no-window" in done.stderr


def test_a_window_that_cannot_be_filled(tickmlp, blob, tmp_path):
    numpy.save(tmp_path / "nan.npy", numpy.full((2, 12), numpy.nan, numpy.float32))
    done = tickmlp("soak", blob, "--path", "tick", "--duration", "1s", "--input", tmp_path / "nan.npy")
    assert done.returncode == 4 and "first state" in done.stderr and "non-finite-input" in done.stderr


@pytest.mark.parametrize("options", [
    *(["--duration", value] for value in ["", "10", "0s", "-1s", "x", "1e30s", "10y", "nan", "1ms", "721h"]),
    ["--interval", "0s"], ["--rate", "0"], ["--rate", "1000001"], ["--rate", "1.5"], ["--arrivals", "bursts"],
    ["--path", "short"], ["--budget", "p98=1us"], ["--core", "-1"], ["--kernel", "abacus"],
])
def test_wrong_usage(tickmlp, blob, options):
    done = tickmlp("soak", blob, *options)
    assert done.returncode == 2 and done.stderr.startswith("tickmlp: ") and done.stdout == ""


def test_a_report_over_the_model_is_refused(tickmlp, blob):
    before = blob.read_bytes()
    assert tickmlp("soak", blob, "--json", blob).returncode == 2
    assert blob.read_bytes() == before
