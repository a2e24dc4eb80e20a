# SPDX-License-Identifier: Apache-2.0
"""Shared memory: clients that scribble over their ring, and messages that cannot be meant."""
import os
import random
import resource
import socket
import struct

import numpy
import pytest

from served import same_bits
from shared_bare import HELLO, LIST, RESOLVE, RESOLVED, WAKE, Bare
from shared_client import Client, Refused, connect, figures, settle

LONG = "TICKMLP_SLOW" in os.environ


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
    words = (0, 1, 2, 6, 7, 8, 15, 16, 63, 64, 419, 420, 421, 1023, 1024, 1025, 65535, 2**31, 2**32 - 1)
    for _ in range(60):
        how = random.random()
        if how < 0.3:
            at = random.randrange(len(bare.ring) - 64)
            bare.ring[at:at + 64] = random.randbytes(64)
        elif how < 0.4:
            bare.ring[:] = random.randbytes(len(bare.ring))
        else:
            header = struct.pack("<IBBHI", random.getrandbits(32), random.choice((*range(7), 255)),
                                 random.choice((0, 0, 0, 1, 63, 64, 255)), random.choice(words) % 65536,
                                 random.choice(words))
            bare.ring[132:140] = header[4:]
            bare.ring[128:132] = header[:4]
        if random.random() < 0.1:
            bare.say(WAKE)


@pytest.mark.parametrize("messages", [
    [], [b""], [b"x"], [b"\0" * 256], [b"x" * 1000], ["hello", "hello"], ["resolve"], ["list"],
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
        socket.send_fds(bare.socket, [b"\0" * 256], [null.fileno()] * 5)
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


def test_out_of_descriptors(start, shared_path, tactical):
    """Who is attached is answered on; who comes is told, or waits until its deadline; then there is room again."""
    server = start("--shared-memory", str(shared_path))
    states, expected = tactical
    before = figures(server)[0]
    with Client(shared_path) as client:
        model = client.find("tactical-int8")
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (before + 3, limits[1]))
        others, told = [], []
        for _ in range(6):
            try:
                others.append(Client(shared_path, connect_ns=3 * 10**8))
            except Refused as refused:
                told.append(refused.args[0])
            assert same_bits(client.infer(model, states)[0], expected)
        assert others and told and set(told) <= {"deadline", "refused"}, told
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limits)
        others.append(connect(shared_path))
        assert others[-1].find("strategic-int8").inputs == 13
        for other in others:
            other.close()
    assert settle(server, before)[0] == before
