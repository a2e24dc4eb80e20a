# SPDX-License-Identifier: Apache-2.0
"""TLS: the same answers, 1.2 and newer, and files that are none are refused at the start."""
import http.client
import shutil
import ssl

import numpy
import pytest

from raw import GOOD, connect, is_closed, read_answer
from served import binary_outputs, make_certificate, same_bits
from test_start import refused


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl")
    folder = tmp_path_factory.mktemp("tls")
    for name in ("ours", "other"):
        make_certificate(folder, name)
    return folder


@pytest.fixture
def server(start, files):
    return start("--tls-certificate", str(files / "ours.pem"), "--tls-key", str(files / "ours.key"),
                 "--request-timeout", "1000")


def client(files, **versions) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=files / "ours.pem")
    for name, version in versions.items():
        setattr(context, name, version)
    return context


def test_answers_are_the_same(server, files, scored):
    name, states, expected = scored
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = client(files, minimum_version=version, maximum_version=version)
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=20, context=context)
        for _ in range(3):  # one connection
            connection.request("POST", f"/v2/models/{name}/infer", states.tobytes(),
                               {"Inference-Header-Content-Length": "0"})
            answer = connection.getresponse()
            assert answer.status == 200
            fields = {name.lower(): value for name, value in answer.getheaders()}
            assert same_bits(binary_outputs(fields, answer.read())[1], expected)
        connection.close()


def test_large_bodies_and_closing(server, files):
    states = numpy.zeros((1024, 420), numpy.float32)
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=20, context=client(files))
    for fields in ({}, {"Connection": "close"}):
        connection.request("POST", "/v2/models/tactical-int8/infer", states.tobytes(),
                           {"Inference-Header-Content-Length": "0", **fields})
        answer = connection.getresponse()
        assert answer.status == 200 and len(answer.read()) > 1024 * 10 * 4
    # A refusal arrives whole, and the end is told inside TLS: no SSLEOFError.
    with client(files).wrap_socket(connect(server.port), server_hostname="localhost",
                                   suppress_ragged_eofs=False) as stream:
        stream.sendall(b"nonsense\r\n\r\n")
        assert read_answer(stream)[0] == 400
        assert stream.recv(1) == b""


@pytest.mark.parametrize("head, status", [
    ("POST /v2/models/tactical-int8/infer HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n", 413),
    ("POST /v2/models/tactical-int8/infer HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 20000000\r\n\r\n", 400)])
def test_who_sends_all_before_it_reads_sees_the_refusal(server, files, head, status):
    for _ in range(5):
        with client(files).wrap_socket(connect(server.port), server_hostname="localhost") as stream:
            stream.sendall(head.encode())
            for _ in range(20):
                stream.sendall(b"x" * 1_000_000)
            assert read_answer(stream)[0] == status


def test_who_speaks_no_tls(server):
    with connect(server.port) as stream:
        stream.sendall(GOOD)
        assert is_closed(stream)
    with connect(server.port) as silent:  # the handshake has the time of a request
        assert is_closed(silent, 3)


def test_old_versions_are_refused(server, files):
    context = client(files)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        context.wrap_socket(connect(server.port), server_hostname="localhost")


def test_bad_files(binary, files, tmp_path):
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("nonsense")
    good, key = str(files / "ours.pem"), str(files / "ours.key")
    assert f"certificate {nonsense}: expected a PEM file" in refused(
        binary, "--tls-certificate", str(nonsense), "--tls-key", key)
    assert f"key {nonsense}: expected the certificate's private key" in refused(
        binary, "--tls-certificate", good, "--tls-key", str(nonsense))
    line = refused(binary, "--tls-certificate", good, "--tls-key", str(files / "other.key"))
    assert "other.key: expected" in line and "mismatch" in line
