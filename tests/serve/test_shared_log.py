# SPDX-License-Identifier: Apache-2.0
"""Shared memory in the log: who attaches, who goes and why, what is refused; never a flood, never a forged line."""
import os
import shutil
import subprocess
import time

import pytest

from shared_bare import HELLO, LIST, Bare
from shared_client import Client, Refused
from test_guard import wait_until
from test_log import lines

ME = {"pid": os.getpid(), "uid": os.getuid()}


def events(server) -> list[dict]:
    return [one for one in lines(server.log()) if one["event"].startswith("shared_")]


def wait_for(server, count: int) -> list[tuple]:
    """(event, level, message, name) of each, which are all this process's."""
    wait_until(lambda: len(events(server)) >= count)
    seen = events(server)
    assert all(ME.items() <= one.items() for one in seen), seen
    return [(one["event"], one["level"], one["message"], one.get("name")) for one in seen]


def test_attached_and_gone(start, shared_path):
    server = start("--shared-memory", str(shared_path))
    with Client(shared_path, slots=2, input_floats=420, output_floats=10) as client:
        client.find("tactical-int8")
    assert wait_for(server, 2) == [("shared_attached", "info", "a client is attached", None),
                                   ("shared_detached", "info", "it ended", None)]
    assert events(server)[0]["ring_bytes"] == 128 + 2 * (1792 + 128)


def test_refused(start, shared_path):
    server = start("--shared-memory", str(shared_path), "--shared-clients", "1", "--shared-ring-bytes", "10000")
    with pytest.raises(Refused, match="refused"):
        Client(shared_path, slots=64)
    with Client(shared_path, slots=1, input_floats=420, output_floats=10) as client:
        for name, generation in (("none", 0), ('"\n{"event":"forged"}\u2028', 0), ("tactical-int8", 9)):
            with pytest.raises(Refused):
                client.find(name, generation)
        with pytest.raises(Refused, match="refused"):
            Client(shared_path)
    wait_for(server, 7)
    other = Bare(shared_path)
    other.say(HELLO, (1, 16, 16), magic=7)
    assert other.hear() is not None
    other.close()
    refused_ones = [one for one in wait_for(server, 8) if one[0] == "shared_refused"]
    assert {one[1] for one in refused_ones} == {"warning"}
    seen = [one[2:] for one in refused_ones]
    assert seen[0][0].startswith("a ring of ") and seen[0][0].endswith(" bytes; expected 10000 at most")
    assert seen[1:] == [('no model "none" is served', "none"),
                        ('no model ""?{"event":"forged"}\u2028" is served', '"\n{"event":"forged"}\u2028'),
                        ("the model has no version 9", "tactical-int8"),
                        ("all 1 places for clients are taken", None),
                        ("another protocol: expected a client of this server's version", None)]


def test_why_it_went(start, shared_path):
    server = start("--shared-memory", str(shared_path))
    silent, early, odd, deaf = (Bare(shared_path) for _ in range(4))
    early.say(LIST)
    wait_until(lambda: len(events(server)) == 1)
    odd.attach().say(99)
    wait_until(lambda: len(events(server)) == 3)
    deaf.attach()
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        for _ in range(10**5):
            deaf.say(LIST)
    seen = [one[2] for one in wait_for(server, 6) if one[0] == "shared_detached"]
    assert seen == ["a message before its hello", "a message of no kind that is known", "it does not read its answers",
                    "no hello within a second"]
    for one in (silent, early, odd, deaf):
        one.close()


def test_a_flood_is_counted(start, shared_path):
    """20 lines a second, and one more of how many there would have been."""
    server = start("--shared-memory", str(shared_path))
    begin = time.monotonic()
    rounds = 300
    for _ in range(rounds):
        with Client(shared_path) as client, pytest.raises(Refused):
            client.find("none")
    wait_until(lambda: sum(one.get("events", 1) for one in events(server)) == 3 * rounds)
    seconds = time.monotonic() - begin
    assert len(events(server)) <= 21 * (seconds + 2)
    left_out = [one for one in events(server) if one["event"] == "shared_left_out"]
    assert left_out and {one["level"] for one in left_out} == {"warning"}


def test_another_user(start, shared_path):
    """Who gets past the socket's mode all the same, as root does."""
    if os.getuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("needs root, to become another user, and setpriv")
    server = start("--shared-memory", str(shared_path))
    shared_path.parent.chmod(0o755)
    shared_path.chmod(0o666)
    attach = "import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(sys.argv[1]); " \
             "s.recv(256)"
    subprocess.run(["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "/usr/bin/python3", "-c", attach,
                    shared_path],
                   check=True, timeout=30)
    wait_until(lambda: events(server))
    (one,) = events(server)
    assert (one["uid"], one["message"]) == (54321, "a client of user 54321; expected the server's, 0")
