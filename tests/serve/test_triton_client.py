# SPDX-License-Identifier: Apache-2.0
"""Requests as Triton's Python HTTP client forms them: binary tensors both ways by default, query strings, compression.

From its published documentation: the JSON head's size goes in Inference-Header-Content-Length, the request body is the
head and the tensors behind it, outputs are asked for by name with binary_data, and without a list of outputs the
request says binary_data_output."""
import gzip
import json
import urllib.parse

import numpy
import pytest

from served import binary_outputs, same_bits

HEADS = {"tactical": ["fvg", "momentum", "entry", "critic"], "strategic": ["mlmi", "nwrqk", "mmd", "critic"]}


def form(states, outputs=None, request_id=""):
    head = {"inputs": [{"name": "input", "shape": list(states.shape), "datatype": "FP32",
                        "parameters": {"binary_data_size": states.nbytes}}]}
    if request_id:
        head["id"] = request_id
    if outputs:
        head["outputs"] = [{"name": name, "parameters": {"binary_data": True}} for name in outputs]
    else:
        head["parameters"] = {"binary_data_output": True}
    text = json.dumps(head).encode()
    return text + states.tobytes(), {"Inference-Header-Content-Length": str(len(text)),
                                     "Content-Type": "application/octet-stream"}


@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("query", [{}, {"trace": "1", "who": "desk 3"}])
@pytest.mark.parametrize("named", [False, True])
def test_infer(server, scored, compression, query, named):
    name, states, expected = scored
    body, fields = form(states, HEADS[name.split("-")[0]] if named else None, "42")
    if compression:
        body = gzip.compress(body)
        fields |= {"Content-Encoding": "gzip", "Accept-Encoding": "gzip"}
    path = f"/v2/models/{name}/versions/1/infer" + ("?" + urllib.parse.urlencode(query) if query else "")
    status, answer_fields, answer = server.ask("POST", path, body, fields)
    if answer_fields.get("content-encoding") == "gzip":
        answer = gzip.decompress(answer)
    head, outputs = binary_outputs(answer_fields, answer)
    assert status == 200 and head["id"] == "42" and same_bits(outputs, expected)


def test_what_it_asks_before(server):
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/tactical-int8/ready"):
        assert server.ask("GET", path)[0] == 200
    rows = json.loads(server.ask("POST", "/v2/repository/index", b"")[2])
    assert {(row["name"], row["version"], row["state"]) for row in rows} == {
        (f"{model}-{dtype}", "1", "READY") for model in HEADS for dtype in ("int8", "float32")}


def test_numpy_gives_the_same_from_nested_lists(server):
    states = numpy.random.default_rng(1).uniform(-1, 1, (2, 420)).astype(numpy.float32)
    request = {"inputs": [{"name": "input", "shape": [2, 420], "datatype": "FP32", "data": states.tolist()}]}
    status, fields, answer = server.ask("POST", "/v2/models/tactical-int8/infer", json.dumps(request).encode())
    body, binary_fields = form(states)
    expected = binary_outputs(*server.ask("POST", "/v2/models/tactical-int8/infer", body, binary_fields)[1:])[1]
    tensors = [numpy.array(out["data"], numpy.float32).reshape(out["shape"]) for out in json.loads(answer)["outputs"]]
    assert status == 200 and "inference-header-content-length" not in fields
    assert same_bits(numpy.concatenate(tensors, axis=1), expected)
