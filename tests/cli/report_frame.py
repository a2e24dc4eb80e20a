# SPDX-License-Identifier: Apache-2.0
"""What the JSON of every command that times one model begins with."""
import hashlib
import json


def check_frame(tickmlp, report, command, blob):
    """The same fields with the same meaning in each, beside the command's own."""
    inspected = json.loads(tickmlp("inspect", blob, "--json").stdout)
    model = report["model"]
    assert report["schema"] == f"tickmlp-{command}/0" and report["command"].split()[1:3] == [command, str(blob)]
    assert model["blob_sha256"] == hashlib.sha256(blob.read_bytes()).hexdigest()
    assert all(model[key] == inspected[key] for key in ("name", "dtype", "inputs"))
    assert model["lanes"] >= sum(head["hidden"] for head in inspected["heads"]) and model["weight_bytes"] > 0
    assert report["kernel"].startswith(model["dtype"]) and report["clock_step_ns"] > 0 and report["machine"]["cpu"]
    assert report["epochs"] == 6 and report["equal_bits"] is True and report["compared"] > 0
