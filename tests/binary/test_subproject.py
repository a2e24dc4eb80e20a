# SPDX-License-Identifier: Apache-2.0
"""This repository as a subproject, as README.md shows it, of a parent that asks for no build type."""
import json
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()

pytestmark = pytest.mark.skipif(shutil.which("meson") is None, reason="needs meson")


def levels(folder: pathlib.Path, *arguments: str) -> dict[str, str]:
    """Source file -> the optimisation that its command ends with, in a parent set up with `arguments`."""
    if not folder.exists():
        lines = re.search(r"^```meson\n(.*?)^```$", README, re.MULTILINE | re.DOTALL).group(1)
        folder.mkdir()
        (folder / "meson.build").write_text("project('parent', 'c')\n" + lines)
        shutil.copy(ROOT / "tests" / "header_c_test.c", folder / "score.c")
        (folder / "subprojects").mkdir()
        (folder / "subprojects" / "tickmlp").symlink_to(ROOT)
    build = folder / "-".join(["build", *arguments]).replace("=", "-")
    done = subprocess.run(["meson", "setup", *arguments, build, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    commands = json.loads((build / "compile_commands.json").read_text())
    found = {}
    for command in commands:
        levels_of_one = re.findall(r" (-O\w)\b", command["command"])
        found[pathlib.Path(command["file"]).name] = levels_of_one[-1] if levels_of_one else "-O0"
    assert {"int8.cc", "scalar.cc", "session.cc", "score.c"} <= set(found)
    return found


def kernels() -> set[str]:
    return {path.name for path in (ROOT / "kernels").glob("*.cc")}


def test_a_debug_parent_gets_fast_kernels_and_debugs_the_rest(tmp_path):
    found = levels(tmp_path / "parent")
    assert {name for name in found if found[name] == "-O3"} == kernels() & set(found)
    assert found["session.cc"] == found["score.c"] == "-O0"


def test_what_a_parent_asks_for_stays(tmp_path):
    assert set(levels(tmp_path / "parent", "-Doptimization=2").values()) == {"-O2"}
    assert set(levels(tmp_path / "parent", "-Db_sanitize=undefined", "-Db_lundef=false").values()) == {"-O0"}
