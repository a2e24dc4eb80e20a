# SPDX-License-Identifier: Apache-2.0
"""A refusal says what was seen and what was expected; what a client sent is cut, and breaks no JSON and no log."""
import json

import pytest

from raw import HEAD, ask
from served import TOKEN
from test_log import requests_in

INFER = "/v2/models/strategic-int8/infer"
WIDE = "é" * 500  # two bytes each: cut between two of them


def tensor(**changes) -> dict:
    return {"name": "input", "shape": [1, 13], "datatype": "FP32", "data": [0.25] * 13, **changes}


def of(**changes) -> bytes:
    return json.dumps({"inputs": [tensor(**changes)]}).encode()


def body_of(more: bytes) -> bytes:
    """A good tensor, and then what json.dumps() would not write."""
    return of()[:-1] + b"," + more + b"}"


BODIES = [
    (of(shape=[1, 14]), "input: shape [1, 14]: expected [states, 13]"),
    (of(shape=[[1, {}], "a"]), 'input: shape [[1, {...}], "a"]: expected [states, 13]'),
    (of(shape=list(range(9000))), "input: shape [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1...: expected [states, 13]"),
    (json.dumps({"inputs": [{"name": "input", "datatype": "FP32"}]}).encode(),
     "input: shape nothing: expected [states, 13]"),
    (of(datatype="FP64"), 'input: datatype "FP64": expected "FP32"'),
    (of(datatype=None), 'input: datatype null: expected "FP32"'),
    (of(name='a"\n\x7f\\'), 'inputs: name "a"??\\": expected "input"'),
    (of(name=WIDE), f'inputs: name "{"é" * 20}...": expected "input"'),
    (of(name="x" + WIDE), f'inputs: name "x{"é" * 19}...": expected "input"'),
    (of(data=[0.25] * 5 + [1e39] + [0] * 7), "input: data[5] 1e+39: expected numbers within float32's range"),
    (of(data=[[0] * 12 + ["x"]]), 'input: data[12] "x": expected numbers'),
    (of(data=7), "input: data 7: expected a list"),
    (of(data=[1] * 14), "input: data: 14 or more numbers: its shape says 13"),
    (b"[[]]", "JSON [[]]: expected an object"),
    (b'{"id":7}', "id 7: expected a text"),
    (b'{"inputs":{}}', "inputs {...}: expected a list of one tensor, an object"),
    (json.dumps({"inputs": [tensor()], "outputs": [{"name": "n" * 9000}]}).encode(),
     f"outputs: the model has no {'n' * 40}..."),
    (json.dumps({"inputs": [tensor()], "parameters": {"binary_data_output": 1}}).encode(),
     "binary_data_output 1: expected true or false"),
    (body_of(b'"parameters":{"binary_data_output":true,"binary_data_output":false}'),
     'parameters: "binary_data_output" stands twice: expected once'),
    (body_of(b'"outputs":[{"name":"mlmi","parameters":{"binary_data":true,"binary_data":true}}]'),
     'parameters: "binary_data" stands twice: expected once'),
    (body_of(b'"outputs":[{"name":"mlmi","parameters":{"shared_memory_region":"a","shared_memory_byte_size":52}}]'),
     "outputs: shared_memory_region: not offered over HTTP"),
    (body_of(b'"outputs":[{"name":"mlmi","parameters":{"classification":1}}]'),
     "outputs: classification: not offered: the outputs are probabilities and values"),
    (of(parameters={"shared_memory_region": "a"}), "input: shared_memory_region: not offered over HTTP"),
]


@pytest.mark.parametrize("body, error", BODIES, ids=range(len(BODIES)))
def test_bodies(server, body, error):
    status, _, answer = server.ask("POST", INFER, body)
    assert status == 400 and json.loads(answer) == {"error": error}


@pytest.mark.parametrize("method, path, status, error", [
    ("GET", INFER, 405, "GET: expected POST"), ("DELETE", "/v2", 405, "DELETE: expected GET, HEAD"),
    ("x" * 999, "/metrics", 405, f"{'x' * 40}...: expected GET, HEAD"),
    ("GET", "/v2/models/no%22ne", 404, 'no model "no%22ne" is served: expected one of the repository\'s index'),
    ("GET", "/v2/models/" + "m" * 9000, 404,
     f'no model "{"m" * 40}..." is served: expected one of the repository\'s index'),
    ("GET", "/none", 404, 'no route "/none": docs/SERVING.md has them all'),
    ("GET", "/v2/models/strategic-int8/versions/x1", 404, 'no version "x1": expected a generation, a whole number'),
    ("POST", "/v2/repository/models/-x/load", 400,
     '"-x" is no model\'s name: expected 1 to 63 of A-Z a-z 0-9 . _ + -'),
])
def test_what_was_asked_for(server, method, path, status, error):
    seen, _, answer = server.ask(method, path, b"", {"Authorization": f"Bearer {TOKEN}"})
    assert (seen, json.loads(answer)["error"]) == (status, error)


LOAD = "/v2/repository/models/strategic-int8/load"


@pytest.mark.parametrize("path, body, error", [
    ("/v2/repository/index", b"7", 'index: "7": expected nothing, {} or {"ready": true}'),
    ("/v2/repository/index", b'{"ready":1}', "index: ready 1: expected true or false"),
    ("/v2/repository/index", b'{"ready":true,"ready":false}', 'index: "ready" stands twice: expected once'),
    ("/v2/repository/index", b'{"a":"' + b"x" * 70000 + b'"}',
     'index: "{"a":"' + "x" * 34 + '...": expected nothing, {} or {"ready": true}'),
    (LOAD, b"[" * 30 + b"]" * 30, f'load: "{"[" * 30 + "]" * 10}...": expected nothing or a JSON object'),
    (LOAD.replace("load", "rollback"), b'{"parameters":{"version":"1","version":"2"}}',
     "rollback: parameters: version stands twice: expected once"),
    (LOAD, b'{"parameters":[1]}', "load: parameters [1]: expected an object"),
    (LOAD, b'{"parameters":{"config":{"a":1}}}', "load: parameters: config {...}: expected none"),
])
def test_repository_bodies(server, path, body, error):
    seen, _, answer = server.ask("POST", path, body, {"Authorization": f"Bearer {TOKEN}"})
    assert (seen, json.loads(answer)["error"]) == (400, error)


LENGTH, CHUNKED = b"Content-Length: 52\r\n", b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize("fields, status, error", [
    (LENGTH + CHUNKED, 400, "Transfer-Encoding beside Content-Length: expected one of them"),
    (CHUNKED + LENGTH, 400, "Transfer-Encoding beside Content-Length: expected one of them"),
    (b"Transfer-Encoding: gzip\r\n" + LENGTH, 400, 'Transfer-Encoding "gzip": expected chunked, once, or none'),
    (b"Content-Length: 9999999999\r\n", 413, "body of 9999999999 bytes: expected at most 8388608 bytes"),
    (LENGTH + b"Content-Encoding: br\xff\r\n", 415,
     'Content-Encoding "br\ufffd": expected gzip, deflate or none'),
    (LENGTH + b"Expect: \xe2\x80\xa8x\r\n", 400, 'Expect "\u2028x": expected 100-continue, or none'),
])
def test_heads(server, fields, status, error):
    seen, _, answer = ask(server.port, HEAD + fields + b"\r\n" + bytes(52))
    assert (seen, json.loads(answer)["error"]) == (status, error)


def test_hostile_texts_stay_one_line_of_the_log(start):
    server = start("--access-log", "errors")
    hostile = '"}\n{"event":"forged"}\u2028\x1b[2J\u009b\x7f' + WIDE
    for body in (of(name=hostile), of(datatype=hostile), json.dumps({"id": [hostile]}).encode()):
        assert server.ask("POST", INFER, body)[0] == 400
    assert ask(server.port, HEAD + LENGTH + b"Expect: \xff\xc3\x28" + b"\x9b" * 300 + b"\r\n\r\n")[0] == 400
    reasons = [record["reason"] for record in requests_in(server, 4)]  # which looks at each line
    assert [len(reason) < 120 for reason in reasons] == [True] * 4, reasons
