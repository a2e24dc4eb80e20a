# SPDX-License-Identifier: Apache-2.0
"""`tickmlp certify --scenario`: calls after a gap, with a model that is touched meanwhile, and with evicted caches."""
import json
import os
import platform
import time

import pytest

from certificates import digest

COLD = {f"spaced-{gap}": ns for gap, ns in (("1us", 1000), ("10us", 10**4), ("100us", 10**5), ("1ms", 10**6),
                                            ("10ms", 10**7))}
FIELDS = {"name", "kind", "path", "cache", "gap_ns", "rate_per_s", "count", "central_ns", "min_ns", "p50_ns", "p90_ns",
          "p99_ns", "p99_9_ns", "p99_99_ns", "max_ns"}


@pytest.fixture
def certify(tickmlp, tmp_path):
    """(blob, options ...) -> (output, certificate)"""
    def run(blob, *options):
        report = tmp_path / "report.json"
        done = tickmlp("certify", blob, "--json", report, *options)
        assert done.returncode == 3, done.stderr
        return done.stdout, json.loads(report.read_text())
    return run


def by_name(certificate):
    return {(s["scenario"], s["path"]): s for s in certificate["scenarios"]}


def test_every_scenario_on_both_paths(certify, blob):
    output, certificate = certify(blob, "--samples", 30, "--scenario", "all")
    seen = by_name(certificate)
    names = ["hot", *COLD, "touched-1ms", "touched-10ms", "evicted", "evicted-data", "evicted-walk"]
    assert list(seen) == [(name, path) for name in names for path in ("full", "tick")]
    keys = seen["hot", "full"].keys()
    for (name, path), scenario in seen.items():
        assert scenario.keys() == keys and FIELDS <= keys
        assert 20 <= scenario["count"] <= 30 and scenario["central_ns"] > 0 and scenario["p99_ns"] is None
        assert name == "hot" or f"{path}, {name}" in output
        gap = COLD.get(name.replace("touched", "spaced"))
        assert scenario["gap_ns"] == gap and scenario["touch_ns"] == (50000 if name.startswith("touched") else None)
        kind = ("spaced", "spaced") if gap else ("service", "hot" if name == "hot" else "evicted")
        assert (scenario["kind"], scenario["cache"]) == kind
    flush = "flush" if platform.machine() == "x86_64" else "walk"
    assert [seen[name, "full"]["eviction"] for name in names[-3:]] == [flush, flush, "walk"]


def test_an_evicted_call_is_slower_than_a_hot_one(certify, blob):
    """By an order of magnitude even for this small model, so that no busy box hides it: main memory against L1."""
    if platform.machine() != "x86_64":
        pytest.skip("cache lines are flushed on x86 only")
    _, certificate = certify(blob, "--samples", 2000, "--scenario", "evicted")
    seen = by_name(certificate)
    for path in ("full", "tick"):
        assert seen["evicted", path]["min_ns"] > seen["hot", path]["p50_ns"]
    timer = certificate["floors"]["timer_ns"]
    ratio = (seen["evicted", "tick"]["central_ns"] - timer) / (seen["evicted", "full"]["central_ns"] - timer)
    assert certificate["ratios"]["tick_to_full_evicted"] == pytest.approx(ratio, abs=1e-3)


def test_gaps_are_waited_for(tickmlp, blob):
    start = time.monotonic()
    assert tickmlp("certify", blob, "--samples", 40, "--scenario", "spaced-10ms").returncode == 3
    assert time.monotonic() - start > 2 * 40 * 0.01


def test_samples_are_bounded_by_time(certify, blob):
    _, certificate = certify(blob, "--samples", 60000, "--scenario", "spaced-1us,spaced-1ms")
    seen = by_name(certificate)
    assert seen["spaced-1us", "full"]["count"] == 60000 and seen["spaced-1us", "full"]["p99_99_ns"] is not None
    assert 400 < seen["spaced-1ms", "tick"]["count"] <= 500 and seen["spaced-1ms", "tick"]["p99_9_ns"] is None
    assert seen["hot", "full"]["count"] == 60000


def test_several_sessions_name_their_slowest_calls(certify, blob, verify, tmp_path):
    """With the core that each was on, since each session has one of its own."""
    cores = sorted(os.sched_getaffinity(0))[-2:]
    if len(cores) < 2:
        pytest.skip("one core only")
    _, certificate = certify(blob, "--samples", 20000, "--scenario", "sessions-2")
    full, scenario = by_name(certificate)["sessions-2", "full"], by_name(certificate)["sessions-2", "tick"]
    assert full["count"] == scenario["count"] == 20000
    assert len(full["worst"]) == len(scenario["worst"]) == 10
    assert {sample["run"] for sample in scenario["worst"]} <= {1, 2, 3, 4, 5}
    known = [sample["cause"] for sample in scenario["worst"] if sample["cause"] is not None]
    assert all(cause.startswith(tuple(f"core {core}: " for core in cores)) for cause in known)
    assert known or not os.access("/proc/interrupts", os.R_OK)
    # Each other core has to be set apart too, and the row that says so cannot be taken away.
    rows = [row for row in certificate["audit"] if row["name"].startswith("isolated core ")]
    assert [row["name"] for row in rows] == [f"isolated core {core}, of a session" for core in cores[:-1]]
    assert all(row["forcing"] for row in rows)
    certificate["audit"].remove(rows[0])
    certificate["digest"] = digest(certificate)
    (tmp_path / "report.json").write_text(json.dumps(certificate))
    assert not verify(tmp_path / "report.json")[1]["facts"]


def test_without_a_window_there_is_no_tick(certify, flat_blob):
    _, certificate = certify(flat_blob, "--samples", 50, "--scenario", "spaced-10us,evicted,evicted,hot")
    assert list(by_name(certificate)) == [("hot", "full"), ("spaced-10us", "full"), ("evicted", "full")]
    assert certificate["ratios"]["tick_to_full_evicted"] is None


@pytest.mark.parametrize("text", ["", "cold", "spaced-1us,", "spaced-2us", "evicted evicted-walk"])
def test_unknown_scenarios_are_wrong_usage(tickmlp, blob, text):
    done = tickmlp("certify", blob, "--scenario", text)
    assert done.returncode == 2 and "expected one or more of all, hot, spaced-1us" in done.stderr


def test_the_terminal_says_how_many_calls_began_late(certify, blob):
    output, certificate = certify(blob, "--samples", 2000, "--scenario", "response-constant-1k")
    ran = [scenario for scenario in certificate["scenarios"] if scenario["planned_misses"] is not None]
    assert all(f"{s['path']}, {s['scenario']}" in output for s in ran)
    assert ("began late" in output) == bool(ran)
    for s in ran:
        [row] = [line.split() for line in output.split("began late")[1].splitlines()
                 if line.startswith(f"  {s['path']}, {s['scenario']}")]
        assert row[2:] == [f"{s['count']:,}", f"{s['planned_misses']:,}"]
