# SPDX-License-Identifier: Apache-2.0
"""The sum of the bodies that connections buffer: bounded, counted, and felt by large requests alone."""
import contextlib
import json
import subprocess
import time

import pytest

from raw import GOOD, HEAD, ask, connect, read_answer

MIB = 1 << 20
BODY = json.dumps({"inputs": [{"name": "input", "shape": [1, 13], "datatype": "FP32", "data": [0.0] * 13}]}).encode()
LARGE = BODY + b" " * (4 * MIB - len(BODY))  # JSON with space behind it
REST = 1000
OPTIONS = ("--body-bytes", str(4 * MIB), "--buffer-limit", "16", "--request-timeout", "60000")


def whole(chunked: bool) -> bytes:
    if chunked:
        return HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(LARGE) + LARGE + b"\r\n0\r\n\r\n"
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(LARGE) + LARGE


def metric(server, name: str) -> int:
    text = server.ask("GET", "/metrics")[2].decode()
    return sum(int(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(f"tickmlp_serve_{name}{{"))


def resident(server) -> int:
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


def begin(port: int, request: bytes):
    """Most of a request, on a connection of its own; what was answered to that, or None."""
    stream = connect(port, 1)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, TimeoutError):
        stream.sendall(request[:-REST])
    stream.settimeout(0.2)
    try:
        return stream, read_answer(stream)
    except TimeoutError:
        stream.settimeout(20)
        return stream, None


@pytest.mark.parametrize("chunked", [False, True])
def test_many_large_bodies(start, chunked):
    server = start(*OPTIONS)
    before, request = resident(server), whole(chunked)
    for _ in range(2):
        kept, refused = [], 0
        counted = metric(server, "buffer_refusals_total")
        for _ in range(30):
            stream, answer = begin(server.port, request)
            if answer is None:
                kept.append(stream)
                continue
            assert answer[0] == 503 and answer[1]["retry-after"] == "1" and answer[1]["connection"] == "close", answer
            assert "bytes of 16777216" in json.loads(answer[2])["error"]
            stream.close()
            refused += 1
        assert 1 <= len(kept) <= 4 and refused == 30 - len(kept)
        assert metric(server, "buffer_refusals_total") - counted == refused
        assert 4 * MIB <= metric(server, "buffered_bytes") <= 16 * MIB
        assert resident(server) - before < 40 * MIB  # 30 bodies are 120
        for _ in range(20):  # who sends little is served as ever
            assert ask(server.port, GOOD)[0] == 200
        kept.pop().close()  # and room that is given up is given again
        for stream in kept:
            stream.sendall(request[-REST:])
            assert read_answer(stream)[0] == 200
            stream.close()
        end = time.monotonic() + 10
        while metric(server, "buffered_bytes") != 0:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert ask(server.port, request)[0] == 200


def test_an_announcement_alone_takes_nothing(start):
    server = start(*OPTIONS)
    head = HEAD + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(LARGE)
    streams = [connect(server.port) for _ in range(50)]
    for stream in streams:
        stream.sendall(head)
        assert stream.recv(100).startswith(b"HTTP/1.1 100 ")
    assert metric(server, "buffered_bytes") == 0
    for stream in streams:
        stream.close()


def test_a_limit_that_holds_no_body_is_refused(binary, repository):
    done = subprocess.run([binary, "serve", "--repository", repository, "--port", "0", "--buffer-limit", "31",
                           "--threads", "2"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 4 and "expected twice the largest body for each, 32 MiB" in done.stderr, done.stderr
