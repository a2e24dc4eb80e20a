# SPDX-License-Identifier: Apache-2.0
"""The publisher, blobs of one model in many generations, and a reader that trusts nothing."""
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "cli"), str(ROOT / "tests" / "publish")]

from published import BUILD, Blobs, Published  # noqa: E402


@pytest.fixture(scope="session")
def program():
    path = BUILD / "tickmlp-publish"
    if not path.is_file():
        pytest.skip(f"no {path}: build it, or set TICKMLP_BUILD")
    return str(path)


@pytest.fixture(scope="session")
def blobs(tmp_path_factory):
    """blobs(generation, seed=...) -> path: 3 KB, the same interface whatever the weights."""
    return Blobs(tmp_path_factory.mktemp("blobs"))


@pytest.fixture
def published(program, blobs, tmp_path):
    folder = tmp_path / "published"
    folder.mkdir()
    return Published(program, blobs, folder)
