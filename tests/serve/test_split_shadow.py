# SPDX-License-Identifier: Apache-2.0
"""Two models for one question: a split by key, and a candidate that is only watched."""
import json
import subprocess
import time

import jsonschema
import numpy
import pytest

from repositories import answer_of, change
from served import TOKEN, binary_outputs, same_bits
from test_openapi import DOCUMENT

RAW = {"Inference-Header-Content-Length": "0"}
STATE = numpy.random.default_rng(4).uniform(-1, 1, (1, 420)).astype(numpy.float32)
SPLIT = "tactical=tactical-int8:75%,tactical-float32:25%,salt=7"


def ask(server, model, key=None, state=STATE):
    status, fields, body = server.ask("POST", f"/v2/models/{model}/infer", state.tobytes(),
                                      RAW | ({"Tickmlp-Key": str(key)} if key is not None else {}))
    assert status == 200, body
    head, outputs = binary_outputs(fields, body)
    return head["model_name"], outputs


def test_a_key_always_gets_the_same_model(start):
    server = start("--split", SPLIT)
    alone = {model: ask(server, model)[1] for model in ("tactical-int8", "tactical-float32")}
    chosen = {}
    for key in [*range(200), "ES", "NQ", -1, 2**64]:
        model, outputs = ask(server, "tactical", key)
        assert same_bits(outputs, alone[model])
        chosen[key] = model
    assert chosen == {key: ask(server, "tactical", key)[0] for key in chosen}
    share = sum(model == "tactical-float32" for model in chosen.values()) / len(chosen)
    assert 0.1 < share < 0.4  # 0.25; five standard deviations of 204 draws are 0.15
    other = start("--split", SPLIT, "--threads", "2")
    assert all(ask(other, "tactical", key)[0] == model for key, model in list(chosen.items())[:20])


def test_a_split_wants_a_key(start):
    server = start("--split", SPLIT)
    status, _, body = server.ask("POST", "/v2/models/tactical/infer", STATE.tobytes(), RAW)
    assert status == 400 and "Tickmlp-Key" in json.loads(body)["error"]
    assert server.ask("GET", "/v2/models/tactical/ready")[0] == 200
    assert server.ask("GET", "/v2/models/tactical")[0] == 200


@pytest.mark.parametrize("arm", ["tactical-int8", "tactical-float32"])
def test_a_split_is_ready_while_every_arm_is_served(start, arm):
    server = start("--split", SPLIT)
    for what, expected in (("unload", 503), ("load", 200)):
        assert change(server, what, arm)[0] == 200
        status, _, body = server.ask("GET", "/v2/models/tactical/ready")
        assert status == expected, body
        assert status == 200 or f"model {arm} of the split tactical is not served" in json.loads(body)["error"]


def test_the_first_arm_speaks_for_a_split(start):
    head = json.loads(start("--split", SPLIT).ask("GET", "/v2/models/tactical")[2])
    assert head["name"] == "tactical-int8" and head["inputs"][0]["shape"] == [-1, 420]


@pytest.mark.parametrize("option, text, code, says", [
    ("--split", "x", 2, "no name"), ("--split", "x=tactical-int8", 2, "no arm"),
    ("--split", "x=tactical-int8:50%", 2, "50"), ("--split", "x=tactical-int8:nan%", 2, "no arm"),
    ("--split", "x=tactical-int8:-1%,tactical-float32:101%", 2, "no arm"), ("--split", "../x=a:100%", 2, "no name"),
    ("--split", "x=none:100%", 4, "no model none"), ("--split", "tactical-int8=tactical-int8:100%", 4, "has that name"),
    ("--split", "x=tactical-int8:50%,strategic-int8:50%", 4, "one kind"),
    ("--shadow", "tactical-int8", 2, "PRIMARY=CANDIDATE"), ("--shadow", "a=a", 2, "PRIMARY=CANDIDATE"),
    ("--shadow", "a=b,every=0", 2, "every"), ("--shadow", "a=b,each=1", 2, "every"),
    ("--shadow", "a=b,c=d", 2, "every"), ("--shadow", "tactical-int8=none", 4, "no model none"),
    ("--shadow", "tactical-int8=strategic-int8", 4, "one kind")])
def test_wrong_options(binary, repository, option, text, code, says):
    done = subprocess.run([binary, "serve", "--repository", str(repository), "--port", "0", option, text],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == code and says in done.stderr, done


def figures(server, model, compared):
    for _ in range(100):
        out = json.loads(server.ask("GET", f"/v2/models/{model}/shadow")[2])
        if out["compared"] + out["dropped"] >= compared:
            return out
        time.sleep(0.05)
    raise AssertionError(out)


def test_a_shadow_is_compared_and_changes_no_answer(start):
    alone = ask(start(), "tactical-int8")[1]
    server = start("--shadow", "tactical-int8=tactical-float32", "--shadow", "strategic-int8=strategic-float32,every=3")
    states = numpy.random.default_rng(5).uniform(-1, 1, (90, 420)).astype(numpy.float32)
    for state in states:
        ask(server, "tactical-int8", state=state[None])
    assert same_bits(ask(server, "tactical-int8")[1], alone)
    out = figures(server, "tactical-int8", 91)
    jsonschema.validate(out, DOCUMENT["components"]["schemas"]["Shadow"])
    assert out["primary"] == "tactical-int8" and out["candidate"] == "tactical-float32"
    assert out["offered"] == 91 and out["dropped"] == 0 and out["compared"] == 91 and out["same_argmax"] > 60
    assert 0 < out["largest_probability_difference"] < 0.2 and out["candidate_p50_ns"] > 0
    for _ in range(30):
        ask(server, "strategic-int8", state=states[:1, :13].copy())
    assert figures(server, "strategic-int8", 10)["offered"] == 10
    assert server.ask("GET", "/v2/models/tactical-float32/shadow")[0] == 404


def test_a_shadow_of_itself_agrees_to_the_bit(start, repository):
    (repository / "candidate.blob").write_bytes((repository / "tactical-int8.blob").read_bytes())
    server = start("--shadow", "tactical-int8=candidate")
    for _ in range(20):
        ask(server, "tactical-int8")
    out = figures(server, "tactical-int8", 20)
    assert out["identical"] == out["compared"] == 20 and out["largest_value_difference"] == 0


def test_a_shadow_sees_who_names_the_current_generation(start, published, blobs, tmp_path):
    """And not who names another one."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "candidate.blob").write_bytes(blobs(1, seed=1).read_bytes())
    published.folder.rename(root / "whatever")
    server = start("--shadow", "small=candidate", folder=root)
    for version, offered in ((None, 1), (2, 2), (1, 2)):
        assert answer_of(server, version=version)[0] == (version or 2)
        assert figures(server, "small", offered)["offered"] == offered


def test_two_shadows_of_one_model_are_refused(binary, repository):
    done = subprocess.run([binary, "serve", "--repository", str(repository), "--port", "0", "--shadow",
                           "tactical-int8=tactical-float32", "--shadow", "tactical-int8=tactical-float32,every=2"],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 4 and "two shadows of tactical-int8" in done.stderr


def test_a_primary_that_comes_and_goes_keeps_its_shadow(start):
    server = start("--shadow", "strategic-int8=strategic-float32")
    admin = {"Authorization": f"Bearer {TOKEN}"}
    for _ in range(10):
        for what in ("unload", "load"):
            assert server.ask("POST", f"/v2/repository/models/strategic-int8/{what}", b"", admin)[0] == 200
        ask(server, "strategic-int8", state=STATE[:, :13].copy())
    assert figures(server, "strategic-int8", 10)["offered"] == 10
