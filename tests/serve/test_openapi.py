# SPDX-License-Identifier: Apache-2.0
"""docs/openapi.json says what the server does: each route and status, and the form of each body."""
import json
import re

import jsonschema
import pytest

from served import ROOT, TOKEN

DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text())
GOOD = json.dumps({"id": "1", "inputs": [{"name": "input", "shape": [1, 13], "datatype": "FP32", "data": [0.5] * 13}],
                   "outputs": [{"name": "critic"}]}).encode()
RAW = {"Inference-Header-Content-Length": "0"}
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
S = "/v2/models/strategic-int8"
CHANGE = "/v2/repository/models/strategic-int8"
CASES = [
    ("GET", "/v2", None, {}, 200), ("POST", "/v2", b"", {}, 405), ("GET", "/v2/health/live", None, {}, 200),
    ("GET", "/v2/health/ready", None, {}, 200), ("GET", S, None, {}, 200), ("GET", "/v2/models/none", None, {}, 404),
    ("GET", S + "/versions/1", None, {}, 200), ("GET", S + "/versions/9", None, {}, 404),
    ("GET", S + "/ready", None, {}, 200), ("GET", S + "/versions/1/ready", None, {}, 200),
    ("POST", S + "/infer", GOOD, {}, 200), ("POST", S + "/versions/1/infer", GOOD, {}, 200),
    ("POST", S + "/infer", bytes(52), RAW, 200), ("POST", S + "/infer", b"{", {}, 400),
    ("GET", S + "/infer", None, {}, 405), ("POST", S + "/infer", bytes(9 << 20), RAW, 413),
    ("POST", S + "/infer", b"x", {"Content-Encoding": "br"}, 415), ("POST", S + "/infer", b"", {"X": "y" * 20000}, 431),
    ("POST", S + "/versions/9/infer", GOOD, {}, 404), ("POST", "/v2/repository/index", b"", {}, 200),
    ("POST", "/v2/repository/index", b'{"ready":true}', {}, 200), ("POST", "/v2/repository/index", b"7", {}, 400),
    ("POST", CHANGE + "/load", b"{}", ADMIN, 200), ("POST", CHANGE + "/load", b"[]", ADMIN, 400),
    ("POST", CHANGE + "/load", b"", {}, 401), ("GET", CHANGE + "/load", None, ADMIN, 405),
    ("POST", "/v2/repository/models/none/load", b"", ADMIN, 404), ("POST", CHANGE + "/rollback", b"", ADMIN, 409),
    ("POST", CHANGE + "/unload", b"", ADMIN, 200),
]


def template(path: str) -> str:
    """The document's path that this one is of."""
    for name in DOCUMENT["paths"]:
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", name), path):
            return name
    raise AssertionError(f"{path}: not in docs/openapi.json")


def resolve(node: dict) -> dict:
    while "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def check(schema: dict, value: object) -> None:
    jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(value)


def test_cases_cover_every_route_of_the_document():
    asked = {(template(path), method.lower()) for method, path, _, _, status in CASES if status == 200}
    elsewhere = {("/v2/repository/models/{model}/rollback", "post"), ("/v2/models/{model}/shadow", "get")}
    assert asked | elsewhere == {(path, method) for path, item in DOCUMENT["paths"].items() for method in item}


@pytest.mark.parametrize("method, path, body, fields, status", CASES,
                         ids=[f"{number}: {case[0]} {case[1]} {case[4]}" for number, case in enumerate(CASES)])
def test_answers_are_as_documented(server, method, path, body, fields, status):
    seen, answer_fields, answer = server.ask(method, path, body, fields)
    assert seen == status, answer
    item = DOCUMENT["paths"][template(path)]
    operation = item.get(method.lower()) or next(iter(item.values()))
    documented = resolve(operation["responses"][str(status)])
    for name in documented.get("headers", {}):
        if name != "Inference-Header-Content-Length" or fields == RAW:
            assert name.lower() in answer_fields
    kinds = documented.get("content")
    if kinds is None:
        assert answer == b""
        return
    kind = answer_fields["content-type"]
    if kind == "application/json":
        check(kinds[kind]["schema"], json.loads(answer))
    else:
        head = json.loads(answer[:int(answer_fields["inference-header-content-length"])])
        check(kinds["application/json"]["schema"], head)
    if method == "POST" and status == 200 and body and fields != RAW:
        check(operation["requestBody"]["content"]["application/json"]["schema"], json.loads(body))


def test_the_document_is_whole():
    assert DOCUMENT["openapi"].startswith("3.1") and DOCUMENT["info"]["version"]
    used, names = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(DOCUMENT))), set()
    for kind, group in DOCUMENT["components"].items():
        if kind != "securitySchemes":
            names |= {f"#/components/{kind}/{name}" for name in group}
    assert used == names  # each is used, and none is missing
    operations = [(path, operation) for path, item in DOCUMENT["paths"].items() for operation in item.values()]
    identities = [operation["operationId"] for _, operation in operations]
    assert len(set(identities)) == len(identities)
    for path, operation in operations:
        named = {resolve(parameter)["name"] for parameter in operation.get("parameters", [])
                 if resolve(parameter)["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path))
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
