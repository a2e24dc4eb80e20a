# SPDX-License-Identifier: Apache-2.0
"""Answers that another thread makes (/metrics, loads) come in their place among the others, and hold up no shutdown."""
import gzip
import json
import signal
import socket
import time

import numpy
import pytest

from served import Server
from stopped_thread import stopped, thread_id
from test_log import requests_in

STATE = numpy.zeros((64, 13), numpy.float32).tobytes()
INFER = (b"POST /v2/models/strategic-int8/infer HTTP/1.1\r\nHost: a\r\nInference-Header-Content-Length: 0\r\n"
         b"Content-Length: %d\r\n\r\n" % len(STATE) + STATE)
METRICS = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"


def connect(server: Server, buffer: int = 0) -> socket.socket:
    client = socket.socket()
    if buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    client.settimeout(30)
    client.connect(("127.0.0.1", server.port))
    return client


def read_answer(stream) -> bytes:
    """The body of the next answer; b"" at the end."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = stream.read(1)
        if not byte:
            return b""
        head += byte
    assert head.startswith(b"HTTP/1.1 200 OK\r\n"), head
    return stream.read(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))


def test_a_slow_reader_gets_every_answer_in_its_place(start):
    server = start("--queue-limit", "0")  # requests behind answers that nobody reads do wait long
    with connect(server, 4096) as client:
        rounds = 150
        client.sendall((INFER + METRICS) * rounds)
        time.sleep(0.5)  # the socket is full, and answers wait for it
        stream = client.makefile("rb")
        for number in range(rounds):
            assert read_answer(stream).startswith(b'{"model_name":"strategic-int8"'), number
            assert read_answer(stream).startswith(b"# HELP tickmlp_serve_"), number


def test_the_time_of_a_late_answer_is_its_own(start):
    """Not that of the wait for the other thread, nor of a turn that another connection began meanwhile."""
    server = start("--access-log", "all")
    with connect(server) as client, connect(server) as other:
        with stopped(thread_id(server.process.pid, "tickmlp-jobs")):
            client.sendall(METRICS)
            time.sleep(0.3)
            other.sendall(INFER[:40])
            time.sleep(0.3)
        assert read_answer(client.makefile("rb")).startswith(b"# HELP")
    (record,) = requests_in(server, 1)
    assert record["path"] == "/metrics" and record["total_us"] < 250_000 and record["parse_us"] < 250_000, record


@pytest.mark.parametrize("path", ["/metrics", "/v2/models/stats", "/v2/models/strategic-int8/stats"])
def test_late_answers_are_compressed_where_that_pays(server, path):
    """Prometheus asks for it each time; a body of less than 1,400 bytes is sent as it is."""
    assert "content-encoding" not in server.ask("GET", path)[1]
    for accepted in ("identity", "gzip;q=0", "*, gzip;q=0", "gzip; Q=0.000 , *", "deflate", "*;q=0", "xgzip, gzip2"):
        status, fields, plain = server.ask("GET", path, headers={"Accept-Encoding": accepted})
        assert status == 200 and "content-encoding" not in fields, accepted
    for accepted in ("*", "*;q=0, gzip", "deflate , GZIP;q=0.001", "gzip;level=9;q=1"):
        _, fields, body = server.ask("GET", path, headers={"Accept-Encoding": accepted})
        assert ("content-encoding" in fields) == (len(plain) >= 1400), accepted
    status, fields, body = server.ask("GET", path, headers={"Accept-Encoding": "gzip"})
    if len(plain) < 1400:
        assert "content-encoding" not in fields and json.loads(body)
        return
    assert (status, fields["content-encoding"], fields["vary"]) == (200, "gzip", "Accept-Encoding")
    assert len(body) < len(plain) / 3
    assert [line.split()[0] for line in gzip.decompress(body).splitlines()] == [
        line.split()[0] for line in plain.splitlines()]  # the figures themselves go on


def test_answers_under_way_keep_no_shutdown_from_ending_well(start):
    server = start()
    clients = [connect(server) for _ in range(20)]
    for client in clients:
        client.sendall(METRICS * 150)
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.05)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(10) in (0, 128 + signal.SIGTERM)
    for client in clients:
        client.close()


def test_half_a_request_does_not_hold_a_drain_up(start):
    server = start()
    with connect(server) as client:
        client.sendall(INFER[:40])
        time.sleep(0.2)
        begin = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(9) == 0 and time.monotonic() - begin < 8


def test_a_refused_head_says_nothing_of_the_request_before(server):
    trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with connect(server) as client:
        client.sendall(b"HEAD /v2 HTTP/1.1\r\nHost: a\r\ntraceparent: " + trace + b"\r\n\r\n")
        assert trace in client.recv(4096)
        client.sendall(b"GET /v2 HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20000)
        answer = b""
        while part := client.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 431") and trace not in answer and answer.endswith(b'bytes"}')
