# SPDX-License-Identifier: Apache-2.0
"""The built binary, and small models made through the exporter."""
import os
import pathlib
import subprocess
import sys

import numpy
import pytest

from small_models import ROOT, export, network


@pytest.fixture(scope="session")
def binary():
    path = pathlib.Path(os.environ.get("TICKMLP_BINARY", ROOT / "build" / "tickmlp"))
    if not path.is_file():
        pytest.skip(f"no binary at {path}: build it, or set TICKMLP_BINARY")
    return str(path.resolve())


@pytest.fixture(scope="session")
def tickmlp(binary):
    """Runs the binary; nothing that is meant to end may take longer than a minute."""
    def run(*arguments, **options):
        options.setdefault("timeout", 60)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        return subprocess.run([binary, *map(os.fsdecode, map(os.fsencode, map(os.fspath, map(_text, arguments))))],
                              text=True, errors="replace", **options)
    return run


def _text(argument):
    return str(argument) if isinstance(argument, (int, float)) else argument


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session", params=["int8", "float32"])
def blob(request, folder):
    """A model with a window, in both element types."""
    return export(folder, f"small-{request.param}", network(), "--dtype", request.param, "--window", "4x3",
                  "--generation", "7", "--run-id", "run-42", "--budget", "probability=1,value=1,argmax=0")


@pytest.fixture(scope="session")
def flat_blob(folder):
    """A model without a window."""
    return export(folder, "flat", network(inputs=5), "--dtype", "float32")


@pytest.fixture(scope="session")
def states(folder):
    path = folder / "states.npy"
    numpy.save(path, numpy.random.default_rng(1).uniform(-1, 1, (300, 12)).astype(numpy.float32))
    return path
