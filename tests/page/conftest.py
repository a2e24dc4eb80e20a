# SPDX-License-Identifier: Apache-2.0
"""A certificate made with few samples, its page, and pages of the same certificate changed by hand."""
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def tickmlp():
    path = pathlib.Path(os.environ.get("TICKMLP_BINARY", ROOT / "build" / "tickmlp"))
    if not path.is_file():
        pytest.skip(f"no binary at {path}: build it, or set TICKMLP_BINARY")
    return lambda *arguments: subprocess.run([path, *map(str, arguments)], capture_output=True, text=True, timeout=120,
                                             check=False)


@pytest.fixture(scope="session")
def made_in(tickmlp, tmp_path_factory):
    """The folder of a certificate c.json, its evidence and its page c.html: 5,000 hot calls, so p99.9 has a figure and
    p99.99 has none."""
    folder = tmp_path_factory.mktemp("certificate")
    answer = tickmlp("certify", ROOT / "weights" / "tactical-int8.blob", "--samples", 5000, "--runs", 5, "--epochs", 2,
                     "--warm-up", 100, "--scenario", "hot,spaced-100us,evicted", "--budget", "p99=1s,p99.9=1ns,min=1us",
                     "--json", folder / "c.json", "--html", folder / "c.html")
    assert answer.returncode in (0, 1, 3), answer.stderr
    return folder


@pytest.fixture(scope="session")
def made(made_in):
    """(document, page of certify)"""
    return json.loads((made_in / "c.json").read_text()), (made_in / "c.html").read_text()


@pytest.fixture
def document(made):
    return json.loads(json.dumps(made[0]))


@pytest.fixture
def page_of(tickmlp, tmp_path):
    """The page of a document, through the command."""
    def make(document):
        (tmp_path / "c.json").write_text(json.dumps(document))
        answer = tickmlp("page", tmp_path / "c.json", "-o", tmp_path / "c.html")
        assert answer.returncode == 0, answer.stderr
        return (tmp_path / "c.html").read_text()
    return make
