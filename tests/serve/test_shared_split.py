# SPDX-License-Identifier: Apache-2.0
"""Splits and shadows over shared memory: the arm that HTTP names for a key, and a candidate that is only watched."""
import numpy
import pytest

from served import TOKEN, same_bits
from shared_client import Client, Refused
from test_split_shadow import SPLIT, STATE, ask, figures

ARMS = ["tactical-int8", "tactical-float32"]


def test_a_key_gets_the_model_that_http_names(start, shared_path):
    server = start("--split", SPLIT, "--shared-memory", str(shared_path))
    with Client(shared_path) as client:
        alone = {name: client.infer(client.find(name), STATE)[0] for name in ARMS}
        model = client.find("tactical")
        assert (model.inputs, model.outputs, model.arms, client.arms(model)) == (420, 10, 2, ARMS)
        assert "tactical" in client.names()
        seen = set()
        for key in [*range(40), "ES", "NQ", "", "-1", "007", 2**64 - 1, 2**64, "18446744073709551616x", "é"]:
            number = client.key(str(key))
            assert number == key or not isinstance(key, int) or key >= 2**64
            outputs, generation = client.infer(model, STATE, key=number)
            name = ARMS[client.arm]
            assert generation == 1 and same_bits(outputs, alone[name])
            if key != "" and key != "é":  # a header is neither empty nor beyond ASCII
                assert ask(server, "tactical", key)[0] == name, key
            seen.add(name)
        assert seen == set(ARMS)
        with pytest.raises(Refused, match="key-expected"):
            client.infer(model, STATE)
        assert same_bits(client.infer(client.find(ARMS[1]), STATE, key=5)[0], alone[ARMS[1]])  # no split: ignored


def test_an_arm_that_is_not_served(start, shared_path):
    server = start("--split", SPLIT, "--shared-memory", str(shared_path))
    with Client(shared_path) as client:
        model = client.find("tactical")
        status = server.ask("POST", "/v2/repository/models/tactical-float32/unload", b"",
                            {"Authorization": f"Bearer {TOKEN}"})[0]
        assert status == 200
        told = set()
        for key in range(40):
            try:
                client.infer(model, STATE, key=key)
                told.add("ok")
                assert client.arm == 0
            except Refused as refused:
                told.add(refused.args[0])
                assert client.arm == 1
        assert told == {"ok", "unavailable"}


def test_a_window_of_a_split_is_its_keys_models(start, shared_path):
    start("--split", SPLIT, "--shared-memory", str(shared_path))
    row = STATE[0, -7:].copy()
    with Client(shared_path) as client:
        alone = {name: client.infer(client.find(name), STATE)[0][0] for name in ARMS}
        model, seen = client.find("tactical"), set()
        for key in range(12):
            window = client.window(model, key)
            window.reset(STATE)
            assert same_bits(window.tick(row), alone[ARMS[window.arm]])
            client.infer(model, STATE, key=key)
            assert client.arm == window.arm
            seen.add(window.arm)
        assert seen == {0, 1}


def test_a_shadow_sees_requests_and_ticks(start, shared_path, repository):
    """The candidate is the primary itself: any state that were not the tick's would differ."""
    (repository / "candidate.blob").write_bytes((repository / "tactical-int8.blob").read_bytes())
    server = start("--shadow", "tactical-int8=candidate", "--shadow", "tactical-float32=tactical-int8,every=4",
                   "--shared-memory", str(shared_path))
    bars = numpy.random.default_rng(8).uniform(-1, 1, (90, 7)).astype(numpy.float32)
    with Client(shared_path) as client:
        model = client.find("tactical-int8")
        client.infer(model, numpy.repeat(STATE, 5, axis=0))
        window = client.window(model)
        window.reset(bars[:60].copy())
        for bar in bars[60:]:
            window.advance()
            window.tick(bar)
        for _ in range(40):
            client.infer(client.find("tactical-float32"), STATE)
        with pytest.raises(Refused, match="non-finite-input"):
            client.infer(model, numpy.full((1, 420), numpy.nan, numpy.float32))
    out = figures(server, "tactical-int8", 35)
    assert out["offered"] == out["compared"] == out["identical"] == 35 and out["dropped"] == 0
    assert figures(server, "tactical-float32", 10)["offered"] == 10
