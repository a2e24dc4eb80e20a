# SPDX-License-Identifier: Apache-2.0
"""Shared memory: either side killed at any moment, a client that scribbles, models that change meanwhile."""
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import numpy
import pytest

from conftest import TOKEN
from served import ROOT, run_model, same_bits
from shared_client import HELLO, LIST, RESOLVE, RESOLVED, WAKE, Bare, Client, Refused
from test_shared_bits import PROGRAM

LONG = "TICKMLP_SLOW" in os.environ
KILLS = 2000 if LONG else 200


def figures(server) -> tuple[int, int]:
    """(descriptors, resident KiB) of the server"""
    folder = pathlib.Path(f"/proc/{server.process.pid}")
    resident = next(line for line in (folder / "status").read_text().splitlines() if line.startswith("VmRSS"))
    return len(list((folder / "fd").iterdir())), int(resident.split()[1])


def settle(server, descriptors: int) -> tuple[int, int]:
    """The figures, once the server has noticed who went."""
    end = time.monotonic() + 10
    while figures(server)[0] != descriptors and time.monotonic() < end:
        time.sleep(0.01)
    return figures(server)


@pytest.fixture
def tactical(binary, tmp_path):
    """(states [17, 420], what `tickmlp run` says of them)"""
    states = numpy.random.default_rng(3).uniform(-1, 1, (17, 420)).astype(numpy.float32)
    return states, run_model(binary, ROOT / "weights" / "tactical-int8.blob", states, tmp_path)


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
        for i in range(KILLS // 4):
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


def connect(path) -> Client:
    end = time.monotonic() + 20
    while True:
        try:
            return Client(path)
        except Refused:
            assert time.monotonic() < end
            time.sleep(0.005)


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


def test_a_ring_that_is_scribbled_over(start, shared_path, tactical):
    """Random bytes, and requests that are nearly right, in every word that the server reads; whoever shares the
    server with it is answered right."""
    server = start("--shared-memory", str(shared_path), "--shared-sleep-ns", "1000")
    states, expected = tactical
    random.seed(3)
    with Client(shared_path) as client:
        model = client.find("tactical-int8")
        before, sizes = figures(server)[0], []
        for _ in range(2):
            for _ in range(40 if not LONG else 400):
                bare = Bare(shared_path).attach(random.choice((1, 4, 64)), random.choice((1, 419, 420, 1024)),
                                                random.choice((1, 9, 10, 64)))
                assert bare.resolve(b"tactical-int8")[1] == RESOLVED
                scribble(bare, states)
                assert same_bits(client.infer(model, states)[0], expected)
                bare.close()
            sizes.append(settle(server, before))
    assert sizes[0][0] == sizes[1][0] == before and sizes[1][1] - sizes[0][1] < 4096, sizes


def scribble(bare: Bare, states: numpy.ndarray) -> None:
    words = (0, 1, 2, 63, 64, 419, 420, 421, 1023, 1024, 1025, 65535, 2**31, 2**32 - 1)
    for _ in range(60):
        how = random.random()
        if how < 0.3:
            at = random.randrange(len(bare.ring) - 64)
            bare.ring[at:at + 64] = random.randbytes(64)
        elif how < 0.4:
            bare.ring[:] = random.randbytes(len(bare.ring))
        else:
            header = struct.pack("<IHHI", random.getrandbits(32), random.choice(words) % 65536,
                                 random.choice(words) % 65536, random.choice(words))
            bare.ring[132:140] = header[4:]
            bare.ring[128:132] = header[:4]
        if random.random() < 0.1:
            bare.say(WAKE)


@pytest.mark.parametrize("messages", [
    [], [b""], [b"x"], [b"\0" * 240], [b"x" * 1000], ["hello", "hello"], ["resolve"], ["list"],
    ["huge"], ["none"], ["overflow"], ["hello", "unknown"], ["other"]])
def test_messages_that_cannot_be_meant(start, shared_path, messages):
    """Each ends its own connection, or is refused; the server lives, and its descriptors come back."""
    server = start("--shared-memory", str(shared_path))
    before = figures(server)[0]
    for _ in range(30):
        bare = Bare(shared_path)
        for message in messages:
            try:
                if isinstance(message, bytes):
                    bare.socket.send(message)
                else:
                    {"hello": lambda b: b.say(HELLO, (1, 16, 16)), "huge": lambda b: b.say(HELLO, (64, 2**26, 2**26)),
                     "none": lambda b: b.say(HELLO), "resolve": lambda b: b.say(RESOLVE, text=b"tactical-int8"),
                     "overflow": lambda b: b.say(HELLO, (2**32 - 1, 2**32 - 1, 2**32 - 1)),
                     "list": lambda b: b.say(LIST), "unknown": lambda b: b.say(99),
                     "other": lambda b: b.say(HELLO, (1, 16, 16), magic=7)}[message](bare)
            except (BrokenPipeError, ConnectionResetError):
                break
        bare.close()
    assert settle(server, before)[0] == before
    with Client(shared_path) as client:
        assert client.find("strategic-int8").inputs == 13


def test_descriptors_that_come_along_are_not_kept(start, shared_path):
    server = start("--shared-memory", str(shared_path))
    before = figures(server)[0]
    bare = Bare(shared_path).attach()
    with open("/dev/null", "rb") as null:
        socket.send_fds(bare.socket, [b"\0" * 240], [null.fileno()] * 5)
    assert bare.hear() is not None  # refused by name
    bare.close()
    assert settle(server, before)[0] == before


def test_a_client_that_says_nothing_loses_its_place(start, shared_path):
    start("--shared-memory", str(shared_path), "--shared-clients", "1")
    silent = Bare(shared_path)
    with connect(shared_path) as client:
        assert client.names()
    silent.close()


def test_a_client_that_reads_nothing_is_let_go(start, shared_path):
    start("--shared-memory", str(shared_path))
    bare = Bare(shared_path).attach()
    bare.socket.settimeout(5)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        for _ in range(10**5):
            bare.say(LIST)
    with Client(shared_path) as client:
        assert client.names()


def thread_of(server, name: str) -> pathlib.Path:
    tasks = pathlib.Path(f"/proc/{server.process.pid}/task")
    return next(task for task in tasks.iterdir() if (task / "comm").read_text().strip() == name)


def page_faults(task: pathlib.Path) -> int:
    return int((task / "stat").read_text().rsplit(")", 1)[1].split()[7])


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
        before = page_faults(task)
        for _ in range(3000):
            assert same_bits(client.infer(model, states[:5])[0], expected[:5])
        faults = page_faults(task) - before
        tracer.send_signal(signal.SIGINT)
        tracer.wait(30)
    calls = [line for line in (shared_path.parent / "calls").read_text().splitlines() if "(" in line]
    assert calls == [] and faults == 0


def load(server, what="load", name="tactical-int8") -> None:
    status, _, body = server.ask("POST", f"/v2/repository/models/{name}/{what}", b"",
                                 {"Authorization": f"Bearer {TOKEN}"})
    assert status == 200, body


def test_models_that_change(start, shared_path, repository, tactical):
    """None of that name, another shape under it, the first again: named each time, and the handle stays."""
    server = start("--shared-memory", str(shared_path))
    states, expected = tactical
    blob = repository / "tactical-int8.blob"
    with Client(shared_path) as client:
        model = client.find("tactical-int8")
        load(server, "unload")
        with pytest.raises(Refused, match="no-model"):
            client.infer(model, states)
        shutil.copy(ROOT / "weights" / "strategic-int8.blob", blob)
        load(server)
        with pytest.raises(Refused, match="model-changed"):
            client.infer(model, states)
        again = client.find("tactical-int8")
        assert again.handle == model.handle and again.inputs == 13
        client.infer(again, states[:, :13].copy())
        load(server, "unload")
        shutil.copy(ROOT / "weights" / "tactical-int8.blob", blob)
        load(server)
        assert same_bits(client.infer(client.find("tactical-int8"), states)[0], expected)


@pytest.fixture(scope="module")
def generations(binary, tmp_path_factory):
    """(states, {generation: (blob, its outputs)}) of one small model"""
    folder, random_numbers = tmp_path_factory.mktemp("generations"), numpy.random.default_rng(5)
    states = random_numbers.uniform(-1, 1, (3, 24)).astype(numpy.float32)
    out = {}
    for generation in range(1, 13):
        arrays = {"head.w1": random_numbers.normal(size=(24, 16)).astype(numpy.float32),
                  "head.w2": random_numbers.normal(size=(16, 3)).astype(numpy.float32)}
        source, blob = folder / f"{generation}.npz", folder / f"{generation}.blob"
        numpy.savez(source, **arrays)
        subprocess.run(["/usr/bin/python3", ROOT / "tools" / "weight_export", source, "-o", blob, "--name", "small",
                        "--generation", str(generation), "--dtype", "float32"], check=True, capture_output=True)
        out[generation] = blob, run_model(binary, blob, states, folder)
    return states, out


def test_every_answer_is_that_of_its_generation(start, shared_path, tmp_path, generations):
    """New generations under load; and the handle of the first server means the same to the next."""
    states, known = generations
    folder = tmp_path / "small"
    folder.mkdir()
    shutil.copy(known[1][0], folder / "small.blob")
    server = start("--shared-memory", str(shared_path), folder=folder)
    seen, stop = {}, threading.Event()

    def swap():
        for generation in range(2, 13):
            shutil.copy(known[generation][0], folder / "next")
            os.replace(folder / "next", folder / "small.blob")
            load(server, name="small")
            end = time.monotonic() + 10
            while generation not in seen and time.monotonic() < end:
                time.sleep(0.001)
        stop.set()
    with Client(shared_path) as client:
        model = client.find("small")
        swapper = threading.Thread(target=swap)
        seen[client.infer(model, states)[1]] = 1
        swapper.start()
        while not stop.is_set():
            outputs, generation = client.infer(model, states)
            assert same_bits(outputs, known[generation][1])
            seen[generation] = seen.get(generation, 0) + 1
        swapper.join()
        assert client.infer(model, states)[1] == 12
    assert len(seen) == 12 and sorted(seen) == list(seen), seen
