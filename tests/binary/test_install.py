# SPDX-License-Identifier: Apache-2.0
"""`meson install`, then a C program through pkg-config, as a trading developer would link it."""
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TICKMLP_BUILD", ROOT / "build"))

pytestmark = pytest.mark.skipif(any(shutil.which(tool) is None for tool in ("meson", "pkg-config", "gcc", "ldd")),
                                reason="needs meson, pkg-config, gcc and ldd")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """tests/header_c_test.c, compiled as C99 against the installed library."""
    if not (BUILD / "runtime" / "libtickmlp.a").is_file():
        pytest.skip(f"no library in {BUILD}: build it, or set TICKMLP_BUILD")
    folder = tmp_path_factory.mktemp("install")
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", folder], check=True,
                   capture_output=True)
    found = list(folder.rglob("tickmlp.pc"))
    assert len(found) == 1, found
    environment = {**os.environ, "PKG_CONFIG_SYSROOT_DIR": str(folder),
                   "PKG_CONFIG_PATH": str(found[0].parent)}
    def ask(*what: str) -> list[str]:
        return subprocess.run(["pkg-config", *what, "tickmlp"], check=True, capture_output=True, text=True,
                              env=environment).stdout.split()
    # The system's own folders of libcrypto get the prefix of the destination too: their flags are the default anyway.
    flags = ask("--cflags") + ask("--libs", "--static")
    out = folder / "program"
    subprocess.run(["gcc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", ROOT / "tests" / "header_c_test.c",
                    "-o", out, *flags], check=True)
    return out


def test_it_runs_the_bundled_models(program):
    blobs = sorted((ROOT / "weights").glob("*.blob"))
    assert len(blobs) == 4
    done = subprocess.run([program, *blobs], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.count("golden") == 4, done.stdout


def test_it_brings_no_other_library(program):
    linked = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    names = {line.split()[0].split(".so")[0].rsplit("/", 1)[-1] for line in linked.splitlines()}
    allowed = {"linux-vdso", "libcrypto", "libm", "libc", "ld-linux-x86-64", "ld-linux-aarch64", "libz", "libzstd"}
    assert names <= allowed, names


def test_malloc_is_the_c_library_s(program):
    bindings = subprocess.run([program], env={**os.environ, "LD_DEBUG": "bindings", "LD_BIND_NOW": "1"},
                              capture_output=True, text=True).stderr
    malloc = [line for line in bindings.splitlines() if "symbol `malloc'" in line]
    assert malloc and all("libc.so.6" in line.split(" to ")[1] for line in malloc), malloc
