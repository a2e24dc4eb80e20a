# SPDX-License-Identifier: Apache-2.0
"""The built binary, and small models made through the exporter."""
import os
import pathlib
import subprocess
import sys

import numpy
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


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


def network(seed=5, inputs=12):
    """Two heads over a window of 4 x 3."""
    random = numpy.random.default_rng(seed)
    draw = lambda *shape: random.uniform(-0.5, 0.5, shape).astype(numpy.float32)
    return {"side.w1": draw(inputs, 20), "side.w2": draw(20, 3), "side.b1": draw(20),
            "value.w1": draw(inputs, 7), "value.w2": draw(7, 1), "value.activation": numpy.array("identity")}


def export(folder, name, arrays, *options):
    source, blob = folder / f"{name}.npz", folder / f"{name}.blob"
    numpy.savez(source, **arrays)
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "weight_export"), str(source), "-o", str(blob),
                           "--name", name, *options], capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return blob


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
