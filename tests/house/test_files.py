# SPDX-License-Identifier: Apache-2.0
"""Licence lines, sizes, machine paths, executable bits."""
import os
import re

from repository import ROOT, complain, files, is_script, sources, text

LONGEST = 250
WIDEST = 120
PUBLIC_HEADER = "runtime/tickmlp.h"
LONGEST_PUBLIC_HEADER = 200
# Longer files, each with its own limit and the reason that it is one file.
LONGER = {}
# Spelled in two halves, so that this file does not hold what it forbids.
LICENCE = "SPDX-License-" + "Identifier: Apache-2.0"
FORBIDDEN = [
    ("a path of one machine", re.compile(rb"(?<![\w.])/(work|ho" rb"me/\w+|Us" rb"ers/\w+)/")),
    ("a registry host", re.compile(rb"(deb|security|snapshot)\.debian" rb"\.org|registry\.npm" rb"js\.org|"
                                   rb"(files\.python" rb"hosted|py" rb"pi)\.org|proxy\.go" rb"lang\.org|"
                                   rb"(static\.|index\.)crates" rb"\.io")),
]


def test_every_source_has_one_licence_line_near_its_top():
    problems = []
    for path in sources():
        lines = text(path).splitlines()
        count = sum(LICENCE in line for line in lines)
        if count != 1 or not any(LICENCE in line for line in lines[:3]):
            problems.append(f"{path}: {count} licence lines, expected one among the first three lines")
    complain(problems)


def test_sources_are_short():
    problems = []
    for path in sources():
        lines = len(text(path).splitlines())
        limit = LONGER.get(str(path), (LONGEST, ""))[0]
        if lines > limit:
            problems.append(f"{path}: {lines} lines, at most {limit}")
        if str(path) in LONGER and lines <= LONGEST:
            problems.append(f"{path}: {lines} lines, needs its exception no more")
    complain(problems + [f"{name}: has an exception but does not exist"
                         for name in LONGER if not (ROOT / name).exists()])


def test_lines_of_sources_are_short():
    complain([f"{path}:{n}: {len(line)} columns, at most {WIDEST}" for path in sources()
              for n, line in enumerate(text(path).splitlines(), 1) if len(line) > WIDEST])


def test_public_header_is_short():
    lines = len(text(PUBLIC_HEADER).splitlines())
    assert lines <= LONGEST_PUBLIC_HEADER, f"{PUBLIC_HEADER}: {lines} lines"


def test_no_file_names_a_machine_or_a_registry():
    problems = []
    for path in files():
        content = (ROOT / path).read_bytes()
        for what, pattern in FORBIDDEN:
            for found in pattern.finditer(content):
                line = content.count(b"\n", 0, found.start()) + 1
                problems.append(f"{path}:{line}: {what}: {found.group().decode()}")
    complain(problems)


def test_scripts_can_be_run_and_stop_at_errors():
    problems = []
    for path in filter(is_script, files()):
        first = text(path).splitlines()[0]
        if not os.access(ROOT / path, os.X_OK):
            problems.append(f"{path}: has an interpreter line and no executable bit")
        if first.endswith("bash") and "\nset -euo pipefail\n" not in text(path):
            problems.append(f"{path}: bash without set -euo pipefail")
    complain(problems)


def test_text_has_no_trailing_space_and_ends_with_a_newline():
    problems = []
    for path in sources() + [p for p in files() if p.suffix == ".md"]:
        content = text(path)
        if content and not content.endswith("\n"):
            problems.append(f"{path}: no newline at the end")
        problems += [f"{path}:{n}: space at the end of the line" for n, line in enumerate(content.split("\n"), 1)
                     if line != line.rstrip()]
    complain(problems)


def test_python_tests_that_need_torch_say_so_in_their_name():
    """scripts/test leaves test_torch_* out of the quick run, and the torch suite runs just those."""
    need = re.compile(r"""^ *(import|from) torch\w*\b|importorskip\(["']tor""" r"""ch["']""", re.MULTILINE)
    complain([f"{path}: needs torch, so it has to be named test_torch_*.py" for path in files()
              if path.parts[0] == "tests" and path.match("test_*.py") and not path.match("test_torch_*")
              and need.search(text(path))])


def test_no_test_imports_what_is_a_fixture_elsewhere():
    """Folders that run in one command share the first one's module `conftest`: a fixture of that name may come."""
    fixtures = {name for path in files() if path.name == "conftest.py"
                for name in re.findall(r"^@pytest\.fixture.*\n(?:    .*\n)*def (\w+)", text(path), re.MULTILINE)}
    assert "minisign" in fixtures
    complain([f"{path}: imports {name} from conftest, expected a module of its own name"
              for path in files() if path.parts[0] == "tests" and path.suffix == ".py"
              for names in re.findall(r"^from conftest import (.*)$", text(path), re.MULTILINE)
              for name in re.split(r"[,\s]+", names) if name in fixtures])
