# SPDX-License-Identifier: Apache-2.0
"""A server on the bundled models, and what asks it."""
import pathlib
import shutil
import signal
import sys
import tempfile

import numpy
import pytest

from repositories import STATE
from served import MODELS, ROOT, TOKEN, Server, run_model

sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "cli"), str(ROOT / "tests" / "publish")]
from published import Blobs, Published  # noqa: E402


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    for name in MODELS:
        shutil.copy(ROOT / "weights" / f"{name}.blob", folder)
    return folder


@pytest.fixture
def start(binary, repository, tmp_path):
    """start(*options) -> a running Server on the bundled models; all are ended afterwards, and must end well."""
    servers = []

    def begin(*options, folder=None):
        token = tmp_path / "token"
        token.write_text(TOKEN + "\n")
        token.chmod(0o600)
        server = Server(binary, folder or repository, ["--admin-token-file", str(token), *options])
        servers.append(server)
        return server
    yield begin
    for server in servers:
        if server.process.poll() is None:
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(30) == 0, server.log()


@pytest.fixture
def server(start):
    return start()


@pytest.fixture
def shared_path():
    """Of a socket: in a folder of its own, since pytest's paths can be longer than a socket's may."""
    with tempfile.TemporaryDirectory() as folder:
        yield pathlib.Path(folder) / "s"


@pytest.fixture(params=MODELS)
def scored(request, binary, tmp_path):
    """(name, states [n, inputs], what `tickmlp run` says of them [n, outputs])"""
    states = numpy.random.default_rng(7).uniform(-1, 1, (17, MODELS[request.param])).astype(numpy.float32)
    blob = ROOT / "weights" / f"{request.param}.blob"
    return request.param, states, run_model(binary, blob, states, pathlib.Path(tmp_path))


@pytest.fixture
def tactical(binary, tmp_path):
    """(states [17, 420], what `tickmlp run` says of them)"""
    states = numpy.random.default_rng(3).uniform(-1, 1, (17, 420)).astype(numpy.float32)
    return states, run_model(binary, ROOT / "weights" / "tactical-int8.blob", states, tmp_path)


@pytest.fixture(scope="session")
def blobs(tmp_path_factory):
    return Blobs(tmp_path_factory.mktemp("blobs"))


@pytest.fixture
def published(binary, blobs, tmp_path):
    """A folder with generations 1 and 2 of the model `small`; generation N has weights of its own."""
    folder = tmp_path / "published"
    folder.mkdir()
    one = Published(str(pathlib.Path(binary).parent / "tickmlp-publish"), blobs, folder)
    for generation in (1, 2):
        one.done(blobs(generation, seed=generation))
    return one


@pytest.fixture
def expected(binary, blobs, tmp_path):
    return lambda generation, seed=None: run_model(binary, blobs(generation, seed=seed or generation), STATE, tmp_path)
