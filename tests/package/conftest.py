# SPDX-License-Identifier: Apache-2.0
"""An installed prefix with both libraries, and what `tickmlp run` makes of some states."""
import os
import pathlib
import re
import shutil
import subprocess

import numpy
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TICKMLP_PACKAGE_BUILD", ROOT / "build-package"))
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
BLOBS = sorted((ROOT / "weights").glob("*.blob"))


class Installed:
    """A prefix that was moved after `meson install`: what is in it must find itself."""

    def __init__(self, prefix: pathlib.Path):
        self.prefix = prefix
        self.pkg_config_path = next(prefix.rglob("tickmlp.pc")).parent
        self.libdir = self.pkg_config_path.parent
        self.environment = {**os.environ, "PKG_CONFIG_PATH": str(self.pkg_config_path)}

    def flags(self, *what: str) -> list[str]:
        return subprocess.run(["pkg-config", *what, "tickmlp"], check=True, capture_output=True, text=True,
                              env=self.environment).stdout.split()

    def static_flags(self) -> list[str]:
        """Everything that a program with the library inside it needs."""
        libraries = ["-l:libtickmlp.a" if flag == "-ltickmlp" else flag for flag in self.flags("--static", "--libs")]
        return self.flags("--cflags") + libraries

    def shared_flags(self) -> list[str]:
        return self.flags("--cflags", "--libs") + [f"-Wl,-rpath,{self.libdir}"]


@pytest.fixture(scope="session")
def installed(tmp_path_factory) -> Installed:
    if not (BUILD / "runtime" / "package" / "libtickmlp.so").exists():
        pytest.skip(f"no shared library in {BUILD}: scripts/test package builds it, or set TICKMLP_PACKAGE_BUILD")
    folder = tmp_path_factory.mktemp("install")
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", folder / "before"], check=True,
                   capture_output=True)
    prefix = next((folder / "before").rglob("include")).parent
    return Installed(pathlib.Path(shutil.move(prefix, folder / "moved")))


@pytest.fixture(scope="session", params=BLOBS, ids=lambda blob: blob.stem)
def scored(request, binary, tmp_path_factory):
    """(blob, raw float32 states, the bytes of their outputs by `tickmlp run`)."""
    folder = tmp_path_factory.mktemp("states")
    about = subprocess.run([binary, "inspect", request.param, "--json"], check=True, capture_output=True,
                           text=True).stdout
    inputs = int(re.search(r'"inputs": ?(\d+)', about).group(1))
    states = numpy.random.default_rng(7).uniform(-1.05, 1.05, (300, inputs)).astype(numpy.float32)
    numpy.save(folder / "states.npy", states)
    states.tofile(folder / "states.f32")
    subprocess.run([binary, "run", request.param, "--input", folder / "states.npy", "--output", folder / "out.npy"],
                   check=True, capture_output=True)
    return request.param, folder / "states.f32", numpy.load(folder / "out.npy").tobytes()


def same_bits(program, scored, folder, environment=None) -> None:
    """Runs PROGRAM BLOB STATES OUTPUTS and holds its outputs against `tickmlp run`."""
    blob, states, expected = scored
    done = subprocess.run([program, blob, states, folder / "out.f32"], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert len(expected) > 1000 and (folder / "out.f32").read_bytes() == expected
