# SPDX-License-Identifier: Apache-2.0
"""Paths and fixtures shared by the exporter's tests."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(Path(__file__).resolve().parent)]


def shared_data() -> Path:
    """The folder of real data, or a skip that says what is missing."""
    folder = Path(os.environ.get("TICKMLP_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "tactical_weights.npz").is_file():
        pytest.skip(f"no tactical_weights.npz in {folder} (TICKMLP_SHARED_DATA names the folder of real data)")
    return folder


@pytest.fixture
def data_folder() -> Path:
    return shared_data()


@pytest.fixture
def export(tmp_path, capfd):
    """Run the exporter in this process: export(source, *options) -> Result. The blob goes to tmp_path/out.blob."""
    from helpers import Result
    from weight_export.cli import main

    def run(source, *options, output=None):
        target = tmp_path / "out.blob" if output is None else output
        capfd.readouterr()
        code = main([str(source), "-o", str(target), *map(str, options)])
        text, errors = capfd.readouterr()
        return Result(code, text, errors, Path(target))

    return run
