# SPDX-License-Identifier: Apache-2.0
"""Standard output that takes nothing: said on standard error and by the exit code, and what is published stays."""
import os
import shlex
import subprocess
import sys

import pytest
from published import BUILD, PLAIN, ROOT


@pytest.fixture(params=[">&-", ">/dev/full"])
def unheard(request, full_device):
    """(word ...) -> (exit code, standard error) of the command whose output is closed or full."""
    del full_device  # its skip is what is wanted

    def run(program, *words):
        command = f"{shlex.join(map(str, (program, *words)))} {request.param}"
        environment = {**os.environ, "TICKMLP_BUILD": str(BUILD), "TICKMLP_PYTHON": sys.executable,
                       "TICKMLP_TORCH_PYTHON": ""}
        done = subprocess.run(command, shell=True, stderr=subprocess.PIPE, text=True, timeout=120, env=environment)
        return done.returncode, done.stderr
    return run


CYCLE = ROOT / "scripts" / "after_training"


@pytest.mark.parametrize("json", [[], ["--json"]], ids=["text", "json"])
def test_reading_commands(unheard, three, published, json):
    for words in (["status"], ["diff", 1, 3]):
        code, errors = unheard(CYCLE, *words, "--folder", published.folder, *json)
        assert code == 4 and errors.startswith("after_training: error closed-output: "), errors
        assert errors.count("\n") == 1


def test_publications_stand(unheard, published, checkpoint):
    code, errors = unheard(CYCLE, checkpoint(), "--folder", published.folder, "--name", "small", *PLAIN, "--json",
                           "--quiet")
    assert code == 31 and errors.count("\n") == 1, errors
    assert errors.startswith(f"after_training: error outcome-lost: {published.line.strip()} is current")
    assert published.generation() == 1 and published.leftovers() == []


def test_a_cycle_that_publishes_nothing(unheard, published, checkpoint):
    words = [checkpoint(), "--folder", published.folder, "--name", "small", *PLAIN, "--no-publish", "--quiet"]
    code, errors = unheard(CYCLE, *words)
    assert code == 4 and "error closed-output: " in errors and published.names() == []


def test_a_rollback_stands(unheard, three, published):
    code, errors = unheard(CYCLE, "rollback", "--folder", published.folder, "--quiet")
    assert code == 31 and f"error outcome-lost: {three[1]} is current" in errors
    assert published.generation() == 2
