# SPDX-License-Identifier: Apache-2.0
"""Stuck threads, models that fail by themselves, and the way out at SIGTERM."""
import hashlib
import json
import signal
import subprocess
import sys
import time

import numpy
import pytest

from raw import GOOD, connect, is_closed, read_answer
from served import ROOT, outputs_of, same_bits
from stopped_thread import stopped, thread_id
from test_metrics import figures


def wait_until(condition, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def is_ready(stream) -> bool:
    stream.sendall(b"GET /v2/health/ready HTTP/1.1\r\nHost: h\r\n\r\n")
    return read_answer(stream)[0] == 200


def streams_of_two_workers(server) -> dict[str, object]:
    """A connection to each of two serving threads."""
    # A stopped thread's connections do not answer: so they are told apart by stopping one.
    streams = [connect(server.port) for _ in range(40)]
    with stopped(thread_id(server.process.pid, "tickmlp-http-1")):
        for stream in streams:
            stream.sendall(GOOD)
        time.sleep(0.3)
        first = []
        for stream in streams:
            stream.settimeout(0.01)
            try:
                if read_answer(stream)[0] == 200:
                    first.append(stream)
            except TimeoutError:
                pass
    second = [stream for stream in streams if stream not in first]
    assert first and second
    for stream in streams:
        stream.settimeout(20)
    for stream in second:
        assert read_answer(stream)[0] == 200  # late, and right
    return {"http-0": first[0], "http-1": second[0]}


def test_a_stuck_thread_makes_the_server_not_ready(start):
    server = start("--threads", "2", "--stuck-after", "500", "--queue-limit", "0")
    streams = streams_of_two_workers(server)
    other = streams["http-0"]
    wait_until(lambda: is_ready(other))
    with stopped(thread_id(server.process.pid, "tickmlp-http-1")):
        wait_until(lambda: not is_ready(other))
        wait_until(lambda: "thread http-1 is stuck: no sign of life for" in server.log())
        other.sendall(GOOD)
        assert read_answer(other)[0] == 200  # those that are not stuck go on
    wait_until(lambda: is_ready(other))
    wait_until(lambda: "thread http-1 came round again" in server.log())
    assert is_ready(streams["http-1"])


def test_sigterm_first_not_ready_then_drained(start):
    server = start("--drain-delay", "1000")
    with connect(server.port) as stream, connect(server.port) as half, connect(server.port) as idle:
        assert is_ready(stream)
        half.sendall(GOOD[:-10])
        begin = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not is_ready(stream))
        stream.sendall(GOOD)
        status, fields, _, _ = read_answer(stream)
        assert status == 200 and "connection" not in fields  # nothing ends yet
        with connect(server.port) as late:
            late.sendall(GOOD)
            assert read_answer(late)[0] == 200
        assert is_closed(idle, 5)
        assert time.monotonic() - begin > 0.9
        half.sendall(GOOD[-10:])
        status, fields, _, _ = read_answer(half)
        assert status == 200 and fields["connection"] == "close"
    assert server.process.wait(10) == 0
    with pytest.raises(ConnectionRefusedError):
        connect(server.port)


def test_a_second_signal_ends_it_at_once(start):
    server = start("--drain-delay", "60000")
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "draining" in server.log())
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(10) == 128 + signal.SIGTERM


def test_a_drain_has_its_time(start):
    server = start("--drain-timeout", "300", "--request-timeout", "60000")
    with connect(server.port) as half:
        half.sendall(GOOD[:-10])
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) == 128 + signal.SIGTERM


@pytest.fixture
def growing(tmp_path):
    """A published folder whose generations have larger and larger weights: publish(generation, scale)."""
    folder = tmp_path / "growing"
    folder.mkdir()

    def publish(generation: int, scale: float) -> None:
        random = numpy.random.default_rng(5)
        source, blob = tmp_path / "source.npz", tmp_path / "source.blob"
        numpy.savez(source, **{"value.w1": random.uniform(0.1, 0.5, (6, 20)).astype(numpy.float32),
                               "value.w2": numpy.full((20, 1), scale, numpy.float32),
                               "value.clamp": numpy.array([0, numpy.inf], numpy.float32)})
        subprocess.run([sys.executable, ROOT / "tools" / "weight_export", source, "-o", blob, "--name", "growing",
                        "--generation", str(generation), "--dtype", "float32"], check=True, cwd=ROOT, timeout=60)
        content = blob.read_bytes()
        name = f"growing-{generation}-{hashlib.sha256(content).hexdigest()[:8]}.blob"
        (folder / name).write_bytes(content)
        (folder / "next").write_text(name + "\n")
        (folder / "next").rename(folder / "current")
    return folder, publish


def test_breaker_falls_back_to_the_last_good_generation(start, growing):
    folder, publish = growing
    publish(1, 0.5)
    server = start("--breaker-open", "1500", folder=folder)
    huge, small = numpy.full((1, 6), 1e20, numpy.float32), numpy.full((1, 6), 0.25, numpy.float32)
    status, old = server.infer("growing", huge)
    assert status == 200 and old["model_version"] == "1"
    publish(2, 1e25)
    wait_until(lambda: server.infer("growing", small)[1].get("model_version") == "2")
    for _ in range(5):
        status, answer = server.infer("growing", huge)
        assert status == 500 and "non-finite-output" in answer["error"]
    status, answer = server.infer("growing", huge)
    assert status == 200 and answer["model_version"] == "1" and same_bits(outputs_of(answer), outputs_of(old))
    assert server.infer("growing", small)[1]["model_version"] == "1"
    # Who asks for the new generation gets it, or its failure.
    assert server.ask("GET", "/v2/models/growing/versions/2/ready")[0] == 200
    wait_until(lambda: "growing: the breaker over generation 2 opened" in server.log())
    time.sleep(1.6)
    # A try that fails is the old generation's answer, and opens it again.
    assert server.infer("growing", huge)[1]["model_version"] == "1"
    assert server.infer("growing", small)[1]["model_version"] == "1"
    time.sleep(1.6)
    for _ in range(4):
        assert server.infer("growing", small)[1]["model_version"] == "2"
    wait_until(lambda: "growing: the breaker is closed again" in server.log())
    seen = figures(server)
    assert [seen[f'tickmlp_serve_model_breaker_{what}_total{{model="growing"}}'] for what in (
        "opened", "failures", "fallbacks")] == [2, 6, 4]
    assert seen['tickmlp_serve_model_breaker{model="growing"}'] == 0


def test_breaker_without_an_older_generation(start, growing):
    folder, publish = growing
    publish(1, 1e25)
    server = start("--breaker-open", "60000", folder=folder)
    huge, small = numpy.full((1, 6), 1e20, numpy.float32), numpy.full((1, 6), 0.25, numpy.float32)
    for _ in range(5):
        assert server.infer("growing", huge)[0] == 500
    status, fields, body = server.ask("POST", "/v2/models/growing/infer", small.tobytes(),
                                      {"Inference-Header-Content-Length": "0"})
    assert status == 503 and "retry-after" in fields and "breaker" in json.loads(body)["error"]
    publish(2, 0.5)  # a new one starts afresh
    wait_until(lambda: server.infer("growing", small)[0] == 200)
    assert server.infer("growing", huge)[1]["model_version"] == "2"


def test_a_client_s_bad_numbers_open_no_breaker(server):
    for _ in range(20):
        status, fields, _ = server.ask("POST", "/v2/models/strategic-int8/infer",
                                       numpy.full(13, numpy.nan, numpy.float32).tobytes(),
                                       {"Inference-Header-Content-Length": "0"})
        assert status == 400
    assert server.infer("strategic-int8", numpy.zeros((1, 13), numpy.float32))[0] == 200
