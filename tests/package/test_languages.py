# SPDX-License-Identifier: Apache-2.0
"""C, C++ and Rust programs, linked outside the tree to the installed library: the bits of `tickmlp run`."""
import pathlib
import shutil
import subprocess

import pytest

from conftest import ROOT, STRICT, same_bits

SCORE = pathlib.Path(__file__).with_name("score.c")
COMPILERS = {
    "c99-static": ["gcc", "-std=c99", *STRICT],
    "c99-shared": ["gcc", "-std=c99", *STRICT],
    "c++17-static": ["g++", "-x", "c++", "-std=c++17", "-fno-exceptions", "-fno-rtti", *STRICT],
    "c++20-clang-shared": ["clang++", "-x", "c++", "-std=c++20", "-fno-exceptions", "-fno-rtti", *STRICT],
}


@pytest.fixture(scope="module")
def programs(installed, tmp_path_factory):
    return tmp_path_factory.mktemp("languages"), {}


def compiled(name, programs, installed):
    folder, made = programs
    if name not in made:
        compiler, *options = COMPILERS[name]
        if shutil.which(compiler) is None:
            pytest.skip(f"no {compiler}")
        flags = installed.static_flags() if name.endswith("static") else installed.shared_flags()
        subprocess.run([compiler, *options, SCORE, "-x", "none", "-o", folder / name, *flags], check=True)
        made[name] = folder / name
    return made[name]


@pytest.mark.parametrize("name", COMPILERS)
def test_c_and_cpp(name, programs, installed, scored, tmp_path):
    same_bits(compiled(name, programs, installed), scored, tmp_path)


def test_a_static_program_needs_no_libtickmlp_and_no_cpp_runtime(programs, installed):
    linked = {name: subprocess.run(["ldd", compiled(name, programs, installed)], check=True, capture_output=True,
                                   text=True).stdout for name in ("c99-static", "c99-shared")}
    assert "libtickmlp" not in linked["c99-static"]
    assert str(installed.libdir / "libtickmlp.so.0.1") in linked["c99-shared"]
    assert not [text for text in linked.values() if "libstdc++" in text or "libgcc" in text or "mimalloc" in text]


@pytest.fixture(scope="module")
def rust_program(installed, tmp_path_factory):
    if shutil.which("rustc") is None:
        pytest.skip("no rustc (scripts/bootstrap --for package)")
    program = tmp_path_factory.mktemp("rust") / "score"
    options = []
    for flag in installed.static_flags():
        if flag.startswith(("-L", "-l", "-pthread")):
            options += ["-C", f"link-arg={flag}"]
    subprocess.run(["rustc", "--edition", "2021", "-D", "warnings", "-O", ROOT / "docs" / "examples" / "score.rs",
                    "-o", program, *options], check=True)
    return program


def test_rust(rust_program, scored, tmp_path):
    same_bits(rust_program, scored, tmp_path)


def test_rust_is_told_why_a_blob_is_refused(rust_program, tmp_path):
    (tmp_path / "wrong.blob").write_bytes(b"PK\x03\x04" + bytes(2000))
    done = subprocess.run([rust_program, tmp_path / "wrong.blob", tmp_path / "wrong.blob", tmp_path / "out"],
                          capture_output=True, text=True)
    assert done.returncode == 4 and done.stderr.startswith("blob-magic: "), done.stderr
