# SPDX-License-Identifier: Apache-2.0
"""The publisher, blobs of one model in many generations, and a reader that trusts nothing."""
import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TICKMLP_BUILD", ROOT / "build"))
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "cli"), str(pathlib.Path(__file__).resolve().parent)]

from published import Blobs, Published  # noqa: E402


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
