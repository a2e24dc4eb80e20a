# SPDX-License-Identifier: Apache-2.0
"""What cannot start says why; what ends lets its clients know."""
import signal
import socket
import subprocess
import threading
import time

import grpc
import numpy
import pytest

from asked import outputs_of

NAME = "strategic-int8"
STATE = numpy.zeros((1, 13), numpy.float32)


def refused(binary, repository, *options):
    done = subprocess.run([binary, "serve", "--repository", str(repository), "--port", "0", *options], timeout=60,
                          stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stderr.strip().splitlines()[-1]


def test_off_by_default(start):
    assert "grpc" not in start().log()


def test_a_taken_port(with_grpc, repository):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, line = refused(with_grpc, repository, "--grpc-port", str(port))
    assert code == 4 and f"cannot listen on 127.0.0.1:{port}: Address already in use" in line


def test_two_servers_on_one_port(asked, with_grpc, repository):
    code, line = refused(with_grpc, repository, "--grpc-port", str(asked.port))
    assert code == 4 and "Address already in use" in line


def test_a_core_that_is_not_there(with_grpc, repository):
    code, line = refused(with_grpc, repository, "--grpc-port", "0", "--grpc-cores", "4000")
    assert code == 4 and "--grpc-cores" in line and "4000" in line


@pytest.mark.parametrize("port", ["-1", "65536", "x", ""])
def test_no_port(with_grpc, repository, port):
    code, line = refused(with_grpc, repository, "--grpc-port", port)
    assert code == 2 and line


def test_pinned(ask):
    asked = ask("--grpc-cores", "0,0")
    assert outputs_of(asked.stub.ModelInfer(asked.request(NAME, STATE))).shape == (1, 10)


def test_an_ipv6_address_stands_in_brackets(ask):
    try:
        asked = ask("--host", "::1")
    except AssertionError as error:
        if "Cannot assign requested address" not in str(error) and "not supported" not in str(error):
            raise
        pytest.skip("no IPv6 here")
    assert f"listening on grpc://[::1]:{asked.port}\"" in asked.server.log()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_end_is_told_to_streams(asked, number):
    """A client that only waits does not hold the server back, and learns that it may ask another one."""
    released = threading.Event()

    def requests():
        yield asked.request(NAME, STATE)
        released.wait(20)
    streams = [asked.stub.ModelStreamInfer(requests()) for _ in range(5)]
    for stream in streams:
        assert not next(stream).error_message
    begin = time.monotonic()
    asked.server.process.send_signal(number)
    for stream in streams:
        with pytest.raises(grpc.RpcError) as error:
            next(stream)
        assert error.value.code() == grpc.StatusCode.UNAVAILABLE
    assert asked.server.process.wait(20) == 0 and time.monotonic() - begin < 4
    released.set()


def test_answers_until_the_end(asked):
    """While the server ends, a call is answered or refused with UNAVAILABLE: nothing else, and never half an answer."""
    codes = []

    def work():
        with asked.connect() as channel:
            stub = asked.stubs.GRPCInferenceServiceStub(channel)
            for _ in range(100_000):
                try:
                    assert outputs_of(stub.ModelInfer(asked.request(NAME, STATE), timeout=30)).shape == (1, 10)
                except grpc.RpcError as error:
                    codes.append(error.code())
                    return
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    asked.server.process.send_signal(signal.SIGTERM)
    assert asked.server.process.wait(20) == 0
    for thread in threads:
        thread.join()
    assert set(codes) == {grpc.StatusCode.UNAVAILABLE} and len(codes) == 8


def test_a_build_without_grpc_says_so(binary, repository):
    text = subprocess.run([binary, "serve", "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    if "built without gRPC" not in text:
        pytest.skip("this program was built with gRPC; TICKMLP_BINARY can name another")
    code, line = refused(binary, repository, "--grpc-port", "0")
    assert code == 4 and "built without gRPC: expected a build with -Dgrpc=enabled" in line
