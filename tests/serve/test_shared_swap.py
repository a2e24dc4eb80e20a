# SPDX-License-Identifier: Apache-2.0
"""Windows over shared memory while their model's generations come: each tick is that of the one that it names."""
import os
import shutil
import subprocess
import threading
import time

import numpy
import pytest

from served import ROOT, run_model, same_bits
from shared_client import Client, Refused
from test_shared_models import load

ROWS, COLUMNS, LAST = 4, 6, 9
BARS = numpy.random.default_rng(9).uniform(-1, 1, (24, COLUMNS)).astype(numpy.float32)


@pytest.fixture(scope="module")
def generations(binary, tmp_path_factory):
    """{generation: (blob, outputs of every whole window of BARS)} of one small model"""
    folder, random_numbers, out = tmp_path_factory.mktemp("windows"), numpy.random.default_rng(6), {}
    states = numpy.stack([BARS[i:i + ROWS].ravel() for i in range(len(BARS) - ROWS + 1)])
    for generation in range(1, LAST + 1):
        source, blob = folder / f"{generation}.npz", folder / f"{generation}.blob"
        numpy.savez(source, **{"head.w1": random_numbers.normal(size=(ROWS * COLUMNS, 16)).astype(numpy.float32),
                               "head.w2": random_numbers.normal(size=(16, 3)).astype(numpy.float32)})
        subprocess.run(["/usr/bin/python3", ROOT / "tools" / "weight_export", source, "-o", blob, "--name", "small",
                        "--generation", str(generation), "--dtype", "int8" if generation % 2 else "float32",
                        "--budget", "probability=1,value=1,argmax=0",
                        "--window", f"{ROWS}x{COLUMNS}"], check=True, capture_output=True)
        out[generation] = blob, run_model(binary, blob, states, folder)
    return out


@pytest.fixture
def served(start, shared_path, tmp_path, generations):
    """publish(generation), on a server that has the first"""
    folder = tmp_path / "small"
    folder.mkdir()
    shutil.copy(generations[1][0], folder / "small.blob")
    server = start("--shared-memory", str(shared_path), folder=folder)

    def publish(generation: int) -> None:
        shutil.copy(generations[generation][0], folder / "next")
        os.replace(folder / "next", folder / "small.blob")
        load(server, name="small")
    publish.unload = lambda: load(server, "unload", "small")
    return publish


def test_windows_follow_their_model(served, shared_path, generations):
    """One is busy all the while; the others sleep through several generations, one of them behind an advance."""
    with Client(shared_path) as client:
        model = client.find("small")
        busy, asleep, advanced = (client.window(model) for _ in range(3))
        for window in (busy, asleep, advanced):
            window.reset(BARS[:ROWS].copy())
        advanced.advance()
        seen, stop = {1}, threading.Event()

        def swap():
            try:
                for generation in range(2, LAST + 1):
                    served(generation)
                    end = time.monotonic() + 10
                    while generation not in seen and time.monotonic() < end:
                        time.sleep(0.001)
            finally:
                stop.set()
        swapper = threading.Thread(target=swap)
        swapper.start()
        while not stop.is_set():
            busy.reset(BARS[:ROWS].copy())
            for bar in range(ROWS, len(BARS)):
                busy.advance()
                outputs = busy.tick(BARS[bar])
                assert same_bits(outputs, generations[busy.generation][1][bar - ROWS + 1]), (bar, busy.generation)
                seen.add(busy.generation)
        swapper.join()
        assert seen == set(range(1, LAST + 1))
        newest = generations[LAST][1]
        assert same_bits(asleep.tick(BARS[ROWS - 1]), newest[0]) and asleep.generation == LAST
        assert same_bits(advanced.tick(BARS[ROWS]), newest[1]) and advanced.generation == LAST


def test_a_window_of_one_generation_stays_with_it(served, shared_path, generations):
    with Client(shared_path) as client:
        window = client.window(client.find("small", 1))
        window.reset(BARS[:ROWS].copy())
        assert same_bits(window.tick(BARS[ROWS - 1]), generations[1][1][0])
        served(2)
        for call in (lambda: window.tick(BARS[ROWS]), window.advance, lambda: window.reset(BARS[:ROWS].copy())):
            with pytest.raises(Refused, match="no-version"):
                call()


def test_unloaded_and_loaded_again(served, shared_path, generations):
    """Another slot, whose publications are numbered from 1 again."""
    with Client(shared_path) as client:
        window = client.window(client.find("small"))
        window.reset(BARS[:ROWS].copy())
        for generation in (1, 2, 3):
            with pytest.raises(Refused, match="no-model"):
                served.unload()
                window.tick(BARS[ROWS - 1])
            served(generation)
            assert same_bits(window.tick(BARS[ROWS - 1]), generations[generation][1][0])
            assert window.generation == generation
