# SPDX-License-Identifier: Apache-2.0
"""`tickmlp monitor` refuses what it cannot do before it starts, and leaves nothing behind."""
import subprocess

import pytest

from conftest import ROOT

BLOB = ROOT / "weights" / "tactical-int8.blob"


@pytest.mark.parametrize("code, says, arguments", [
    (2, "--textfile is required", []),
    (2, "expected a name that ends in .prom", ["--textfile", "a.txt"]),
    (2, "unit", ["--textfile", "a.prom", "--interval", "5"]),
    (2, "--slow", ["--textfile", "a.prom", "--slow", "2 fortnights"]),
    (2, "from 1 to 1000000", ["--textfile", "a.prom", "--rate", "0"]),
    (4, "No such file or directory", ["--textfile", "none/a.prom"]),
    (2, "--shadow-sleep", ["--textfile", "a.prom", "--shadow-sleep", "5"]),
    (4, "cannot load", ["--textfile", "a.prom", "--shadow", "none.blob"]),
    (4, "other-model", ["--textfile", "a.prom", "--shadow", ROOT / "weights" / "strategic-int8.blob"]),
    (4, "pin-failed", ["--textfile", "a.prom", "--core", "8191"]),
])
def test_what_is_refused(binary, tmp_path, code, says, arguments):
    done = subprocess.run([binary, "monitor", str(BLOB), *arguments, "--seconds", "1"], cwd=tmp_path, timeout=60,
                          check=False, capture_output=True, text=True)
    assert done.returncode == code and says in done.stderr, done
    assert not list(tmp_path.iterdir())
