# SPDX-License-Identifier: Apache-2.0
"""tickmlp-shared-bench: what it times, beside what it says cannot be beaten."""
import json
import os
import pathlib
import subprocess

import pytest

from served import ROOT

PROGRAM = pathlib.Path(os.environ.get("TICKMLP_BUILD", ROOT / "build")) / "bench" / "serve" / "tickmlp-shared-bench"
CORES = sorted(os.sched_getaffinity(0))
LINE = "cache line, groups of 20"


def measure(path, *more: str) -> subprocess.CompletedProcess:
    return subprocess.run([PROGRAM, path, ROOT / "weights" / "strategic-int8.blob", "--samples", "4000", "--core",
                           str(CORES[-1]), "--json", *more], capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.skipif(len(CORES) < 2, reason="needs two cores")
@pytest.mark.parametrize("more, systems", [
    ([], ["in process", "shared memory"]),
    (["--server-core", str(CORES[0])], ["in process", "shared memory", "bare exchange", LINE]),
    (["--server-core", str(CORES[0]), "--states", "16"], ["in process", "shared memory", "bare exchange", LINE]),
])
def test_what_it_times(start, shared_path, more, systems):
    start("--shared-memory", str(shared_path), "--shared-core", str(CORES[0]))
    done = measure(shared_path, "--name", "strategic-int8", *more)
    assert done.returncode == 0, done.stderr
    seen = {one["what"]: one for one in json.loads(done.stdout)["systems"]}
    assert list(seen) == systems
    assert all(one["count"] >= 4000 and 0 < one["min_ns"] <= one["p50_ns"] for one in seen.values())


def test_refusals(start, shared_path):
    start("--shared-memory", str(shared_path))
    for more, words in ((["--name", "none"], 'no model "none"'),
                        (["--name", "tactical-int8"], "another shape"),
                        (["--name", "strategic-int8", "--server-core", "4000"], "core 4000")):
        done = measure(shared_path, *more)
        assert done.returncode == 4 and words in done.stderr, (more, done.stderr)
