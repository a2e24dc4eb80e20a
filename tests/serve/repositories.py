# SPDX-License-Identifier: Apache-2.0
"""What changes a server's models, and what they answer."""
import json
import time

import numpy

from served import TOKEN, binary_outputs

ADMIN = {"Authorization": f"Bearer {TOKEN}"}
RAW = {"Inference-Header-Content-Length": "0"}
STATE = numpy.random.default_rng(4).uniform(-1, 1, (1, 12)).astype(numpy.float32)


def change(server, what, name, body=b"", fields=ADMIN):
    return server.ask("POST", f"/v2/repository/models/{name}/{what}", body, fields)


def index(server, name):
    rows = json.loads(server.ask("POST", "/v2/repository/index", b"")[2])
    return [(row["version"], row["state"], row["reason"]) for row in rows if row["name"] == name]


def answer_of(server, name="small", version=None):
    """(the generation that answered, its outputs)"""
    path = f"/v2/models/{name}" + (f"/versions/{version}" if version else "") + "/infer"
    status, fields, body = server.ask("POST", path, STATE.tobytes(), RAW)
    assert status == 200, body
    head, outputs = binary_outputs(fields, body)
    return int(head["model_version"]), outputs


def wait_for_generation(server, generation):
    for _ in range(200):
        if answer_of(server)[0] == generation:
            return
        time.sleep(0.05)
    raise AssertionError(f"generation {generation} did not come: {server.log()}")
