# SPDX-License-Identifier: Apache-2.0
"""Clients that send what they should not, or vanish: the server answers the next one, and holds nothing of them."""
import concurrent.futures
import random
import signal
import socket
import subprocess
import sys
import time

import grpc
import numpy
import pytest

from asked import SERVICE, code_of, outputs_of
from served import same_bits

STATE = numpy.random.default_rng(3).uniform(-1, 1, (1, 13)).astype(numpy.float32)
NAME = "strategic-int8"
INVALID, OK = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.OK


@pytest.fixture
def expected(asked):
    """What a good request gets before and after; and the server's descriptors come back."""
    first = outputs_of(asked.stub.ModelInfer(asked.request(NAME, STATE)))
    before = asked.descriptors()
    yield first
    assert same_bits(outputs_of(asked.stub.ModelInfer(asked.request(NAME, STATE), timeout=30)), first)
    assert wait_for(lambda: asked.descriptors() <= before), (asked.descriptors(), before)
    assert asked.server.process.poll() is None


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_damaged_messages(asked, expected):
    """Cut at every length, every byte another, random bytes: refused, or answered as the message that it became."""
    good = asked.request(NAME, STATE, id="x").SerializeToString()
    damaged = [good[:n] for n in range(len(good))]
    damaged += [good[:n] + bytes([good[n] ^ bits]) + good[n + 1:] for n in range(len(good)) for bits in (1, 0x80, 0xff)]
    chance = random.Random(5)
    damaged += [chance.randbytes(chance.randrange(200)) for _ in range(500)]
    damaged += [b"\x2a\xff\xff\xff\xff\x0f", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x0b" * 5000,
                b"\x0a\x02\xff\xfe", b"\x3a\x34" + bytes(51)]
    call = asked.bytes_call("ModelInfer")
    codes = [code_of(call, message)[0] for message in damaged]
    assert set(codes) <= {OK, INVALID, grpc.StatusCode.NOT_FOUND}
    assert all(code != OK for code in codes[:len(good) - 1])
    for method in ("ServerLive", "ModelReady", "ModelMetadata", "RepositoryIndex", "ServerMetadata", "ServerReady"):
        code, message = code_of(asked.bytes_call(method), b"\x0a\xff")
        assert code == INVALID and f"expected a inference.{method}Request" in message.replace(" an ", " a ")


def test_nothing_of_a_client_reaches_the_log(asked, expected):
    before = asked.server.log()
    for message in (b"\x0a\x02\xff\xfe", b"\xff", b"\x0a\x05\n{bad"):
        assert code_of(asked.bytes_call("ModelInfer"), message)[0] != OK
    assert asked.server.log() == before


def test_huge_messages(asked, expected):
    most = 1024  # states
    states = numpy.zeros((most, 420), numpy.float32)
    assert outputs_of(asked.stub.ModelInfer(asked.request("tactical-int8", states), timeout=30)).shape == (most, 10)
    before = asked.peak_mib()

    def send(megabytes):
        with asked.connect() as channel:
            return code_of(channel.unary_unary(SERVICE + "ModelInfer"), b"\x3a" + bytes(megabytes << 20))[0]
    assert send(9) == grpc.StatusCode.RESOURCE_EXHAUSTED
    # gRPC 1.51 looks at the length when it has the whole message: its quota of 128 MiB holds these 384 MiB back.
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        codes = set(pool.map(send, [64] * 6))
    assert codes <= {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE}
    assert asked.peak_mib() < before + 200


def test_compressed_messages_are_refused_unread(asked, expected):
    """128 MiB of zeros are 128 KB in gzip: gRPC would inflate them without a limit."""
    before = asked.peak_mib()
    for algorithm in (grpc.Compression.Gzip, grpc.Compression.Deflate):
        code, _ = code_of(asked.bytes_call("ModelInfer"), bytes(128 << 20), compression=algorithm)
        assert code == grpc.StatusCode.UNIMPLEMENTED
    assert asked.peak_mib() < before + 16


def test_large_metadata(asked, expected):
    for size in (20_000, 1_000_000):
        with asked.connect() as channel:
            call = channel.unary_unary(SERVICE + "ServerLive")
            assert code_of(call, b"", metadata=[("x", "y" * 12_000)])[0] == OK
            assert code_of(call, b"", metadata=[("x", "y" * size)])[0] != OK


def test_deadlines(asked, expected):
    request = asked.request("tactical-int8", numpy.zeros((1024, 420), numpy.float32))
    codes = set()
    for _ in range(50):
        try:
            asked.stub.ModelInfer(request, timeout=1e-4)
        except grpc.RpcError as error:
            codes.add(error.code())
    assert codes == {grpc.StatusCode.DEADLINE_EXCEEDED}
    with pytest.raises(grpc.RpcError) as error:  # a stream that nobody feeds
        list(asked.stub.ModelStreamInfer(endless(asked), timeout=0.5))
    assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def endless(asked):
    yield asked.request(NAME, STATE)
    time.sleep(5)


def test_cancelled_calls(asked, expected):
    calls = [asked.stub.ModelInfer.future(asked.request(NAME, STATE)) for _ in range(500)]
    for call in calls:
        call.cancel()
    streams = [asked.stub.ModelStreamInfer(endless(asked)) for _ in range(50)]
    for stream in streams:
        assert same_bits(outputs_of(next(stream).infer_response), expected)
        stream.cancel()


def test_a_hundred_connections_at_once(asked, expected):
    def work(_):
        with asked.connect() as channel:
            stub = asked.stubs.GRPCInferenceServiceStub(channel)
            futures = [stub.ModelInfer.future(asked.request(NAME, STATE), timeout=60) for _ in range(20)]
            return all(same_bits(outputs_of(future.result()), expected) for future in futures)
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        assert all(pool.map(work, range(100)))


CLIENT = """
import sys, time
sys.path[:0] = {path!r}
import grpc, inference_pb2, inference_pb2_grpc
stub = inference_pb2_grpc.GRPCInferenceServiceStub(grpc.insecure_channel("127.0.0.1:{port}"))
request = inference_pb2.ModelInferRequest.FromString({request!r})
def endless():
    while True: yield request
streams = [stub.ModelStreamInfer(endless()) for _ in range(4)]
print(len([next(s) for s in streams]), flush=True)
while True:
    for future in [stub.ModelInfer.future(request) for _ in range(200)]: future.cancelled()
"""


def test_clients_that_are_killed(asked, expected):
    code = CLIENT.format(path=sys.path, port=asked.port, request=asked.request(NAME, STATE).SerializeToString())
    clients = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(4)]
    try:
        for client in clients:
            assert client.stdout.readline() == b"4\n"
        time.sleep(0.3)
    finally:
        for client in clients:
            client.send_signal(signal.SIGKILL)
            client.wait()
            client.stdout.close()


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
NOISE = {
    "no HTTP/2": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "random": random.Random(7).randbytes(5000),
    "preface and noise": PREFACE + random.Random(8).randbytes(5000),
    "frame of 16 MB": PREFACE + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01",
    "settings of an odd size": PREFACE + b"\0\0\x05\x04\0\0\0\0\0" + bytes(5),
    "data of no stream": PREFACE + b"\0\0\0\x04\0\0\0\0\0" + b"\0\0\x05\x00\x01\0\0\0\x07" + bytes(5),
}


@pytest.mark.parametrize("noise", NOISE)
def test_noise(asked, expected, noise):
    with socket.create_connection(("127.0.0.1", asked.port), timeout=10) as peer:
        try:
            peer.sendall(NOISE[noise])
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536):
                pass
        except ConnectionError:
            pass


def test_two_hundred_silent_connections(asked, expected):
    peers = [socket.create_connection(("127.0.0.1", asked.port)) for _ in range(200)]
    for peer in peers[::2]:
        peer.sendall(PREFACE[:10])
    start = time.monotonic()
    assert same_bits(outputs_of(asked.stub.ModelInfer(asked.request(NAME, STATE), timeout=10)), expected)
    assert time.monotonic() - start < 5
    for peer in peers:
        peer.close()
