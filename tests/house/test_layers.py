# SPDX-License-Identifier: Apache-2.0
"""Data flows one way: kernels know nothing of the runtime, the runtime nothing of tools and bench."""
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from repository import ROOT, complain, cpp_files, text

MAY_INCLUDE = {
    "kernels": {"kernels"},
    "runtime": {"kernels", "runtime"},
    "tools": {"kernels", "runtime", "tools"},
    "bench": {"kernels", "runtime", "tools", "bench"},  # of tools: what the command line starts
}
# In quotes stands what is ours, and Highway, which asks for quotes.
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
# Kernels are pure functions: no I/O, no allocation, no clock, no lock; containers would bring weak symbols that are
# compiled for one instruction set and linked into all.
IMPURE = {"algorithm", "chrono", "cstdio", "cstdlib", "ctime", "deque", "fstream", "functional", "iostream", "list",
          "map", "memory", "mutex", "new", "sstream", "stdio.h", "stdlib.h", "string", "thread", "time.h",
          "unordered_map", "vector", "unistd.h", "sys/mman.h"}


def includes(path):
    return [(quote, name) for quote, name in INCLUDE.findall(text(path))]


def room_of(path, name):
    """The top folder of the file that an include in quotes means, None for what is not ours."""
    candidates = [(ROOT / path).parent / name, ROOT / name, *(ROOT / room / name for room in MAY_INCLUDE)]
    for candidate in candidates:
        if candidate.is_file() or Path(f"{candidate}.in").is_file():  # meson makes NAME of NAME.in
            return candidate.resolve().relative_to(ROOT.resolve()).parts[0]
    return None


def test_no_room_includes_an_upper_one():
    problems = []
    for path in cpp_files():
        allowed = MAY_INCLUDE.get(path.parts[0])
        for quote, name in includes(path):
            room = room_of(path, name)
            if allowed and room and room not in allowed:
                problems.append(f"{path}: includes {name}, which is in {room}/")
            if allowed and room is None and quote == '"' and not name.startswith("hwy/"):
                problems.append(f"{path}: includes {name} in quotes, which is no file of this repository")
    complain(problems)


def test_kernels_are_pure():
    complain([f"{path}: includes <{name}>" for path in cpp_files() if path.parts[0] == "kernels"
              for _, name in includes(path) if name in IMPURE])


def test_no_doctest_case_is_switched_off():
    """A case decorated with skip() is never reported; one that cannot run prints its reason instead. Only what is
    exhaustive may stand aside so, on TICKMLP_SLOW, which scripts/test exhaustive sets."""
    switched_off = re.compile(r'doctest::skip\b(?!\(std::getenv\("TICKMLP_SLOW"\) == nullptr\))')
    complain([f"{path}: doctest::skip" for path in cpp_files() if switched_off.search(text(path))])


def test_sources_are_laid_out_by_clang_format():
    if not shutil.which("clang-format"):
        pytest.skip("no clang-format (scripts/bootstrap --for lint)")
    paths = [str(path) for path in cpp_files()]
    command = ["clang-format", "--style=file", "--dry-run", *paths]
    answer = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
    complain(re.findall(r"^\S+:\d+:\d+: warning: .*", answer.stderr, re.MULTILINE)[:40] if paths else [])
    assert answer.returncode == 0, answer.stderr
