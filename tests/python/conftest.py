# SPDX-License-Identifier: Apache-2.0
"""The Python module as it is installed: from its wheel (scripts/test package), never from the tree."""
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOBS = sorted((ROOT / "weights").glob("*.blob"))
try:
    import tickmlp
except ImportError:  # scripts/test package installs it
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session", params=BLOBS, ids=lambda blob: blob.stem)
def blob(request) -> pathlib.Path:
    return request.param


@pytest.fixture
def model():
    with tickmlp.Model(ROOT / "weights" / "tactical-int8.blob") as loaded:
        yield loaded
