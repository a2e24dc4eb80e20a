# SPDX-License-Identifier: Apache-2.0
"""Every docs/examples/*.c as a reader builds it: pkg-config from an installed prefix, outside the tree; then the
command of its "Run:" line, in a folder that has the weights."""
import os
import re
import shlex
import subprocess

import pytest

from conftest import ROOT, STRICT

# Those that watch a published folder are run by tests/watch and test_trading_day.py, which publish to one.
EXAMPLES = [path for path in sorted((ROOT / "docs" / "examples").glob("*.c"))
            if "tickmlp_watch.h" not in path.read_text()]


def test_there_are_examples():
    assert {"minimal", "busy_poll", "window", "hot_swap"} <= {path.stem for path in EXAMPLES}


@pytest.mark.parametrize("how", ["static", "shared"])
@pytest.mark.parametrize("source", EXAMPLES, ids=lambda path: path.stem)
def test_it_builds_and_runs(source, how, installed, tmp_path):
    flags = installed.static_flags() if how == "static" else installed.shared_flags()
    subprocess.run(["gcc", "-std=c99", "-O2", *STRICT, source, "-o", tmp_path / source.stem, *flags], check=True)
    (tmp_path / "weights").symlink_to(ROOT / "weights")
    command = re.search(rf"^ \* Run: (\./{source.stem} .*?)(?: \*/)?$", source.read_text(), re.MULTILINE)
    assert command, f"{source.name} has no line ' * Run: ./{source.stem} ARGUMENTS' in its opening comment"
    first_core = str(min(os.sched_getaffinity(0)))  # the examples say 0
    words = [first_core if word == "0" else word for word in shlex.split(command.group(1))]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout and not done.stderr
    without = subprocess.run([tmp_path / source.stem], capture_output=True, text=True)
    assert without.returncode == 2 and without.stderr.startswith("usage: ")
    arguments = [("missing.blob" if word.endswith(".blob") else word) for word in words]
    missing = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True)
    assert missing.returncode == 4 and "file-open" in missing.stderr, missing.stderr
