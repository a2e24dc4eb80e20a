# SPDX-License-Identifier: Apache-2.0
"""Shared memory: either side killed at any instant, or standing still; what the polling thread asks of the kernel."""
import os
import pathlib
import random
import shutil
import signal
import subprocess
import threading
import time

import numpy
import pytest

from served import same_bits
from shared_client import Client, Refused, connect, figures, settle
from test_shared_bits import PROGRAM

KILLS = 2000 if "TICKMLP_SLOW" in os.environ else 200


def thread_of(server, name: str) -> pathlib.Path:
    tasks = pathlib.Path(f"/proc/{server.process.pid}/task")
    return next(task for task in tasks.iterdir() if (task / "comm").read_text().strip() == name)


def fields_of(task: pathlib.Path) -> list[str]:
    """Of a thread's stat, from its state on."""
    return (task / "stat").read_text().rsplit(")", 1)[1].split()


def test_clients_killed(start, shared_path, tactical, tmp_path):
    """SIGKILL at a random instant, also between two writes to the ring. Everything comes back, and a client that
    stays is answered right all the while."""
    server = start("--shared-memory", str(shared_path))
    states, expected = tactical
    numpy.tile(states, (2000, 1)).tofile(tmp_path / "states.f32")
    random.seed(1)

    def kill(times):
        for i in range(times):
            victim = subprocess.Popen([PROGRAM, shared_path, "tactical-int8", tmp_path / "states.f32", "/dev/null",
                                       str(1 + i % 17)], stdout=subprocess.DEVNULL)
            time.sleep(random.uniform(0, 0.02))
            victim.kill()
            victim.wait()
            assert same_bits(client.infer(model, states[:1])[0], expected[:1])
    with Client(shared_path) as client:
        model = client.find("tactical-int8")
        before = figures(server)[0]
        kill(KILLS // 4)
        first = settle(server, before)
        kill(KILLS - KILLS // 4)
        second = settle(server, before)
    assert first[0] == second[0] == before
    assert second[1] - first[1] < 4096, (first, second)


def test_servers_killed(binary, repository, shared_path, tactical):
    """The client meets a named error, never a hang, and the next server without being started again."""
    states, expected = tactical
    options = ["--shared-memory", str(shared_path), "--quiet"]
    command = [binary, "serve", "--repository", repository, "--port", "0", *options]
    random.seed(2)
    server = subprocess.Popen(command)
    try:
        client = connect(shared_path)
        model = client.find("tactical-int8")
        descriptors = len(os.listdir("/proc/self/fd"))
        for i in range(KILLS):
            wait_for_answer(client, model, states, expected)
            killer = threading.Timer(random.uniform(0, 0.003), server.kill)
            killer.start()
            refused = set()
            for _ in range(10**6):
                begin = time.monotonic()
                try:
                    assert same_bits(client.infer(model, states, 10**9)[0], expected)
                except Refused as error:
                    refused.add(error.args[0])
                    assert time.monotonic() - begin < 0.5
                    break
            killer.join()
            server.wait()
            assert refused == {"server-gone"}
            with pytest.raises(Refused, match="server-gone"):
                client.infer(model, states)
            server = subprocess.Popen(command)
        wait_for_answer(client, model, states, expected)
        assert len(os.listdir("/proc/self/fd")) == descriptors
        client.close()
    finally:
        server.kill()
        server.wait()
    assert not [line for line in pathlib.Path("/proc/self/maps").read_text().splitlines() if "tickmlp-ring" in line]


def wait_for_answer(client, model, states, expected) -> None:
    """The client by itself finds the server that came instead."""
    end = time.monotonic() + 20
    while True:
        try:
            assert same_bits(client.infer(model, states)[0], expected)
            return
        except Refused as refused:
            assert refused.args[0] == "server-gone" and time.monotonic() < end
            time.sleep(0.001)


def test_a_server_that_stands_still_is_a_missed_deadline(start, shared_path, tactical):
    server = start("--shared-memory", str(shared_path))
    states, expected = tactical
    with Client(shared_path, slots=2) as client:
        model = client.find("tactical-int8")
        server.process.send_signal(signal.SIGSTOP)
        while fields_of(thread_of(server, "tickmlp-shared"))[0] != "T":  # it may be on another core still
            time.sleep(0.001)
        try:
            for _ in range(2):
                begin = time.monotonic()
                with pytest.raises(Refused, match="deadline"):
                    client.infer(model, states, 20 * 10**6)
                assert 0.02 <= time.monotonic() - begin < 2
            with pytest.raises(Refused, match="slots-busy"):
                client.infer(model, states)
            with pytest.raises(Refused, match="deadline"):
                client.find("tactical-float32", deadline_ns=20 * 10**6)
        finally:
            server.process.send_signal(signal.SIGCONT)
        time.sleep(0.3)
        assert same_bits(client.infer(model, states)[0], expected)
        assert client.find("tactical-float32").inputs == 420


def test_the_polling_thread_makes_no_system_call_and_no_page_fault(start, shared_path, tactical):
    if shutil.which("strace") is None:
        pytest.skip("no strace (scripts/bootstrap --for test)")
    server = start("--shared-memory", str(shared_path))
    states, expected = tactical
    with Client(shared_path) as client:
        model = client.find("tactical-int8")
        for _ in range(200):
            client.infer(model, states)
        task = thread_of(server, "tickmlp-shared")
        tracer = subprocess.Popen(["strace", "-p", task.name, "-o", shared_path.parent / "calls"],
                                  stderr=subprocess.PIPE, text=True)
        if "attached" not in tracer.stderr.readline():
            tracer.wait()
            pytest.skip("strace may not attach to a process here")
        before = fields_of(task)[7:10]
        for _ in range(1000):
            assert same_bits(client.infer(model, states[:5])[0], expected[:5])
        after = fields_of(task)[7:10]  # page faults, its own and its children's, and those that read a file
        tracer.send_signal(signal.SIGINT)
        tracer.wait(30)
    calls = [line for line in (shared_path.parent / "calls").read_text().splitlines() if "(" in line]
    assert calls == [] and after == before
