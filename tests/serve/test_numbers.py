# SPDX-License-Identifier: Apache-2.0
"""JSON's numbers, however they are written, become numpy's float32 of their double."""
import json
import random
import re

import numpy
import pytest

from raw import ask
from served import binary_outputs

HEAD = "POST /v2/models/strategic-float32/infer HTTP/1.1\r\nHost: h\r\n"
RAW = {"Inference-Header-Content-Length": "0"}


def infer(server, numbers, before="", shape="1, 13"):
    """(status, the answer) to the numbers as they are written."""
    body = (f'{{{before}"inputs": [{{"name": "input", "shape": [{shape}], "datatype": "FP32", '
            f'"data": [{", ".join(numbers)}]}}]}}').encode()
    status, _, answer = ask(server.port, f"{HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return status, json.loads(answer)


def long_integers():
    """Around the bounds of int64 and uint64, halves between two float32, and any of 17 to 30 digits."""
    near = [2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**64 + 1, 10**20, 10**30, 2**80 + 2**56, 2**80 + 2**56 + 1]
    chance = random.Random(5)
    near += [chance.randrange(10**digits, 10**(digits + 1)) for digits in range(17, 30) for _ in range(3)]
    return [sign + str(one) for one in near for sign in ("", "-")]


def test_integers_beyond_64_bits_are_taken(server):
    for text in long_integers():
        numbers = ["0.25"] * 12 + [text]
        # Large inputs drive the model's own outputs, but not to infinity; the raw body has numpy's bits.
        state = numpy.array([float(one) for one in numbers], numpy.float32)
        status, fields, raw = server.ask("POST", "/v2/models/strategic-float32/infer", state.tobytes(), RAW)
        assert status == 200, (text, raw)
        outputs = binary_outputs(fields, raw)[1].ravel()
        # A text of the request that looks like such a number stays what it is.
        status, answer = infer(server, numbers, before=f'"id": "x\\\\\\" {text}", ')
        assert status == 200 and answer["id"] == f'x\\" {text}', (text, answer)
        seen = numpy.concatenate([numpy.array(one["data"], numpy.float32) for one in answer["outputs"]])
        assert seen.tobytes() == outputs.tobytes(), text


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" + "0" * 309, "1e39", "1" + "0" * 39])
def test_numbers_beyond_float32_are_told_as_that(server, number):
    status, answer = infer(server, ["0"] * 12 + [number])
    assert status == 400 and "float32's range" in answer["error"] and len(answer["error"]) < 120
    if "39" not in number and len(number) != 40:
        assert re.search(r"number -?1(e400|0{30})", answer["error"])


@pytest.mark.parametrize("number", ["01", "0" * 25, "00" + "1" * 25, "-", "1" * 25 + ".", "1" * 25 + "-",
                                    "--" + "1" * 25, "1e", "0x1", "1" * 25 + "x"])
def test_what_is_no_number_stays_refused(server, number):
    status, answer = infer(server, ["0"] * 12 + [number])
    assert status == 400 and "no JSON" in answer["error"]


def test_a_shape_of_long_integers_is_refused(server):
    status, answer = infer(server, ["0"] * 13, shape="100000000000000000000, 13")
    assert status == 400 and "input: shape" in answer["error"]
