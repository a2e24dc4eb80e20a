# SPDX-License-Identifier: Apache-2.0
"""The Python and the C++ side read the same names: one table, which tests/published_names_test.cc reads too, and each
line as `current` of a folder, asked of the publisher itself."""
import dataclasses
import json

import pytest
from published import ROOT
from training_cycle.names import is_publishable, parse_current, parse_name

TABLE = json.loads((ROOT / "tests" / "published_names.json").read_text())
LINES = [(line, seen is not None) for line, seen in TABLE["lines"]] + [
    (file + "\n", seen is not None) for file, seen in TABLE["files"]]


@pytest.mark.parametrize("name, good", TABLE["names"])
def test_names_of_models(name, good):
    assert is_publishable(name) == good


@pytest.mark.parametrize("file, expected", TABLE["files"])
def test_names_of_files(file, expected):
    seen = parse_name(file)
    assert expected is None if seen is None else dataclasses.asdict(seen) == expected and seen.file == file


@pytest.mark.parametrize("line, expected", TABLE["lines"])
def test_lines_of_current(line, expected):
    seen = parse_current(line)
    assert expected is None if seen is None else (seen.blob.file, seen.rollback_from) == tuple(expected.values())


@pytest.mark.parametrize("line, good", LINES, ids=[repr(line) for line, _ in LINES])
def test_current(published, line, good):
    """The publisher says damaged-folder of what is no line, and something else of what is one."""
    assert (parse_current(line) is not None) == good
    (published.folder / "current").write_text(line)
    answer = published.publish(ROOT / "weights" / "strategic-int8.blob", "--expect", "x")
    assert answer.returncode == (22 if good else 27), answer.stderr
