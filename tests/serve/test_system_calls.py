# SPDX-License-Identifier: Apache-2.0
"""What a serving thread asks of the kernel for a request on a connection that stays: recv, send and epoll_ctl."""
import collections
import json
import re
import shutil
import signal
import subprocess

import pytest

from raw import GOOD, HEAD, connect, read_answer
from stopped_thread import thread_id

BODY = json.dumps({"inputs": [{"name": "input", "shape": [1, 13], "datatype": "FP32", "data": [0.5] * 13}]}).encode()
JSON = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
REQUESTS = 300


@pytest.mark.parametrize("request_bytes", [GOOD, JSON], ids=["raw", "json"])
def test_a_request_is_three_calls(start, tmp_path, request_bytes):
    """And one epoll_wait, which serves all connections that are ready: here the one. Every 100 ms the thread wakes by
    itself, reads a timer and sets it again."""
    if shutil.which("strace") is None:
        pytest.skip("no strace (scripts/bootstrap --for test)")
    server = start()
    with connect(server.port) as client:
        def ask(times):
            for _ in range(times):
                client.sendall(request_bytes)
                assert read_answer(client)[0] == 200
        ask(20)
        thread = thread_id(server.process.pid, "tickmlp-http-0")
        tracer = subprocess.Popen(["strace", "-p", str(thread), "-o", tmp_path / "calls"], stderr=subprocess.PIPE,
                                  text=True)
        if "attached" not in tracer.stderr.readline():
            tracer.wait()
            pytest.skip("strace may not attach to a process here")
        ask(REQUESTS)
        tracer.send_signal(signal.SIGINT)
        tracer.wait(30)
    calls = collections.Counter(re.findall(r"^(\w+)\(", (tmp_path / "calls").read_text(), re.MULTILINE))
    ticks = calls.pop("timerfd_settime", 0)
    few = 2 + 3 * ticks  # at either end, and where the thread woke by itself
    received, sent = (sum(calls.pop(name, 0) for name in names)
                      for names in (("recvmsg", "recvfrom", "read"), ("sendmsg", "sendto", "write")))
    assert REQUESTS - 1 <= sent <= REQUESTS + few and REQUESTS - 1 <= received <= REQUESTS + few, (received, sent)
    assert REQUESTS - 1 <= calls.pop("epoll_ctl") <= REQUESTS + few
    assert calls.pop("epoll_wait") <= REQUESTS + few
    assert calls.pop("getsockopt") <= REQUESTS / 16 + few  # how long it waited: one request in sixteen
    assert sum(calls.values()) <= few, calls
