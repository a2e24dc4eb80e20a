# SPDX-License-Identifier: Apache-2.0
"""`tickmlp certify --soak`: time series, alerts, verdict, evidence, interrupts, and the bar. No timing is judged."""
import json
import os
import pathlib
import pty
import signal
import subprocess
import time

import pytest

from small_models import ROOT

FIGURES = {"count", "central_ns", "mean_ns", "min_ns", "max_ns", "p50_ns", "p90_ns", "p95_ns", "p99_ns", "p99_9_ns",
           "p99_99_ns", "p99_999_ns"}
INTERVAL = FIGURES | {"begin_s", "seconds", "calls", "errors", "planned_misses", "saturated", "resident_kb",
                      "locked_kb", "page_faults", "involuntary_switches"}
SHORT = ("--samples", "2000", "--runs", "1", "--epochs", "1", "--warm-up", "100", "--scenario", "hot")


@pytest.fixture
def soak(tickmlp, tmp_path):
    """(blob, option ...) -> (process, certificate, alerts on standard error); the certificate is valid"""
    def run(blob, *options):
        out = tmp_path / "c.json"
        done = tickmlp("certify", blob, *SHORT, "--json", out, "--html", tmp_path / "c.html", *options)
        assert done.returncode in (0, 1, 3), done.stderr
        certificate = json.loads(out.read_text())
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        for line, alert in zip(lines, certificate["soak"]["alerts"], strict=True):
            assert line.pop("time").endswith("Z") and line == alert
        verified = tickmlp("verify", out)
        assert verified.returncode == 0, verified.stdout
        return done, certificate, lines
    return run


def hang_together(soak):
    intervals, total = soak["intervals"], soak["total"]
    for interval in intervals:
        assert interval.keys() == INTERVAL
        assert interval["count"] == (0 if interval["saturated"] else interval["calls"] - interval["errors"])
        if interval["p50_ns"] is not None:
            assert interval["min_ns"] <= interval["p50_ns"] <= interval["max_ns"]
        assert (interval["p99_ns"] is None) == (interval["count"] < 368)
        assert interval["resident_kb"] > 1000
    for field in ("count", "calls", "errors", "page_faults", "involuntary_switches"):
        assert total[field] == sum(interval[field] for interval in intervals)
    ends = [interval["begin_s"] + interval["seconds"] for interval in intervals]
    assert all(end <= following["begin_s"] + 1e-3 for end, following in zip(ends, intervals[1:]))


def test_back_to_back(soak, blob):
    done, certificate, _ = soak(blob, "--soak", "600ms", "--soak-interval", "20ms")
    report = certificate["soak"]
    hang_together(report)
    assert len(report["intervals"]) == 30 and report["complete"] is True and report["interrupt_signal"] is None
    assert report["kind"] == "service" and report["rate_per_s"] is None and report["saturated"] is None
    assert report["total"]["errors"] == 0 and report["total"]["first_error"] is None
    for figure in ("central", "p50", "p99"):
        change = report["degradation"][figure]
        assert change["values"] == 3 and change["first_ns"] > 0
        assert change["change_range"][0] <= change["change"] <= change["change_range"][1]
        assert change["change"] == pytest.approx(change["last_ns"] / change["first_ns"] - 1, abs=1e-4)
    assert report["memory"]["resident_last_kb"] == report["intervals"][-1]["resident_kb"]
    assert "memory growth" in done.stdout and "last tenth" in done.stdout
    assert "soak" in [entry["scenario"] for entry in certificate["evidence"]["hgrm"]]
    assert certificate["counters"]["inferences"] > report["total"]["calls"]


@pytest.mark.parametrize("arrivals", ["poisson", "constant"])
def test_paced_on_the_tick_path(soak, blob, arrivals):
    _, certificate, _ = soak(blob, "--soak", "500ms", "--soak-interval", "100ms", "--soak-rate", "20000", "--path",
                             "tick", "--soak-arrivals", arrivals)
    report = certificate["soak"]
    hang_together(report)
    assert (report["kind"], report["path"], report["arrivals"], report["rate_per_s"]) == (
        "response", "tick", arrivals, 20000)
    assert report["capacity_per_s"] > 20000 and report["saturated"] is False
    assert report["total"]["planned_misses"] == sum(i["planned_misses"] for i in report["intervals"])
    assert 7000 < report["total"]["calls"] < 13000  # 10,000, and Poisson


def test_intervals_are_of_one_length(soak, blob):
    report = soak(blob, "--soak", "250ms", "--soak-interval", "100ms")[1]["soak"]
    assert len(report["intervals"]) == 3 and report["interval_s"] == pytest.approx(0.25 / 3, abs=1e-4)


def test_a_rate_above_the_capacity_is_saturated(soak):
    done, certificate, _ = soak(ROOT / "weights" / "tactical-int8.blob", "--kernel", "int8-scalar", "--soak-rate",
                                "1000000", "--soak", "10s", "--budget", "soak:p99=1s")
    report = certificate["soak"]
    assert done.returncode == 3 and "saturated" in done.stdout
    assert report["saturated"] is True and report["intervals"] == [] and report["memory"] is None
    assert report["total"]["p50_ns"] is None and 0 < report["capacity_per_s"] < 1000000
    assert certificate["budgets"][0]["verdict"] == "INCONCLUSIVE" and "saturated" in certificate["budgets"][0]["why"]


def test_a_soak_that_ran_nothing_alerts_and_keeps_from_pass(soak):
    """With no budget of its own to be inconclusive about."""
    done, certificate, _ = soak(ROOT / "weights" / "tactical-int8.blob", "--kernel", "int8-scalar", "--soak-rate",
                                "1000000", "--soak", "10s", "--budget", "full-hot:p99=100s")
    [alert] = certificate["soak"]["alerts"]
    assert (alert["alert"], alert["severity"], alert["state"]) == ("saturated", "critical", "raised")
    assert certificate["soak"]["critical_alerts"] == 1
    [told] = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert told["text"] == alert["text"] and "nothing was run: 1,000,000 calls/s are above" in alert["text"]
    assert done.returncode == 3 and any("the soak had a critical alert" in why for why in certificate["reasons"])


def test_a_budget_that_is_exceeded_alerts_and_fails(soak, blob):
    done, certificate, alerts = soak(blob, "--soak", "300ms", "--soak-interval", "50ms", "--budget",
                                     "soak:central=9ns,soak:p50=1s,soak:p99.999=1s")
    raised = [alert for alert in alerts if alert["alert"] == "budget central"]
    assert [alert["severity"] for alert in raised] in (["warning", "critical"], ["critical"])
    assert raised[0]["interval"] == 0 and raised[0]["limit"] == 9 and raised[0]["unit"] == "ns"
    assert raised[0]["value"] == certificate["soak"]["intervals"][0]["central_ns"]
    assert not any(alert["alert"] == "budget p50" for alert in alerts)
    assert certificate["soak"]["critical_alerts"] >= 1
    central, median, rare = certificate["budgets"]
    assert central["verdict"] == "FAIL" and median["verdict"] == "PASS" and "0 of 6 intervals" in median["why"]
    worst = max(interval["p50_ns"] for interval in certificate["soak"]["intervals"])
    assert median["value_ns"] == worst and median["interval_ns"][0] <= worst <= median["interval_ns"][1]
    assert rare["verdict"] in ("INCONCLUSIVE", "PASS") and done.returncode == 1 and certificate["verdict"] == "FAIL"


def test_the_page_shows_it(soak, blob, tmp_path):
    soak(blob, "--soak", "300ms", "--soak-interval", "20ms", "--budget", "soak:central=9ns")
    page = (tmp_path / "c.html").read_text()
    for text in ("soak-latency-narrow", "soak-memory", "Resident memory: ", "in the first tenth of the time",
                 "<td>critical"):
        assert text in page, text


@pytest.mark.parametrize("where, value", [("/intervals/1/p99_ns", 1), ("/total/count", 1), ("/critical_alerts", 7),
                                          ("/intervals/0/errors", 3), ("/degradation/p50/change", 0.5)])
def test_an_edited_figure_is_noticed(soak, tickmlp, blob, tmp_path, where, value):
    certificate = soak(blob, "--soak", "100ms", "--soak-interval", "20ms")[1]
    *names, last = where.split("/")[1:]
    part = certificate["soak"]
    for name in names:
        part = part[int(name) if name.isdigit() else name]
    part[last] = value
    (tmp_path / "c.json").write_text(json.dumps(certificate))
    verified = json.loads(tickmlp("verify", tmp_path / "c.json", "--json").stdout)
    figures = next(check for check in verified["checks"] if check["name"] == "figures")
    assert not figures["good"] and "/soak" in figures["seen"]


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("rate", [(), ("--soak-rate", "1")])
def test_interrupted(tickmlp, binary, blob, tmp_path, number, rate):
    out = tmp_path / "c.json"
    process = subprocess.Popen([binary, "certify", blob, *SHORT, "--soak", "720h", "--json", out, *rate],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while cpu_seconds(process.pid) < 2:  # under one before the load begins
        time.sleep(0.05)
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    certificate = json.loads(out.read_text())
    report = certificate["soak"]
    assert certificate["complete"] is False and certificate["verdict"] == "INCONCLUSIVE"
    assert report["complete"] is False and report["interrupt_signal"] == number and "INCOMPLETE" in output
    assert len(report["intervals"]) == 1 and report["interval_wanted_s"] == 1
    assert report["interval_s"] == 720 * 3600 / 600  # never more than 600 of them
    assert (report["total"]["calls"] > 1000) == (rate == ())
    assert tickmlp("verify", out).returncode == 0


def test_the_bar_leaves_the_lines_whole(binary, blob):
    """On a terminal: a bar with the time left over both parts, and each alert on a line of its own."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([binary, "certify", blob, *SHORT, "--soak", "3s", "--soak-interval", "100ms",
                                "--budget", "soak:central=1ns"], stdout=subprocess.DEVNULL, stderr=theirs)
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
    done = tickmlp("certify", flat_blob, "--path", "tick", "--soak", "1s")
    assert done.returncode == 4 and "no-window" in done.stderr


def test_without_a_soak_there_is_none(tickmlp, blob, tmp_path):
    done = tickmlp("certify", blob, *SHORT, "--json", tmp_path / "c.json")
    assert done.returncode == 3 and json.loads((tmp_path / "c.json").read_text())["soak"] is None
    done = tickmlp("certify", blob, *SHORT, "--budget", "soak:p99=1s")
    assert done.returncode == 2 and "--soak 10m measures it" in done.stderr


@pytest.mark.parametrize("options", [
    *(["--soak", value] for value in ["", "10", "0s", "-1s", "x", "1e30s", "10y", "nan", "1ms", "721h"]),
    *(["--soak", "1s", *more] for more in [["--soak-interval", "0s"], ["--soak-rate", "0"],
                                           ["--soak-rate", "1000001"], ["--soak-rate", "1.5"],
                                           ["--soak-arrivals", "bursts"], ["--budget", "soak:p98=1us"]]),
    ["--soak-rate", "100"], ["--soak-interval", "1s"], ["--soak-arrivals", "constant"],
])
def test_wrong_usage(tickmlp, blob, options):
    done = tickmlp("certify", blob, *options)
    assert done.returncode == 2 and done.stderr.startswith("tickmlp: ") and done.stdout == ""
