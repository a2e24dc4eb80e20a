# SPDX-License-Identifier: Apache-2.0
"""Through shared memory: the bits of `tickmlp run`, from C and from Python, and every refusal by its name."""
import os
import pathlib
import re
import stat
import subprocess
import time

import numpy
import pytest

from served import MODELS, ROOT, same_bits
from shared_client import CLIENT, Client, Refused

PROGRAM = pathlib.Path(os.environ.get("TICKMLP_BUILD", ROOT / "build")) / "tests" / "shared_score"


@pytest.mark.parametrize("sleep_ns", [0, 1])
def test_python(start, shared_path, scored, sleep_ns):
    """With sleep_ns 1 the server sleeps between almost any two requests."""
    start("--shared-memory", str(shared_path), "--shared-sleep-ns", str(sleep_ns))
    name, states, expected = scored
    with Client(shared_path) as client:
        model = client.find(name)
        assert (model.inputs, model.outputs, model.generation) == (states.shape[1], expected.shape[1], 1)
        for rows in (slice(0, 1), slice(3, 4), slice(0, 17)):
            outputs, generation = client.infer(model, states[rows])
            assert generation == 1 and same_bits(outputs, expected[rows])
        begin = time.monotonic()
        for _ in range(300):
            assert same_bits(client.infer(model, states[:1])[0], expected[:1])
        assert time.monotonic() - begin < 15, "nobody woke the server, which looks by itself every 100 ms"


def test_c(start, shared_path, scored, tmp_path):
    start("--shared-memory", str(shared_path))
    name, states, expected = scored
    states.tofile(tmp_path / "states.f32")
    for most in ("1", "5"):
        done = subprocess.run([PROGRAM, shared_path, name, tmp_path / "states.f32", tmp_path / "scores.f32", most],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and done.stdout == "ok, generation 1\n", done.stderr
        assert (tmp_path / "scores.f32").read_bytes() == expected.tobytes()


def test_the_client_needs_no_other_library():
    for path in (PROGRAM, CLIENT / "libtickmlp-client.so"):
        needed = subprocess.run(["objdump", "-p", path], check=True, capture_output=True, text=True).stdout
        assert [line.split()[1] for line in needed.splitlines() if "NEEDED" in line] == ["libc.so.6"]


def test_several_in_flight(start, shared_path, scored):
    start("--shared-memory", str(shared_path))
    name, states, expected = scored
    with Client(shared_path, slots=3) as client:
        model = client.find(name)
        for _ in range(100):
            tickets = [client.send(model, states[i:i + 1]) for i in range(3)]
            with pytest.raises(Refused, match="slots-busy"):
                client.send(model, states[:1])
            for i in (2, 0, 1):
                assert same_bits(client.receive(model, tickets[i], 1), expected[i:i + 1])
        with pytest.raises(Refused, match="bad-argument"):
            client.receive(model, tickets[0], 1)
        forgotten = client.send(model, states[:1])
        client.forget(forgotten)
        for _ in range(10):
            assert same_bits(client.infer(model, states[5:6])[0], expected[5:6])


def test_names_and_refusals(start, shared_path):
    start("--shared-memory", str(shared_path))
    states = numpy.zeros((3, 420), numpy.float32)
    with Client(shared_path, input_floats=1000) as client:
        assert client.names() == sorted(MODELS)
        for _ in range(100):  # more often than there are handles
            with pytest.raises(Refused, match="no-model"):
                client.find("nobody")
        with pytest.raises(Refused, match="no-version"):
            client.find("tactical-int8", 7)
        with pytest.raises(Refused, match="bad-argument"):
            client.find("x" * 64)
        model = client.find("tactical-int8")
        assert model.handle == 0 and client.find("tactical-int8").handle == 0
        with pytest.raises(Refused, match="too-large"):
            client.infer(model, states)
        states[1, 419] = numpy.nan
        with pytest.raises(Refused, match="non-finite-input"):
            client.infer(model, states[:2])
        assert client.failed_state == 1
        assert client.infer(client.find("tactical-int8", 1), states[:1])[1] == 1


def test_the_socket_is_the_users_own(start, shared_path, tmp_path):
    with pytest.raises(Refused, match="no-server"):
        Client(shared_path)
    server = start("--shared-memory", str(shared_path), "--shared-clients", "1")
    assert stat.S_IMODE(shared_path.stat().st_mode) == 0o600
    with Client(shared_path):
        with pytest.raises(Refused, match="all 1 places"):
            Client(shared_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(Refused, match="refused|no-server"):
        Client(tmp_path / "file")
    for _ in range(200):  # until the server has seen the first client go
        with pytest.raises(Refused) as told:
            Client(shared_path, input_floats=2**21)
        if "all 1 places" not in str(told.value):
            break
        time.sleep(0.05)
    assert re.search("a ring of .* bytes; expected 4194304", str(told.value))
    server.process.terminate()
    assert server.process.wait(30) == 0 and not shared_path.exists()


def test_another_user_is_refused(start, shared_path):
    if os.geteuid() != 0:
        pytest.skip("needs root, to be another user")
    start("--shared-memory", str(shared_path))
    shared_path.chmod(0o777)
    for folder in [shared_path.parent, *shared_path.parents][:-1]:
        if not folder.stat().st_mode & 1:
            folder.chmod(folder.stat().st_mode | 0o011)
    script = ("import os, socket, sys; os.setuid(65534)\n"
              "s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(sys.argv[1])\n"
              "s.settimeout(10); print(s.recv(4096)[64:].split(b'\\0')[0].decode())")
    told = subprocess.run(["/usr/bin/python3", "-c", script, shared_path], capture_output=True, text=True, timeout=30)
    assert told.stdout.startswith("a client of user 65534; expected the server's, 0"), told.stderr


@pytest.mark.parametrize("what, why", [("server", "another server listens there"), ("file", "no socket"),
                                       ("folder", "No such file"), ("core", "core")])
def test_why_it_does_not_start(what, why, start, binary, repository, tmp_path):
    path, more = tmp_path / "s", []
    if what == "server":
        start("--shared-memory", str(path))
    elif what == "file":
        path.write_text("kept")
    elif what == "folder":
        path = tmp_path / "missing" / "s"
    else:
        more = ["--shared-core", "4000"]
    done = subprocess.run([binary, "serve", "--repository", repository, "--port", "0", "--shared-memory", path, *more],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 4 and why in done.stderr and "shared memory" in done.stderr
    assert what != "file" or path.read_text() == "kept"
