# SPDX-License-Identifier: Apache-2.0
"""The library as CMake and Meson projects find it: config file in a moved prefix, subproject of a tiny parent."""
import json
import pathlib
import shutil
import subprocess

import pytest

from conftest import ROOT, same_bits

SCORE = pathlib.Path(__file__).with_name("score.c")
CMAKE = """cmake_minimum_required(VERSION 3.18)
project(host C)
find_package(tickmlp @VERSION@ REQUIRED CONFIG)
add_executable(score score.c)
target_link_libraries(score PRIVATE @TARGET@)
"""
MESON = """project('parent', 'c', default_options: ['buildtype=release'])
tickmlp = dependency('tickmlp', fallback: ['tickmlp', 'tickmlp_dependency'],
  default_options: ['cli=disabled', 'tests=disabled', 'benchmarks=disabled'])
executable('score', 'score.c', dependencies: tickmlp)
"""


def configure(folder, installed, version, target):
    """CMake's answer for a project that asks for that version."""
    if shutil.which("cmake") is None:
        pytest.skip("no cmake (scripts/bootstrap --for package)")
    folder.mkdir(exist_ok=True)
    shutil.copy(SCORE, folder)
    (folder / "CMakeLists.txt").write_text(CMAKE.replace("@VERSION@", version).replace("@TARGET@", target))
    return subprocess.run(["cmake", "-S", folder, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={installed.prefix}",
                           "-DCMAKE_BUILD_TYPE=Release"], capture_output=True, text=True)


@pytest.mark.parametrize("target", ["tickmlp::tickmlp", "tickmlp::static", "tickmlp::shared"])
def test_cmake(target, installed, scored, tmp_path):
    done = configure(tmp_path / "host", installed, "0.1", target)
    assert done.returncode == 0, done.stderr
    subprocess.run(["cmake", "--build", tmp_path / "host" / "build"], check=True, capture_output=True)
    program = tmp_path / "host" / "build" / "score"
    same_bits(program, scored, tmp_path)
    linked = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    assert ("libtickmlp.so" in linked) == (target == "tickmlp::shared")


@pytest.mark.parametrize("version, found", [("0.1.0", True), ("0.1", True), ("0.1.9", False), ("0.2", False),
                                            ("0.0.9", False), ("1.0", False)])
def test_cmake_takes_versions_of_the_same_interface(version, found, installed, tmp_path):
    assert (configure(tmp_path / "host", installed, version, "tickmlp::tickmlp").returncode == 0) == found


def test_nothing_installed_names_the_place_of_the_build(installed):
    for path in [*installed.prefix.rglob("*.pc"), *installed.prefix.rglob("*.cmake")]:
        assert not [line for line in path.read_text().splitlines() if "/usr/local" in line or str(ROOT) in line], path


def test_meson_subproject(scored, tmp_path_factory, tmp_path):
    parent = pathlib.Path(tmp_path_factory.getbasetemp()) / "parent"
    if not parent.exists():
        (parent / "subprojects").mkdir(parents=True)
        (parent / "meson.build").write_text(MESON)
        shutil.copy(SCORE, parent)
        (parent / "subprojects" / "tickmlp").symlink_to(ROOT)
        subprocess.run(["meson", "setup", parent / "build", parent], check=True, capture_output=True)
        subprocess.run(["ninja", "-C", parent / "build"], check=True, capture_output=True)
    same_bits(parent / "build" / "score", scored, tmp_path)
    commands = json.loads((parent / "build" / "compile_commands.json").read_text())
    assert not [c for c in commands if c["file"].endswith(("_test.cc", "main.cc"))]
