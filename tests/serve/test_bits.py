# SPDX-License-Identifier: Apache-2.0
"""Whichever way a state comes in, the answer is that of `tickmlp run`, to the bit."""
import json

from served import binary_outputs, outputs_of, same_bits


def test_json(server, scored):
    name, states, expected = scored
    status, answer = server.infer(name, states)
    assert status == 200 and answer["model_name"] == name and answer["model_version"] == "1"
    assert same_bits(outputs_of(answer), expected)


def test_raw(server, scored):
    name, states, expected = scored
    for rows in (slice(0, 1), slice(0, 17)):
        status, fields, body = server.ask("POST", f"/v2/models/{name}/infer", states[rows].tobytes(),
                                          {"Inference-Header-Content-Length": "0"})
        assert status == 200, body
        assert same_bits(binary_outputs(fields, body)[1], expected[rows])


def test_binary_tensors(server, scored):
    name, states, expected = scored
    head = json.dumps({"id": "x", "inputs": [
        {"name": "input", "shape": list(states.shape), "datatype": "FP32",
         "parameters": {"binary_data_size": states.nbytes}}], "parameters": {"binary_data_output": True}}).encode()
    status, fields, body = server.ask("POST", f"/v2/models/{name}/infer", head + states.tobytes(),
                                      {"Inference-Header-Content-Length": str(len(head))})
    answer, outputs = binary_outputs(fields, body)
    assert status == 200 and answer["id"] == "x" and same_bits(outputs, expected)
