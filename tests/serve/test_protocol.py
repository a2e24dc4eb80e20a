# SPDX-License-Identifier: Apache-2.0
"""The Open Inference Protocol over HTTP: every route, every refusal."""
import gzip
import json
import zlib

import numpy
import pytest

from served import binary_outputs, outputs_of, same_bits

INFER = "/v2/models/strategic-int8/infer"
RAW = {"Inference-Header-Content-Length": "0"}
HEADS = [("mlmi", 3), ("nwrqk", 3), ("mmd", 3), ("critic", 1)]


def tensor(**changes):
    return {"name": "input", "shape": [1, 13], "datatype": "FP32", "data": [0.25] * 13, **changes}


def request(**changes):
    return {"inputs": [tensor()], **changes}


def test_metadata(server):
    status, fields, body = server.ask("GET", "/v2")
    assert status == 200 and fields["content-type"] == "application/json" and "date" in fields
    answer = json.loads(body)
    assert answer["name"] == "tickmlp"
    assert set(answer["extensions"]) == {"binary_tensor_data", "model_repository", "statistics"}
    model = json.loads(server.ask("GET", "/v2/models/strategic-int8")[2])
    assert model["name"] == "strategic-int8" and model["versions"] == ["1"]
    assert model["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 13]}]
    assert [(out["name"], out["shape"]) for out in model["outputs"]] == [(name, [-1, n]) for name, n in HEADS]
    assert json.loads(server.ask("GET", "/v2/models/strategic-int8/versions/1")[2])["versions"] == ["1"]


@pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready", "/v2/models/strategic-int8/ready",
                                  "/v2/models/strategic-int8/versions/1/ready"])
def test_health(server, path):
    assert server.ask("GET", path)[0] == 200
    assert server.ask("GET", path + "?a=b&c")[0] == 200
    assert server.ask("HEAD", path)[0] == 200


def test_outputs_in_the_order_asked(server):
    _, whole = server.infer("strategic-int8", numpy.full((1, 13), 0.25, numpy.float32))
    asked = request(id="7 \"é\n", outputs=[{"name": "critic"}, {"name": "mlmi", "parameters": {"binary_data": True}}])
    status, fields, body = server.ask("POST", INFER + "?x=1", json.dumps(asked).encode())
    size = int(fields["inference-header-content-length"])
    head = json.loads(body[:size])
    assert status == 200 and head["id"] == "7 \"é\n" and head["model_version"] == "1"
    assert [out["name"] for out in head["outputs"]] == ["critic", "mlmi"]
    assert head["outputs"][0]["data"] == whole["outputs"][3]["data"]
    first = numpy.array(whole["outputs"][0]["data"], numpy.float32)
    assert numpy.frombuffer(body[size:], numpy.float32).tobytes() == first.tobytes()


def test_rows_may_be_nested(server):
    states = numpy.random.default_rng(3).uniform(-1, 1, (4, 13)).astype(numpy.float32)
    nested = request(inputs=[tensor(shape=[4, 13], data=[[float(x) for x in row] for row in states])])
    status, _, body = server.ask("POST", INFER, json.dumps(nested).encode())
    assert status == 200
    assert same_bits(outputs_of(json.loads(body)), outputs_of(server.infer("strategic-int8", states)[1]))


def test_numbers_are_read_as_numpy_reads_them(server):
    """A decimal becomes the nearest double, and that the nearest float32."""
    texts = ["1e-46", "0.1", "-0", "1", "16777217e-8", "0.30000001192092896", "3.0e-1", "1E-1"] + ["0"] * 5
    body = '{"inputs":[{"name":"input","shape":[1,13],"datatype":"FP32","data":[%s]}]}' % ",".join(texts)
    status, _, answer = server.ask("POST", INFER, body.encode())
    states = numpy.array([[float(text) for text in texts]]).astype(numpy.float32)
    assert status == 200
    expected = binary_outputs(*server.ask("POST", INFER, states.tobytes(), RAW)[1:])[1]
    assert same_bits(outputs_of(json.loads(answer)), expected)


@pytest.mark.parametrize("encoding, pack", [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_requests(server, encoding, pack):
    plain = json.dumps(request()).encode()
    packed = server.ask("POST", INFER, pack(plain), {"Content-Encoding": encoding})
    assert packed[0] == 200 and packed[2] == server.ask("POST", INFER, plain)[2]
    for damaged in (pack(plain)[:-3], pack(plain) + b"x", b"\x1f\x8b", b""):
        assert server.ask("POST", INFER, damaged, {"Content-Encoding": encoding})[0] == 400
    assert server.ask("POST", INFER, pack(b" " * (9 << 20)), {"Content-Encoding": encoding})[0] == 413
    assert server.ask("POST", INFER, plain, {"Content-Encoding": "br"})[0] == 415


def test_compressed_answers(server):
    states = numpy.random.default_rng(3).uniform(-1, 1, (100, 13)).astype(numpy.float32)
    plain = server.ask("POST", INFER, states.tobytes(), RAW)
    status, fields, body = server.ask("POST", INFER, states.tobytes(), {**RAW, "Accept-Encoding": "gzip, deflate"})
    assert status == 200 and fields["content-encoding"] == "gzip" and gzip.decompress(body) == plain[2]
    assert fields["inference-header-content-length"] == plain[1]["inference-header-content-length"]
    small = server.ask("POST", INFER, states[:1].tobytes(), {**RAW, "Accept-Encoding": "gzip"})
    assert "content-encoding" not in small[1]


@pytest.mark.parametrize("body, says", [
    (b"", "no JSON"), (b"{", "no JSON"), (b"[]", "expected an object"), (b"{}", "inputs"),
    (request(inputs=[]), "one tensor"), (request(inputs=[tensor(), tensor()]), "one tensor"),
    (request(inputs=[7]), "object"), (request(inputs={}), "list"),
    (request(inputs=[tensor(name="x")]), '"input"'), (request(inputs=[tensor(datatype="FP64")]), "FP32"),
    (request(inputs=[tensor(shape=[13])]), "[states, 13]"), (request(inputs=[tensor(shape=[1, 14])]), "[states, 13]"),
    (request(inputs=[tensor(shape=[-1, 13])]), "[states, 13]"), (request(inputs=[tensor(shape=[0, 13])]), "0 states"),
    (request(inputs=[tensor(shape=[1.0, 13])]), "[states, 13]"),
    (request(inputs=[tensor(shape=[1025, 13])]), "1 to 1024"), (request(inputs=[tensor(shape=[2, 13])]), "says 26"),
    (request(inputs=[tensor(data=[1] * 12)]), "12 numbers"), (request(inputs=[tensor(data=[1] * 14)]), "more numbers"),
    (request(inputs=[tensor(data=["1"] * 13)]), "expected numbers"), (request(inputs=[tensor(data=7)]), "a list"),
    (request(inputs=[tensor(data=[None] * 13)]), "expected numbers"),
    (request(inputs=[tensor(data=[1e39] * 13)]), "float32's range"),
    (request(inputs=[tensor(data=[[1] * 12])]), "a row of 12"), (request(inputs=[tensor(data=[1, [1] * 12])]), "mixed"),
    (request(id=7), "id"), (request(outputs=[{"name": "x"}]), "no x"), (request(outputs=[{}]), "name"),
    (request(outputs=[{"name": "mmd"}, {"name": "mmd"}]), "twice"), (request(outputs=7), "list"),
    (request(outputs=[{"name": "mmd", "parameters": {"classification": 1}}]), "classification"),
    (request(parameters={"binary_data_output": 1}), "true or false"),
    (request(inputs=[tensor(parameters={"binary_data_size": 52})]), "one of them"),
    (b'{"inputs":[],"inputs":[]}', "twice"), (b'{"inputs":' + b"[" * 20 + b"]" * 20 + b"}", "deep"),
    (json.dumps(request()).replace("0.25", "NaN").encode(), "no JSON"),
    (json.dumps(request()).encode() + b"{}", "no JSON"), ('{"id":"\ud800"}'.encode("utf-8", "surrogatepass"), "UTF-8"),
])
def test_bad_bodies(server, body, says):
    status, fields, answer = server.ask("POST", INFER, body if isinstance(body, bytes) else json.dumps(body).encode())
    assert status == 400 and fields["content-type"] == "application/json"
    assert says in json.loads(answer)["error"]
    assert server.ask("POST", INFER, json.dumps(request()).encode())[0] == 200


@pytest.mark.parametrize("size, length, says", [
    (0, 0, "expected a multiple of 52"), (51, 0, "51 bytes"), (53, 0, "53 bytes"), (52 * 1025, 0, "1 to 1024"),
    (52, 53, "of a body of 52"), (52, "x", "whole number"), (52, -1, "whole number"), (52, 2**64, "whole number")])
def test_bad_binary(server, size, length, says):
    status, _, answer = server.ask("POST", INFER, bytes(size), {"Inference-Header-Content-Length": str(length)})
    assert status == 400 and says in json.loads(answer)["error"]


@pytest.mark.parametrize("declared, behind", [(52, 51), (52, 53), (51, 51), (None, 52), (-1, 52), (52, 0)])
def test_bad_binary_sizes(server, declared, behind):
    head = tensor(parameters={"binary_data_size": declared} if declared is not None else {})
    del head["data"]
    text = json.dumps({"inputs": [head]}).encode()
    status, _, answer = server.ask("POST", INFER, text + bytes(behind),
                                   {"Inference-Header-Content-Length": str(len(text))})
    assert status == 400 and "bin" in json.loads(answer)["error"]


@pytest.mark.parametrize("value", [numpy.nan, numpy.inf, -numpy.inf])
def test_what_is_not_finite_is_refused_by_its_state(server, value):
    states = numpy.zeros((3, 13), numpy.float32)
    states[1, 5] = value
    status, _, answer = server.ask("POST", INFER, states.tobytes(), RAW)
    assert status == 400 and "state 1" in json.loads(answer)["error"]


@pytest.mark.parametrize("method, path, status", [
    ("GET", INFER, 405), ("POST", "/v2", 405), ("DELETE", "/v2", 405), ("GET", "/v2/repository/index", 405),
    ("GET", "/", 404), ("GET", "/v1", 404), ("GET", "/v2/", 200), ("GET", "/v2/x", 404), ("GET", "/v2/models/x", 404),
    ("POST", INFER + "/x", 404), ("GET", "/v2/models/strategic-int8/versions/2", 404),
    ("GET", "/v2/models/strategic-int8/versions/1x", 404), ("GET", "/v2/models/strategic-int8/versions/", 404),
    ("GET", "/v2/models/strategic-int8/versions/18446744073709551617", 404), ("GET", "/v2/health/ready/x", 404),
    ("GET", "/v2/models//ready", 404), ("GET", "/v2/models/..%2fstrategic-int8", 404)])
def test_routes(server, method, path, status):
    answer = server.ask(method, path, b"" if method == "POST" else None)
    assert answer[0] == status
    if status != 200:
        assert json.loads(answer[2])["error"]
    if status == 405:
        assert answer[1]["allow"] in ("GET, HEAD", "POST")
