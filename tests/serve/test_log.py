# SPDX-License-Identifier: Apache-2.0
"""The log: one JSON object a line, whatever a client sends; which requests are in it; its file renamed under it."""
import json
import re
import resource
import signal
import socket
import subprocess
import time

import numpy
import pytest

from served import Server

RAW = {"Inference-Header-Content-Length": "0"}
STATE = numpy.zeros(13, numpy.float32).tobytes()
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def lines(text):
    """Every line is one object, in printable ASCII, with a time, a level and an event."""
    out = []
    for line in text.splitlines():
        assert line.isascii() and line.isprintable()
        record = json.loads(line)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", record["time"])
        assert record["level"] in ("debug", "info", "warning", "error") and record["event"]
        out.append(record)
    assert text == "" or text.endswith("\n")
    return out


def requests_in(server, count, text=None):
    """The access log's records, once there are so many."""
    end = time.monotonic() + 20
    while True:
        found = [one for one in lines((text or server.log)()) if one["event"] == "request"]
        if len(found) >= count or time.monotonic() > end:
            assert len(found) == count, found
            return found
        time.sleep(0.05)


def infer(server, model="strategic-int8", body=STATE, **fields):
    return server.ask("POST", f"/v2/models/{model}/infer", body, {**RAW, **fields})


def test_what_the_server_does_is_in_it(start, repository):
    (repository / "damaged.blob").write_bytes(b"PK\3\4")
    server = start()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(30) == 0
    records = lines(server.log())
    events = [one["event"] for one in records]
    assert events.count("model_loaded") == 4 and events[-1] == "draining"
    listening, = (one for one in records if one["event"] == "listening")
    assert listening["port"] == server.port and listening["message"].endswith(f":{server.port}")
    refused, = (one for one in records if one["event"] == "model_refused")
    assert refused["model"] == "damaged" and refused["level"] == "error" and "zip" in refused["message"]


def test_changes_of_a_model_are_in_it(start, repository):
    server = start()
    token = {"Authorization": "Bearer 0123456789abcdef0123456789abcdef"}

    def change(what):
        return server.ask("POST", f"/v2/repository/models/strategic-int8/{what}", b"", token)[0]
    good = (repository / "strategic-int8.blob").read_bytes()
    (repository / "strategic-int8.blob").write_bytes(good[:-1])
    assert change("load") == 409
    (repository / "strategic-int8.blob").write_bytes(good)
    time.sleep(1.2)
    assert change("unload") == 200
    time.sleep(1.2)
    assert change("load") == 200
    time.sleep(1.2)
    events = [one["event"] for one in lines(server.log()) if one.get("model") == "strategic-int8"]
    assert events == ["model_loaded", "model_refused", "model_unloaded", "model_loaded"]


def test_requests_have_their_figures(start):
    server = start("--access-log", "all")
    body = json.dumps({"id": "a\nb", "inputs": [{"name": "input", "shape": [2, 13], "datatype": "FP32",
                                                  "data": [0] * 26}]}).encode()
    status, fields, _ = server.ask("POST", "/v2/models/strategic-int8/infer", body, {"traceparent": TRACE})
    assert status == 200 and fields["traceparent"] == TRACE
    assert infer(server, body=STATE[:-1])[0] == 400 and server.ask("GET", "/v2/health/live")[0] == 200
    good, bad, live = requests_in(server, 3)
    assert (good["status"], good["model"], good["version"], good["states"]) == (200, "strategic-int8", "1", 2)
    assert good["id"] == "a\nb" and good["traceparent"] == TRACE and good["received_bytes"] == len(body)
    assert good["thread"] == "http-0" and good["method"] == "POST"
    stages = [good[f"{stage}_us"] for stage in ("network", "parse", "kernel", "encode")]
    assert min(stages) > 0 and sum(stages) <= good["total_us"] + 0.01
    assert bad["status"] == 400 and bad["model"] == "strategic-int8" and "traceparent" not in bad
    assert live["path"] == "/v2/health/live" and "model" not in live


def test_what_was_asked_just_before_the_end_is_in_it(start):
    server = start("--access-log", "all")
    for _ in range(100):
        assert infer(server)[0] == 200
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(30) == 0, server.log()
    assert all(record["model"] == "strategic-int8" for record in requests_in(server, 100))


def test_a_refused_inference_keeps_its_id(start):
    server = start("--access-log", "errors")
    states = numpy.zeros((1, 13), numpy.float32)
    assert server.infer("strategic-int8", states[:, :5], id="shape")[0] == 400
    assert server.infer("strategic-int8", states, id="output", outputs=[{"name": "none"}])[0] == 400
    assert infer(server, body=STATE[:-1])[0] == 400  # has none, and not that of the one before
    huge = numpy.full((1, 13), 3e38, numpy.float32)
    assert server.infer("strategic-float32", huge, id="huge")[0] == 500
    assert server.ask("GET", "/nothing")[0] == 404
    found = requests_in(server, 5)
    assert [one.get("id") for one in found] == ["shape", "output", None, "huge", None]
    assert [one["status"] for one in found] == [400, 400, 400, 500, 404]


def test_no_line_can_be_forged(start):
    server = start("--access-log", "all")
    paths = [b'/v2/"},{"event":"forged"}', b"/%0a{%22event%22:%22forged%22}", b"/\xe2\x80\xa8x", b"/\xff\xfe",
             b"/" + b"a" * 400]
    for path in paths:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(4096).startswith((b"HTTP/1.1 404", b"HTTP/1.1 400"))
    names = ['","level":"error', "\u2028\u2029\x00\r\n\x1b[31m", "\ud7ff" * 60, "x" * 300]
    for name in names:
        status, answer = server.infer("strategic-int8", numpy.zeros((1, 13), numpy.float32), id=name)
        assert status == 200 and answer["id"] == name
    found = requests_in(server, len(paths) + len(names))
    assert {one["event"] for one in found} == {"request"}
    ids = [one["id"] for one in found if "id" in one]
    assert ids[:2] == names[:2] and len(ids) == len(names)
    assert sum(one.get("path_cut", False) for one in found) == 1


@pytest.mark.parametrize(("policy", "expected"), [("off", []), ("errors", [400]), ("slow=1s", [400]),
                                                  ("slow=1ns", [200] * 9 + [400]), ("sample=5", [200, 200])])
def test_which_requests_are_in_it(start, policy, expected):
    server = start("--access-log", policy)
    for _ in range(9):
        assert infer(server)[0] == 200
    assert infer(server, body=b"x")[0] == 400
    time.sleep(0.3)  # what must not be there would have come
    assert [one["status"] for one in requests_in(server, len(expected))] == expected


@pytest.fixture
def file_server(binary, repository, tmp_path):
    """A server whose log is a file."""
    class FileServer(Server):
        path = tmp_path / "serve.log"

        def log(self):
            return self.path.read_text() if self.path.exists() else ""
    server = FileServer(binary, repository, ["--log", str(FileServer.path), "--access-log", "all"])
    yield server
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(30) == 0


def test_the_file_is_opened_anew_on_a_hangup(file_server, tmp_path):
    server, log, old = file_server, file_server.path, tmp_path / "serve.log.1"
    assert infer(server)[0] == 200
    requests_in(server, 1)
    log.rename(old)
    server.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 20
    while "log_reopened" not in server.log() and time.monotonic() < end:
        time.sleep(0.05)
    assert infer(server)[0] == 200
    requests_in(server, 1)
    assert [one["event"] for one in lines(server.log())] == ["log_reopened", "request"]
    assert [one["event"] for one in lines(old.read_text())].count("request") == 1
    # One that cannot be opened anew goes on where it is.
    log.rename(tmp_path / "serve.log.2")
    log.mkdir()
    server.process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert infer(server)[0] == 200
    requests_in(server, 2, (tmp_path / "serve.log.2").read_text)
    log.rmdir()


def test_a_full_disk_loses_lines_and_nothing_else(file_server):
    server, most = file_server, file_server.path.stat().st_size + 1000
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (most, most))
    for _ in range(60):
        assert infer(server)[0] == 200
        time.sleep(0.005)
    assert server.path.stat().st_size <= most
    text = server.ask("GET", "/metrics")[2].decode()
    assert float(re.search(r"^tickmlp_serve_log_lost_total (.*)$", text, re.MULTILINE)[1]) > 0


def test_a_log_that_cannot_be_opened_is_a_start_error(binary, repository):
    done = subprocess.run([binary, "serve", "--repository", str(repository), "--port", "0", "--log",
                           str(repository / "tactical-int8.blob" / "x")], stderr=subprocess.PIPE, text=True,
                          timeout=30, check=False)
    assert done.returncode == 4 and "log: " in done.stderr and "Traceback" not in done.stderr


def test_a_log_makes_no_folder(binary, repository, tmp_path):
    done = subprocess.run([binary, "serve", "--repository", str(repository), "--port", "0", "--log",
                           str(tmp_path / "none" / "x.log")], stderr=subprocess.PIPE, text=True, timeout=30,
                          check=False)
    assert done.returncode == 4 and f"log: {tmp_path}/none: no such folder" in done.stderr, done
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("options", [("--log-level", "off"), ("--quiet",), ("--log-level", "error")])
def test_levels(binary, repository, options):
    process = subprocess.Popen([binary, "serve", "--repository", str(repository), "--port", "0", *options],
                               stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30)[1] == "" and process.returncode == 0


@pytest.mark.parametrize("policy", ["every", "slow=", "slow=5", "slow=0us", "sample=0", "sample=1s", "slow=-1us", ""])
def test_a_policy_that_is_none_is_wrong_usage(binary, repository, policy):
    done = subprocess.run([binary, "serve", "--repository", str(repository), "--port", "0", "--access-log", policy],
                          stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    assert done.returncode == 2 and "--access-log" in done.stderr
