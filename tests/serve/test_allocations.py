# SPDX-License-Identifier: Apache-2.0
"""One in N allocations of one of the server's threads fails: a request, a client or a job ends, and nothing else."""
import contextlib
import http.client
import mmap
import os
import pathlib
import struct
import time

import numpy
import pytest

from raw import GOOD, connect, read_answer
from repositories import ADMIN
from served import ROOT, TOKEN, Server, same_bits
from shared_client import Client, Refused, figures, settle
from shared_client import connect as attach
from test_guard import wait_until
from test_log import lines

SHIM = pathlib.Path(os.environ.get("TICKMLP_BUILD", ROOT / "build")) / "tests" / "failing_malloc.so"
EVERY = (1, 2, 3, 5, 11, 101)
NAME, SPLIT = "tactical-int8", "half=tactical-int8:50%,tactical-float32:50%"


class Short:
    """A server whose memory can run out in a thread of a name."""

    def __init__(self, binary, repository, folder, options):
        if not SHIM.is_file():
            pytest.skip(f"no {SHIM}: build it")
        plan = folder / "plan"
        plan.write_bytes(bytes(4096))
        with open(plan, "r+b") as file:
            self.plan = mmap.mmap(file.fileno(), 4096)
        token = folder / "token"
        token.write_text(TOKEN)
        token.chmod(0o600)
        preload = ["env", f"LD_PRELOAD={SHIM}", f"TICKMLP_FAILING={plan}"]
        self.server = Server(binary, repository, ["--admin-token-file", str(token), "--poll", "20ms", *options],
                             prefix=preload)
        if "libmimalloc" not in pathlib.Path(f"/proc/{self.server.process.pid}/maps").read_text():
            self.server.process.terminate()
            pytest.skip("this program was built without mimalloc")

    @contextlib.contextmanager
    def failing(self, thread: str, every: int):
        self.plan[:28] = struct.pack("<16s3I", thread.encode(), 0, 0, 0)
        self.plan[16:20] = struct.pack("<I", every)
        try:
            yield
        finally:
            self.plan[16:20] = bytes(4)
            self.failed = struct.unpack("<I", self.plan[24:28])[0]


@pytest.fixture
def short(binary, repository, tmp_path, shared_path):
    one = Short(binary, repository, tmp_path, ["--shared-memory", str(shared_path), "--split", SPLIT, "--access-log",
                                               "all", "--shadow", "tactical-int8=tactical-float32"])
    yield one
    one.server.process.terminate()
    assert one.server.process.wait(30) == 0, one.server.log()


def tried(call) -> str:
    """What a call over shared memory was refused with; "" where it was not."""
    try:
        call()
    except Refused as refused:
        return refused.args[0]
    return ""


def test_the_thread_of_the_rings(short, shared_path, tactical):
    states, expected = tactical
    many = numpy.tile(states, (61, 1))[:1024]
    refused = set()
    for every in EVERY:
        with Client(shared_path, slots=2, input_floats=1024 * 420, output_floats=1024 * 10) as client:
            model = client.find(NAME)
            window = client.window(model)
            with short.failing("tickmlp-shared", every):
                for round_ in range(6):
                    what = "unload" if round_ % 2 else "load"  # another catalogue: it must be followed
                    path = f"/v2/repository/models/strategic-int8/{what}"
                    assert short.server.ask("POST", path, b"", ADMIN)[0] == 200
                    refused |= {tried(lambda: client.infer(model, many)), tried(lambda: window.reset(states[0])),
                                tried(lambda: window.tick(states[0][-7:])), tried(window.advance)}
            assert short.failed != 0
            for _ in range(2):
                assert same_bits(client.infer(model, many)[0][:17], expected)
                window.reset(states[0])
                assert same_bits(window.tick(states[0][-7:]), expected[0])
    assert refused <= {"", "server-error", "window-empty"} and "server-error" in refused


def test_the_thread_of_the_socket(short, shared_path, tactical):
    states, expected = tactical
    refused = set()
    with attach(shared_path) as stays:
        model = stays.find(NAME)
        before = figures(short.server)[0]
        for every in EVERY:
            with short.failing("tickmlp-attach", every):
                for _ in range(20):
                    other = None

                    def visit():
                        nonlocal other
                        other = Client(shared_path, connect_ns=2 * 10**8)
                        other.find("half", deadline_ns=2 * 10**8)
                        other.names()
                    refused.add(tried(visit))
                    if other is not None and other.handle:
                        other.close()
                    assert same_bits(stays.infer(model, states)[0], expected)
                refused.add(tried(lambda: stays.find("strategic-int8")))
            assert short.failed != 0
            assert settle(short.server, before)[0] == before
            with attach(shared_path) as other:
                assert same_bits(other.infer(other.find(NAME), states)[0], expected)
    assert refused <= {"", "refused", "server-error", "server-gone", "deadline"} and len(refused) >= 3, refused


def test_the_thread_of_the_jobs(short):
    statuses = set()
    for every in EVERY:
        with short.failing("tickmlp-jobs", every):
            for _ in range(10):
                for method, path in (("GET", "/metrics"), ("GET", "/v2/models/stats"),
                                     ("POST", "/v2/repository/models/strategic-int8/load"),
                                     ("POST", "/v2/repository/models/strategic-int8/unload")):
                    with contextlib.suppress(http.client.RemoteDisconnected):
                        status, _, body = short.server.ask(method, path, b"", ADMIN)
                        statuses.add(status)
                        assert status == 200 or b"bad_alloc" in body or status in (404, 409), body
            time.sleep(0.1)  # looks at the repository fail too
        assert short.failed != 0
        assert short.server.ask("POST", "/v2/repository/models/strategic-int8/load", b"", ADMIN)[0] == 200
        assert short.server.ask("GET", "/metrics")[0] == 200
        assert short.server.ask("GET", "/v2/models/strategic-int8/ready")[0] == 200
    assert {200, 500} <= statuses
    with short.failing("tickmlp-jobs", 101):  # a look that fails, and a line that does not
        wait_until(lambda: '"event":"job_failed"' in short.server.log())
    assert [one["message"] for one in lines(short.server.log()) if one["event"] == "job_failed"][0] == "std::bad_alloc"


@pytest.mark.parametrize("thread", ["tickmlp-http-0", "tickmlp-shadow", "tickmlp"])  # the last: main, and the log's
def test_other_threads(short, thread):
    server = short.server
    for every in EVERY[thread == "tickmlp-http-0":]:  # without any memory nobody is let in, until there is some
        with short.failing(thread, every):
            for _ in range(20):
                with contextlib.suppress(ConnectionError), connect(server.port) as stream:
                    for _ in range(3):
                        stream.sendall(GOOD)
                        assert read_answer(stream)[0] in (0, 200, 500)
                with contextlib.suppress(ConnectionError, http.client.HTTPException):
                    server.infer(NAME, numpy.zeros((1, 420), numpy.float32))
            time.sleep(0.3)
        with connect(server.port) as stream:
            stream.sendall(GOOD)
            assert read_answer(stream)[0] == 200
    assert short.failed != 0 or thread == "tickmlp-shadow"
