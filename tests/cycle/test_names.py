# SPDX-License-Identifier: Apache-2.0
"""The Python and the C++ side read the same names: each line is `current` of a folder, and asked of both."""
import pytest
from conftest import ROOT
from training_cycle.names import is_publishable, parse_current, parse_name

GOOD = ["a-0-00000000.blob", "tactical-7-deadbeef.blob", "a-b-c-1-01234567.blob",
        "a.b_c+d-18446744073709551615-ffffffff.blob", "1-2-3-4-00000000.blob"]
BAD = ["", "a-1-00000000", "a-1-0000000.blob", "a-1-000000000.blob", "a-1-0000000G.blob", "a-1-DEADBEEF.blob",
       "a-01-00000000.blob", "a--00000000.blob", "-1-00000000.blob", "a-+1-00000000.blob",
       "a-18446744073709551616-00000000.blob", "../a-1-00000000.blob", "a b-1-00000000.blob", ".a-1-00000000.blob",
       "a-1-00000000.blob.minisig", "ä-1-00000000.blob"]


@pytest.mark.parametrize("file", GOOD)
def test_good_names(file):
    assert parse_name(file).file == file


@pytest.mark.parametrize("file", BAD)
def test_bad_names(file):
    assert parse_name(file) is None


def test_names_of_models():
    assert all(map(is_publishable, ["a", "tactical", "A-1.b_c+"]))
    assert not any(map(is_publishable, ["", "-a", ".a", "a b", "a/b", "a\n"]))


LINES = [(file + "\n", True) for file in GOOD] + [(file + "\n", False) for file in BAD] + [
    ("small-3-00000000.blob rollback-from 4\n", True), ("small-3-00000000.blob rollback-from 3\n", False),
    ("small-3-00000000.blob rollback-from 04\n", False), ("small-3-00000000.blob rollback-from \n", False),
    ("small-3-00000000.blob rollback-from 18446744073709551616\n", False),
    ("small-3-00000000.blob  rollback-from 4\n", False),
    ("small-3-00000000.blob rollback-from 4 \n", False), ("small-3-00000000.blob", False),
    ("small-3-00000000.blob\n\n", False), ("small-3-00000000.blob\r\n", False), (" small-3-00000000.blob\n", False),
    ("small-3-00000000.blob\nsmall-4-00000000.blob\n", False), ("small-3-00000000.blob rollback-from -4\n", False)]


@pytest.mark.parametrize("line, good", LINES, ids=[repr(line) for line, _ in LINES])
def test_current(published, line, good):
    """The publisher says damaged-folder of what is no line, and something else of what is one."""
    assert (parse_current(line) is not None) == good
    (published.folder / "current").write_text(line)
    answer = published.publish(ROOT / "weights" / "strategic-int8.blob", "--expect", "x")
    assert answer.returncode == (22 if good else 27), answer.stderr
