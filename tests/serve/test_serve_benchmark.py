# SPDX-License-Identifier: Apache-2.0
"""The benchmark beside nginx still reads what the server says of itself."""
import json
import os
import shutil
import subprocess
import sys

import pytest

from served import ROOT


@pytest.mark.skipif(not (shutil.which("nginx") and shutil.which("wrk")), reason="needs nginx and wrk")
def test_serve_benchmark(binary, tmp_path):
    cores = sorted(os.sched_getaffinity(0))
    done = subprocess.run([sys.executable, ROOT / "scripts/serve_benchmark", "--rounds", "1", "--seconds", "1",
                           "--server-core", str(cores[0]), "--client-core", str(cores[-1]),
                           "--json", tmp_path / "out.json"], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "out.json").read_text())
    for kind in ("raw", "json"):
        stages = report[kind]["stage_us"]
        assert 0 < report[kind]["ratio"] and 0 < stages["kernel"] < stages["total"]
