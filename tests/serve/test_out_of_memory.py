# SPDX-License-Identifier: Apache-2.0
"""Memory that runs out: a line and exit code 4 at the start; while serving, the end of one connection."""
import shutil
import subprocess

import numpy
import pytest

from raw import connect, read_answer
from served import ROOT, Server, binary_outputs, run_model, same_bits
from test_start import refused

pytestmark = pytest.mark.skipif(not shutil.which("prlimit"), reason="needs prlimit, of util-linux")
MIB = 1 << 20
STATE = numpy.linspace(-1, 1, 13, dtype=numpy.float32).reshape(1, 13)
REQUEST = (b"POST /v2/models/strategic-int8/infer HTTP/1.1\r\nHost: h\r\nInference-Header-Content-Length: 0\r\n"
           b"Content-Length: 52\r\n\r\n" + STATE.tobytes())


def limited(mib: int) -> list[str]:
    return ["prlimit", f"--as={mib * MIB}", "--core=0"]


def test_a_cache_that_does_not_fit(binary):
    """100 times the largest that the docs speak of: 21 GB."""
    line = refused(binary, "--cache", "10000000", prefix=limited(2000))
    assert line == "tickmlp: serving thread 0: std::bad_alloc"


def test_threads_that_do_not_fit(binary):
    """60 stacks of 8 MiB, and a heap for each."""
    line = refused(binary, "--threads", "60", prefix=limited(500))
    assert line.startswith("tickmlp: serving thread "), line


def announced(kind: str) -> tuple[bytes, bytes]:
    """(the head of an inference of 1 GB, what stands before each MiB of it)"""
    head = b"POST /v2/models/tactical-int8/infer HTTP/1.1\r\nHost: h\r\n"
    if kind == "length":
        return head + b"Content-Length: 1000000000\r\n\r\n", b""
    return head + b"Transfer-Encoding: chunked\r\n\r\n", b"100000\r\n"


@pytest.mark.parametrize("kind", ["length", "chunks"])
def test_a_body_that_does_not_fit_ends_its_connection_only(binary, repository, tmp_path, kind):
    expected = run_model(binary, ROOT / "weights" / "strategic-int8.blob", STATE, tmp_path)
    options = ["--body-bytes", "1000000000", "--request-timeout", "60000"]
    server = Server(binary, repository, options, prefix=limited(800))
    try:
        with connect(server.port) as good:
            for _ in range(3):
                head, before = announced(kind)
                with connect(server.port) as bad, pytest.raises(ConnectionError):
                    bad.sendall(head)
                    for _ in range(950):
                        bad.sendall(before + bytes(MIB) + (b"\r\n" if before else b""))
                assert server.process.poll() is None, server.log()
                good.sendall(REQUEST)
                status, fields, body, _ = read_answer(good)
                assert status == 200 and same_bits(binary_outputs(fields, body)[1], expected)
        assert server.ask("GET", "/v2/health/ready")[0] == 200
    finally:
        server.process.terminate()
        assert server.process.wait(30) == 0, server.log()
