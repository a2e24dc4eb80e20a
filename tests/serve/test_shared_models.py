# SPDX-License-Identifier: Apache-2.0
"""Shared memory: models that come, go and change while clients ask."""
import os
import shutil
import subprocess
import threading
import time

import numpy
import pytest

from served import ROOT, TOKEN, run_model, same_bits
from shared_client import Client, Refused


def load(server, what="load", name="tactical-int8") -> None:
    status, _, body = server.ask("POST", f"/v2/repository/models/{name}/{what}", b"",
                                 {"Authorization": f"Bearer {TOKEN}"})
    assert status == 200, body


def test_models_that_change(start, shared_path, repository, tactical):
    """None of that name, another shape under it, the first again: named each time, and the handle stays."""
    server = start("--shared-memory", str(shared_path))
    states, expected = tactical
    blob = repository / "tactical-int8.blob"
    with Client(shared_path) as client:
        model = client.find("tactical-int8")
        load(server, "unload")
        with pytest.raises(Refused, match="no-model"):
            client.infer(model, states)
        shutil.copy(ROOT / "weights" / "strategic-int8.blob", blob)
        load(server)
        with pytest.raises(Refused, match="model-changed"):
            client.infer(model, states)
        again = client.find("tactical-int8")
        assert again.handle == model.handle and again.inputs == 13
        client.infer(again, states[:, :13].copy())
        load(server, "unload")
        shutil.copy(ROOT / "weights" / "tactical-int8.blob", blob)
        load(server)
        assert same_bits(client.infer(client.find("tactical-int8"), states)[0], expected)


@pytest.fixture(scope="module")
def generations(binary, tmp_path_factory):
    """(states, {generation: (blob, its outputs)}) of one small model"""
    folder, random_numbers = tmp_path_factory.mktemp("generations"), numpy.random.default_rng(5)
    states = random_numbers.uniform(-1, 1, (3, 24)).astype(numpy.float32)
    out = {}
    for generation in range(1, 13):
        arrays = {"head.w1": random_numbers.normal(size=(24, 16)).astype(numpy.float32),
                  "head.w2": random_numbers.normal(size=(16, 3)).astype(numpy.float32)}
        source, blob = folder / f"{generation}.npz", folder / f"{generation}.blob"
        numpy.savez(source, **arrays)
        subprocess.run(["/usr/bin/python3", ROOT / "tools" / "weight_export", source, "-o", blob, "--name", "small",
                        "--generation", str(generation), "--dtype", "float32"], check=True, capture_output=True)
        out[generation] = blob, run_model(binary, blob, states, folder)
    return states, out


def test_every_answer_is_that_of_its_generation(start, shared_path, tmp_path, generations):
    """New generations under load; and the handle of the first server means the same to the next."""
    states, known = generations
    folder = tmp_path / "small"
    folder.mkdir()
    shutil.copy(known[1][0], folder / "small.blob")
    server = start("--shared-memory", str(shared_path), folder=folder)
    seen, stop = {}, threading.Event()

    def swap():
        try:
            for generation in range(2, 13):
                shutil.copy(known[generation][0], folder / "next")
                os.replace(folder / "next", folder / "small.blob")
                load(server, name="small")
                end = time.monotonic() + 10
                while generation not in seen and time.monotonic() < end:
                    time.sleep(0.001)
        finally:
            stop.set()
    with Client(shared_path) as client:
        model = client.find("small")
        swapper = threading.Thread(target=swap)
        seen[client.infer(model, states)[1]] = 1
        swapper.start()
        while not stop.is_set():
            outputs, generation = client.infer(model, states)
            assert same_bits(outputs, known[generation][1])
            seen[generation] = seen.get(generation, 0) + 1
        swapper.join()
        assert client.infer(model, states)[1] == 12
    assert len(seen) == 12 and sorted(seen) == list(seen), seen
