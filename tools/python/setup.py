# SPDX-License-Identifier: Apache-2.0
"""Builds libtickmlp.so with meson and puts it into the wheel, beside the Python files.

TICKMLP_MESON_BUILD=FOLDER builds in that folder (of -Ddefault_library=both or shared), instead of a fresh one."""
import os
import re
import shutil
import subprocess
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py
from wheel.bdist_wheel import bdist_wheel

ROOT = Path(__file__).resolve().parents[2]
VERSION = re.search(r"version: '([\d.]+)'", (ROOT / "meson.build").read_text(encoding="utf-8")).group(1)
OPTIONS = ["--buildtype=release", "-Ddefault_library=both", "-Dcli=disabled", "-Dtests=disabled",
           "-Dbenchmarks=disabled", "-Dmimalloc=disabled"]


class BuildWithLibrary(build_py):
    """The Python files, and the shared library without its version links, which a wheel cannot hold."""

    def run(self):
        super().run()
        temporary = Path(self.get_finalized_command("build").build_temp).resolve() / "meson"
        folder = Path(os.environ.get("TICKMLP_MESON_BUILD", temporary))
        if not (folder / "build.ninja").exists():
            subprocess.run(["meson", "setup", *OPTIONS, folder, ROOT], check=True)
        subprocess.run(["ninja", "-C", folder, f"runtime/package/libtickmlp.so.{VERSION}"], check=True)
        shutil.copyfile(folder / "runtime" / "package" / f"libtickmlp.so.{VERSION}",
                        Path(self.build_lib) / "tickmlp" / "libtickmlp.so")


class PlatformWheel(bdist_wheel):
    """For any Python 3 of this platform: ctypes needs no extension module."""

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


class BinaryDistribution(Distribution):
    def has_ext_modules(self):
        return True


setup(version=VERSION, cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel},
      distclass=BinaryDistribution)
