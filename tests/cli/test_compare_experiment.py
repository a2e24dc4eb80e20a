# SPDX-License-Identifier: Apache-2.0
"""scripts/compare_experiment: it counts, goes on where it stopped, and does not mix programs."""
import json
import os
import subprocess
import sys

import pytest

from fake_tickmlp import fake
from small_models import ROOT


@pytest.fixture
def experiment(tmp_path):
    def run(binary, *options):
        words = [sys.executable, "-m", "compare_experiment", tmp_path / "out", "--binary", binary, *options]
        return subprocess.run(list(map(str, words)), env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")},
                              capture_output=True, text=True, timeout=120)
    return run


def answering(path, same, slower):
    """A program whose comparisons of blobs and of binaries end with these verdicts; counts its starts in a file."""
    reports = {}
    for kind, verdict in (("--binaries", same), ("--blobs", slower)):
        reports[kind] = json.dumps({"verdict": verdict, "effect_percent": 1, "interval_percent": [0, 2], "core": 1,
                                    "minimum_effect_ns": 3, "p_slower": 0.5, "p_faster": 0.5,
                                    "a": {"central_ns": 100}, "b": {"central_ns": 101}})
    return fake(path, f"echo x >> '{path}.starts'\nfor word; do last=$word; done\n"
                      f"case $2 in --binaries) echo '{reports['--binaries']}' > \"$last\" ;;\n"
                      f"*) echo '{reports['--blobs']}' > \"$last\" ;; esac\nexit 3")


@pytest.mark.parametrize("same, slower, code", [("same", "slower", 0), ("slower", "slower", 1),
                                                ("same", "inconclusive", 1), ("faster", "slower", 0)])
def test_it_counts_and_goes_on(experiment, tmp_path, same, slower, code):
    program = answering(tmp_path / "program", same, slower)
    starts = lambda: len((tmp_path / "program.starts").read_text().split())
    done = experiment(program, "--same", 3, "--slower", 2)
    assert done.returncode == code and starts() == 5, done.stdout + done.stderr
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["same"]["verdicts"][same] == 3 and summary["slower"]["verdicts"][slower] == 2
    (tmp_path / "out" / "same-0001.json").unlink()
    assert experiment(program, "--same", 3, "--slower", 2).returncode == code and starts() == 6
    other = experiment(program, "--same", 3, "--slower", 2, "--pairs", 12)
    assert other.returncode == 4 and "was begun with" in other.stderr and starts() == 6


def test_a_comparison_that_fails_ends_it(experiment, tmp_path):
    done = experiment(fake(tmp_path / "program", "echo broken >&2; exit 4"), "--same", 1, "--slower", 1)
    assert done.returncode == 4 and "broken" in done.stderr and not (tmp_path / "out" / "summary.json").exists()


def test_the_real_program(experiment, binary, tmp_path):
    done = experiment(binary, "--same", 1, "--slower", 1, "--pairs", 9, "--seconds", 0.002)
    assert done.returncode in (0, 1), done.stderr
    rows = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert rows["same"]["count"] == rows["slower"]["count"] == 1
    assert rows["slower"]["comparisons"][0]["a_ns"] < 1e6


def test_wrong_usage(experiment, binary, tmp_path):
    assert experiment(tmp_path / "missing").returncode == 2
    assert experiment(binary, "--same", 0).returncode == 2
