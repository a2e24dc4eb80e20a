# SPDX-License-Identifier: Apache-2.0
"""Real states where they are, synthetic market states everywhere; and every way to run a kernel."""
import itertools
import json
import os
import pathlib
import shlex
import subprocess
import sys

import numpy
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATES, ROWS = 4096, 60


def _real_data() -> pathlib.Path:
    folder = pathlib.Path(os.environ.get("TICKMLP_SHARED_DATA", ROOT / ".." / "shared" / "data"))
    if not (folder / "tactical_weights.npz").is_file():
        pytest.skip(f"no real market states and weights at {folder}; TICKMLP_SHARED_DATA names their folder")
    return folder


def _last_states(rows: numpy.ndarray) -> numpy.ndarray:
    """The last 4096 windows of 60 consecutive rows, oldest first: float32 [4096, 420]."""
    ends = range(len(rows) - STATES + 1, len(rows) + 1)
    return numpy.stack([rows[end - ROWS:end].reshape(-1) for end in ends])


@pytest.fixture(scope="session")
def real_rows():
    """Every real bar: float32 [56083, 7]."""
    return numpy.load(_real_data() / "nq_30m_rows.npy")


@pytest.fixture(scope="session")
def real(tmp_path_factory):
    """The real model in both types, the real states, and the outputs in double precision."""
    data, folder = _real_data(), tmp_path_factory.mktemp("real")
    numpy.save(folder / "states.npy", _last_states(numpy.load(data / "nq_30m_rows.npy")))
    for dtype in ("int8", "float32"):
        subprocess.run([sys.executable, ROOT / "tools" / "weight_export", data / "tactical_weights.npz",
                        "--dtype", dtype, "--ranges", "-1,1", "--window", "60x7", "-o", folder / f"{dtype}.blob"],
                       check=True, stdout=subprocess.DEVNULL)
    return folder, numpy.load(data / "tactical_expected.npy")


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory):
    """The bundled tactical model and states of the synthetic market."""
    folder = tmp_path_factory.mktemp("synthetic")
    market = ROOT / "scripts" / "synthetic_market"
    subprocess.run([market, folder / "states.npy", "--states", str(STATES), "--seed", "7"], check=True,
                   stdout=subprocess.DEVNULL)
    for dtype in ("int8", "float32"):
        os.symlink(ROOT / "weights" / f"tactical-{dtype}.blob", folder / f"{dtype}.blob")
    return folder


def _programs() -> list[list[str]]:
    """The native program, and what TICKMLP_RUN_ALSO names (an emulator and a cross-built program, say)."""
    native = pathlib.Path(os.environ.get("TICKMLP_BINARY", ROOT / "build" / "tickmlp"))
    if not native.is_file():
        pytest.skip(f"no binary at {native}: build it, or set TICKMLP_BINARY")
    also = os.environ.get("TICKMLP_RUN_ALSO", "")
    return [[str(native)]] + ([shlex.split(also)] if also else [])


def _kernels(program: list[str], dtype: str) -> list[str]:
    listing = subprocess.run([*program, "kernels", "--json"], check=True, capture_output=True, text=True).stdout
    return [k["name"] for k in json.loads(listing)["kernels"] if k["dtype"] == dtype and k["available"]]


@pytest.fixture(scope="session")
def run_everywhere():
    """(folder, dtype) -> {"program kernel path": outputs float32 [4096, 10]} by `tickmlp run`, kernels by name."""
    def run(folder: pathlib.Path, dtype: str) -> dict[str, numpy.ndarray]:
        outputs = {}
        for program in _programs():
            for kernel, path in itertools.product(_kernels(program, dtype), ("full", "tick")):
                out = folder / "outputs.npy"
                subprocess.run([*program, "run", folder / f"{dtype}.blob", "--input", folder / "states.npy",
                                "--output", out, "--kernel", kernel, "--path", path],
                               check=True, stdout=subprocess.DEVNULL)
                outputs[f"{' '.join(map(os.path.basename, program))} {kernel} {path}"] = numpy.load(out)
        return outputs
    return run
