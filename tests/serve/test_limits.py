# SPDX-License-Identifier: Apache-2.0
"""Every limit of a request, and what stands on the wire when it is not kept."""
import contextlib
import json
import socket
import threading
import time

import pytest

from raw import GOOD, HEAD, STATE, ask, connect, is_closed, read_answer

CHUNKED = HEAD + b"Inference-Header-Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"


def is_refused(answer, status: int) -> bool:
    code, fields, body = answer
    return code == status and set(json.loads(body)) == {"error"} and fields.get("connection") == "close"


def test_status_of_each_limit(server):
    assert is_refused(ask(server.port, b"GET /" + b"x" * 16384 + b" HTTP/1.1\r\nHost: h\r\n\r\n"), 431)
    assert is_refused(ask(server.port, HEAD + b"X: " + b"x" * 16384), 431)
    assert is_refused(ask(server.port, HEAD + b"Content-Length: 8388609\r\n\r\n"), 413)
    assert is_refused(ask(server.port, CHUNKED + b"800001\r\n"), 413)
    assert is_refused(ask(server.port, CHUNKED + b"1;" + b"e" * 20000), 413)
    assert is_refused(ask(server.port, CHUNKED + b"1\r\nx\r\n" * 4000), 413)
    assert is_refused(ask(server.port, CHUNKED + b"0\r\n" + b"T: t\r\n" * 4000), 413)
    status, _, body = ask(server.port, HEAD + b"\r\n")
    assert status == 411 and "Content-Length" in json.loads(body)["error"]
    deep = b'{"inputs":' + b"[" * 1000 + b"]" * 1000 + b"}"
    status, _, body = ask(server.port, HEAD + b"Content-Length: %d\r\n\r\n" % len(deep) + deep)
    assert status == 400 and "too deep" in json.loads(body)["error"]
    assert ask(server.port, GOOD)[0] == 200


def test_chunks_are_answered_as_the_whole(server):
    whole = ask(server.port, GOOD)
    chunks = b"".join(b"%x\r\n" % len(part) + part + b"\r\n" for part in (STATE[:1], STATE[1:20], STATE[20:]))
    with connect(server.port) as stream:
        for byte in CHUNKED + chunks + b"0\r\n\r\n":
            stream.sendall(bytes([byte]))
        status, _, body, _ = read_answer(stream)
    assert (status, body) == (200, whole[2])


def test_expect_is_answered_before_the_body(server):
    head, _, body = GOOD.partition(b"\r\n\r\n")
    with connect(server.port) as stream:
        stream.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert stream.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        stream.sendall(body)
        assert read_answer(stream)[0] == 200
    # Refused without the body: no 100.
    with connect(server.port) as stream:
        stream.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n")
        assert stream.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_request_has_its_time_and_an_idle_connection_too(start):
    server = start("--request-timeout", "500", "--idle-timeout", "1500")
    with connect(server.port) as slow, connect(server.port) as dribble, connect(server.port) as idle:
        begin = time.monotonic()
        slow.sendall(b"POST /v2")
        stop = threading.Event()

        def feed():
            with contextlib.suppress(OSError):
                for byte in CHUNKED + b"34\r\n" + STATE:
                    if stop.wait(0.02):
                        return
                    dribble.sendall(bytes([byte]))
        feeder = threading.Thread(target=feed)
        feeder.start()
        for stream in (slow, dribble):
            status, _, body, _ = read_answer(stream)
            assert status == 408 and "500 ms" in json.loads(body)["error"]
            assert 0.4 < time.monotonic() - begin < 1.4
        stop.set()
        feeder.join()
        assert is_closed(slow) and is_closed(dribble)
        assert is_closed(idle) and 1.3 < time.monotonic() - begin < 5


def test_an_answer_that_nobody_takes_ends_the_connection(start):
    server = start("--request-timeout", "500")
    with socket.socket() as stream:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stream.connect(("127.0.0.1", server.port))
        stream.settimeout(0.3)
        begin = time.monotonic()
        with pytest.raises(OSError):  # nothing is read here, so the server's sends block, and then ours
            while time.monotonic() - begin < 15:
                with contextlib.suppress(TimeoutError):
                    stream.sendall(b"GET /v2 HTTP/1.1\r\nHost: h\r\n\r\n" * 1000)
        assert time.monotonic() - begin < 10
    assert ask(server.port, GOOD)[0] == 200


def test_connections_beyond_the_cap_wait_in_the_kernel(start):
    server = start("--connections", "3")
    streams = [connect(server.port) for _ in range(3)]
    for stream in streams:
        stream.sendall(GOOD)
        assert read_answer(stream)[0] == 200
    with connect(server.port, 0.5) as further:
        further.sendall(GOOD)
        with pytest.raises(TimeoutError):
            further.recv(1)
        streams.pop().close()
        further.settimeout(5)
        assert read_answer(further)[0] == 200
    for stream in streams:
        stream.close()


def test_the_longest_idle_make_room(start):
    for options in (["--connections", "8"], ["--idle-connections", "4"]):
        server = start(*options)
        idle = [connect(server.port) for _ in range(8)]
        time.sleep(2)
        with connect(server.port, 5) as stream:
            stream.sendall(GOOD)
            assert read_answer(stream)[0] == 200
        assert is_closed(idle[0], 2)
        idle[-1].sendall(GOOD)
        if options[0] == "--connections":
            assert read_answer(idle[-1])[0] == 200
        for stream in idle:
            stream.close()


def test_pipelined_requests_are_answered_in_their_order(start):
    server = start("--queue-limit", "0")  # a slow build refuses some of so many
    with connect(server.port) as stream:
        stream.sendall((GOOD + b"GET /v2 HTTP/1.1\r\nHost: h\r\n\r\n") * 500)
        rest, seen = b"", []
        for _ in range(1000):
            status, fields, _, rest = read_answer(stream, rest)
            assert status == 200
            seen.append(fields["content-type"])
    assert seen == ["application/octet-stream", "application/json"] * 500
