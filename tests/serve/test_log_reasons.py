# SPDX-License-Identifier: Apache-2.0
"""The access log tells why a request was refused."""
import json
import socket

from test_log import RAW, STATE, TRACE, infer, requests_in

LONG = {"outputs": [{"name": '"\n' + "\u00e9" * 200}],
        "inputs": [{"name": "input", "shape": [1, 13], "datatype": "FP32", "data": [0] * 13}]}


def test_a_refused_request_has_its_reason(start, repository):
    server = start("--access-log", "all")
    assert infer(server)[0] == 200
    said = []
    for status, method, path, body, fields in [
            (400, "POST", "/v2/models/strategic-int8/infer", STATE[:-1], RAW), (404, "GET", "/none", None, {}),
            (400, "GET", "/v2", None, {"Content-Length": "x"}), (401, "POST", "/v2/repository/models/x/load", b"", {}),
            (409, "POST", "/v2/repository/models/strategic-int8/load", b"",
             {"Authorization": "Bearer 0123456789abcdef0123456789abcdef"}),
            (400, "POST", "/v2/models/strategic-int8/infer", json.dumps(LONG).encode(), {})]:
        (repository / "strategic-int8.blob").write_bytes(b"PK\3\4")
        answer = server.ask(method, path, body, fields)
        assert answer[0] == status
        said.append(json.loads(answer[2])["error"])
    good, *refused = requests_in(server, 7)
    assert "reason" not in good
    for message, record in zip(said, refused, strict=True):
        cut = record.get("reason_cut", False)
        assert record["reason"] and (message.startswith(record["reason"].rstrip("\ufffd")) if cut else
                                     message == record["reason"])
        assert cut == (len(message.encode()) > 160)


def test_a_request_that_did_not_arrive_is_told_by_its_head(start):
    server = start("--access-log", "errors", "--request-timeout", "500")
    head = b"POST /v2/models/strategic-int8/infer HTTP/1.1\r\nHost: h\r\ntraceparent: " + TRACE.encode()
    for request, status in [(head + b"\r\nContent-Length: 52\r\n\r\nabc", 408), (b"POST /v2/mod", 408)]:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(request)
            assert connection.recv(4096).startswith(b"HTTP/1.1 %d " % status)
    whole, half = requests_in(server, 2)
    assert (whole["method"], whole["path"]) == ("POST", "/v2/models/strategic-int8/infer")
    assert whole["traceparent"] == TRACE and whole["received_bytes"] == 3
    assert (half["method"], half["path"], half["received_bytes"]) == ("other", "", 0)
    for record in (whole, half):
        assert "500 ms" in record["reason"] and record["total_us"] < 250_000  # the wait is the client's
