# SPDX-License-Identifier: Apache-2.0
"""Facts cannot be computed again, but `tickmlp verify` sees where they fit neither the evidence nor one another."""
import json

import pytest

from certificates import digest, document_of

FORCING = ["isolated core", "virtualised", "invariant TSC", "affinity during the run", "steal during the run",
           "page faults", "involuntary switches", "clock backwards", "jitter", "CPU quota during the run"]


@pytest.fixture
def forged(verify, copy):
    """forged(edit): whether verify finds the facts of an edited certificate, with a true digest, good."""
    def run(edit):
        document = document_of(copy)
        edit(document)
        document["digest"] = digest(document)
        (copy / "forged.json").write_text(json.dumps(document))
        code, checks = verify(copy / "forged.json")
        assert checks["digest"] and code == (0 if all(checks.values()) else 1)
        return checks["facts"]
    return run


def row_of(document, name):
    return next(row for row in document["audit"] if row["name"] == name)


def response_of(document):
    """One that ran: on a busy box its queue may never have drained."""
    for scenario in document["scenarios"]:
        if scenario["kind"] == "response" and not scenario["saturated"]:
            return scenario
    pytest.skip("10,000 calls a second were too many for this box, so there is no plan to contradict")


@pytest.mark.parametrize("edit", [
    lambda document: document.update(tool=[1]),
    lambda document: document.update(model=[1]),
    lambda document: document["evidence"]["hgrm"].append([])], ids=["tool", "model", "table"])
def test_a_member_of_another_type_is_no_crash(tickmlp, small, copy, edit):
    document = document_of(copy)
    edit(document)
    (copy / "forged.json").write_text(json.dumps(document))
    done = tickmlp("verify", copy / "forged.json", "--blob", small)
    assert done.returncode == 1 and "INVALID" in done.stdout and done.stderr == "", done.stderr


def test_facts_that_nobody_edited(forged):
    assert forged(lambda document: None)


@pytest.mark.parametrize("name", FORCING)
def test_an_audit_without_a_forcing_row_or_with_a_harmless_one(forged, name):
    """Otherwise a PASS is made of any certificate by taking the rows away that stand in its way."""
    assert not forged(lambda document: document["audit"].remove(row_of(document, name)))
    assert not forged(lambda document: document["audit"].append(row_of(document, name)))
    assert not forged(lambda document: row_of(document, name).update(forcing=not row_of(document, name)["forcing"]))


@pytest.mark.parametrize("name, counter", [("page faults", "page_faults"), ("clock backwards", "clock_backwards"),
                                           ("involuntary switches", "involuntary_switches")])
def test_a_row_and_its_counter(forged, name, counter):
    def more(document):
        document["counters"][counter] += 7

    def graded(document):
        row = row_of(document, name)
        row["grade"] = "fail" if row["grade"] == "pass" else "pass"
    assert not forged(more) and not forged(graded)
    assert not forged(lambda document: row_of(document, name).update(seen="9 in timed blocks"))


def test_the_other_rows_that_something_else_tells(forged):
    assert not forged(lambda document: row_of(document, "jitter").update(grade="unknown"))
    assert not forged(lambda document: document["machine"].update(
        virtualised="no" if document["machine"]["virtualised"] != "no" else "yes"))


@pytest.mark.parametrize("field, change", [("runs", 1), ("runs_finished", -1), ("epochs", 1), ("epochs_finished", 1),
                                           ("samples", 100)])
def test_how_much_was_measured(forged, field, change):
    def edit(document):
        document["method"][field] += change
    assert not forged(edit)


def test_an_interrupted_run_that_calls_itself_complete(verify, binary, small, tmp_path):
    """Stopped in its last re-run, so that no percentile lacks samples."""
    import signal
    import subprocess
    import time
    process = subprocess.Popen([binary, "certify", small, "--runs", "2", "--epochs", "10000", "--samples", "100000000",
                                "--scenario", "hot", "--budget", "p50=1ns", "--json", tmp_path / "c.json"],
                               stdout=subprocess.DEVNULL)
    time.sleep(2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM
    assert verify(tmp_path / "c.json")[1]["facts"]
    document = document_of(tmp_path)
    document.update(complete=True, interrupt_signal=None, verdict="FAIL", reasons=[document["budgets"][0]["why"]])
    document["method"].update(runs=document["method"]["runs_finished"])
    document["digest"] = digest(document)
    (tmp_path / "c.json").write_text(json.dumps(document))
    code, checks = verify(tmp_path / "c.json")
    assert code == 1 and checks["figures"] and not checks["facts"]


@pytest.mark.parametrize("edit", [
    lambda document: document["scenarios"][0].update(saturated=True),
    lambda document: document["scenarios"][-1].update(page_faults=10**6),
    lambda document: document["scenarios"][0]["worst"][0].update(ns=1),
    lambda document: document["scenarios"][0]["worst"][-1].update(ns=10**9),
    lambda document: document["scenarios"][0]["worst"][-1].update(ns=1),
    lambda document: document["scenarios"][0].update(planned_misses=5),
    lambda document: document["scenarios"][0].update(capacity_per_s=5),
    lambda document: response_of(document).update(capacity_per_s=5),
    lambda document: response_of(document).update(planned_misses=response_of(document)["count"] + 1),
    lambda document: document["counters"].update(inferences=1),
    lambda document: document["correctness"].update(states={}),
    lambda document: document["correctness"].update(equal_bits=False),
    lambda document: document["correctness"].update(states=0),
    lambda document: document["floors"].update(timer_step_ns=document["clock"]["step_ns"] + 1),
    lambda document: document["floors"].update(memory_bytes=1),
    lambda document: document.update(finished="1999-12-31T23:59:59Z"),
    lambda document: document.update(started="yesterday")],
    ids=["saturated", "faults", "slowest", "order", "too fast", "misses of no plan", "capacity of no plan", "capacity",
         "misses", "inferences", "states of another type", "bits", "states", "step", "weights", "finished", "started"])
def test_what_contradicts_itself(forged, edit):
    assert not forged(edit)
