# SPDX-License-Identifier: Apache-2.0
"""`tickmlp certify --budget` and `--budget-file`: scenarios, files, refusals, and what the certificate says of each."""
import json

import pytest

TOML = '[full-hot]\np99 = "1s"\n"p99.9" = "2s"\n\n[tick-hot]\nmax = "900s"\n'
JSON = json.dumps({"full-hot": {"p99": "1s", "p99.9": "2s"}, "tick-hot": {"max": "900s"}})
QUICK = ["--samples", 20000, "--scenario", "hot", "--runs", 5, "--epochs", 2]


@pytest.fixture
def certify(tickmlp, tmp_path):
    def run(blob, *options):
        report = tmp_path / "report.json"
        done = tickmlp("certify", blob, *QUICK, "--json", report, *options)
        assert done.returncode in (0, 1, 3), done.stderr
        return json.loads(report.read_text())
    return run


@pytest.mark.parametrize("name, text", [("budgets.toml", TOML), ("budgets.json", JSON)])
def test_budgets_of_a_file_and_of_the_command_line(certify, blob, tmp_path, name, text):
    (tmp_path / name).write_text(text)
    report = certify(blob, "--budget-file", tmp_path / name, "--budget", "full-hot:mean=1s,p50=3s", "--path", "tick")
    rows = {(row["scenario"], row["figure"]): row for row in report["budgets"]}
    assert {key: row["budget_ns"] for key, row in rows.items()} == {
        ("full-hot", "p99"): 1e9, ("full-hot", "p99.9"): 2e9, ("tick-hot", "max"): 9e11, ("full-hot", "mean"): 1e9,
        ("tick-hot", "p50"): 3e9}
    for key in [("full-hot", "p99"), ("full-hot", "p99.9"), ("full-hot", "mean")]:
        assert rows[key]["verdict"] == "PASS" and rows[key]["above_budget"] == 0, rows[key]
        assert rows[key]["interval_ns"][0] <= rows[key]["value_ns"] <= rows[key]["interval_ns"][1]


@pytest.mark.parametrize("name", ["full-evicted", "tick-spaced-10us", "full-response-constant-10k"])
def test_a_budget_for_what_is_not_measured_is_refused_at_once(tickmlp, blob, tmp_path, name):
    done = tickmlp("certify", blob, "--samples", 10**10, "--scenario", "hot,spaced-1us", "--budget", f"{name}:p99=1s",
                   "--json", tmp_path / "c.json")
    assert done.returncode == 2 and list(tmp_path.iterdir()) == []
    assert f"a budget for {name}, which would not be measured" in done.stderr
    assert "expected one of full-hot, tick-hot, full-spaced-1us, tick-spaced-1us" in done.stderr


def test_a_budget_for_the_tick_path_of_a_model_without_one(tickmlp, flat_blob):
    done = tickmlp("certify", flat_blob, "--samples", 10**10, "--scenario", "hot", "--budget", "tick-hot:p99=1s")
    assert done.returncode == 2 and "the model has no window" in done.stderr
    assert done.stderr.endswith("expected one of full-hot\n")


def test_what_decides_is_no_narrower_than_the_re_runs(certify, blob):
    report = certify(blob, "--budget", "p99=1s,max=900s")
    scenario = next(each for each in report["scenarios"] if each["id"] == "full-hot")
    for row, field in zip(report["budgets"], ["p99_ns", "max_ns"]):
        low, high = scenario["run_range"][field]
        assert row["interval_ns"][0] <= low and high <= row["interval_ns"][1]


def test_the_table_has_every_budget_by_itself(tickmlp, blob):
    """On a box that no PASS comes from it is the only place where one sees whether the times would do."""
    done = tickmlp("certify", blob, *QUICK, "--budget", "p99=1s,tick-hot:p50=1ns")
    lines = done.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.split()[:2] == ["budgets", "limit"])
    met, missed = lines[at + 1].split(), lines[at + 2].split()
    assert met[:2] == ["full-hot", "p99"] and met[-1] == "PASS" and "0 of 20,000" in lines[at + 1]
    assert missed[:2] == ["tick-hot", "p50"] and missed[-1] == "FAIL" and "20,000 of 20,000" in lines[at + 2]


def test_a_budget_that_no_call_met_fails_on_any_box(certify, blob):
    report = certify(blob, "--budget", "p99.9=1ns,p50=1s")
    assert report["verdict"] == "FAIL" and len(report["reasons"]) == 1
    assert "not even the fastest of 20,000 calls" in report["reasons"][0]
    assert report["budgets"][0]["above_budget"] == 20000


@pytest.mark.parametrize("name, text, words", [
    ("b.toml", '[full-hot]\n\np98 = "1us"\n', 'line 3: unknown figure "p98": expected one of central'),
    ("b.toml", "[full-hot]\np99 = 5\n", 'line 2: "p99" is an integer: expected a time in quotes'),
    ("b.json", '{"full-hot":\n {"p99": "1"}}', 'line 2: "1" is no time: expected a positive number and its unit'),
    ("b.json", '{"full-hot": {"p99": "1s",\n"p99": "1s"}}', "line 2: \"p99\" stands here twice")])
def test_a_wrong_file_is_refused_with_its_line(tickmlp, blob, tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    done = tickmlp("certify", blob, "--budget-file", tmp_path / name)
    assert done.returncode == 4 and done.stdout == ""
    assert words in done.stderr and name in done.stderr


def test_files_that_are_none(tickmlp, blob, tmp_path):
    assert tickmlp("certify", blob, "--budget-file", tmp_path / "missing.toml").returncode == 4
    assert tickmlp("certify", blob, "--budget-file", tmp_path).returncode == 2  # no .toml, no .json
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    assert "regular file" in tickmlp("certify", blob, "--budget-file", folder).stderr
    large = tmp_path / "large.toml"
    large.write_text("#" * (1 << 20) + "\n")
    assert "larger than 1 MiB" in tickmlp("certify", blob, "--budget-file", large).stderr
    budgets = tmp_path / "budgets.json"
    budgets.write_text(JSON)
    done = tickmlp("certify", blob, "--budget-file", budgets, "--json", budgets)
    assert done.returncode == 2 and budgets.read_text() == JSON  # a report never replaces its budgets
    done = tickmlp("certify", blob, "--budget-file", budgets, "--budget", "p99=2s")
    assert done.returncode == 4 and "two budgets for p99 of full-hot" in done.stderr
