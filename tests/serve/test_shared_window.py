# SPDX-License-Identifier: Apache-2.0
"""Windows over shared memory: the bits of the whole state, tick by tick; what ends them, and what they cannot do."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import numpy
import pytest

from served import ROOT, run_model, same_bits
from shared_client import Client, Refused, connect, figures, settle
from test_shared_bits import PROGRAM
from test_shared_killed import fields_of
from test_shared_models import load

TACTICAL = ("tactical-int8", "tactical-float32")
REAL = pathlib.Path(os.environ.get("TICKMLP_SHARED_DATA", ROOT.parent / "shared" / "data"))
BARS = 4000 if "TICKMLP_SLOW" in os.environ else 400


def bars_of(seed: int, count: int = 100) -> numpy.ndarray:
    return numpy.random.default_rng(seed).uniform(-1, 1, (count, 7)).astype(numpy.float32)


@pytest.fixture
def expected(binary, tmp_path):
    """(model, bars) -> outputs of every whole window of 60 bars"""
    def run(name: str, bars: numpy.ndarray) -> numpy.ndarray:
        states = numpy.stack([bars[i:i + 60].ravel() for i in range(len(bars) - 59)])
        return run_model(binary, ROOT / "weights" / f"{name}.blob", states, tmp_path)
    return run


@contextlib.contextmanager
def stopped(server):
    """Stands still, every thread of it."""
    server.process.send_signal(signal.SIGSTOP)
    tasks = list(pathlib.Path(f"/proc/{server.process.pid}/task").iterdir())
    while any(fields_of(task)[0] != "T" for task in tasks):
        time.sleep(0.001)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


def stream(window, bars, want) -> None:
    """Every bar but the first 60 comes as an advance and a tick."""
    window.reset(bars[:60].copy())
    assert same_bits(window.tick(bars[59]), want[0])
    for bar in range(60, len(bars)):
        window.advance()
        window.tick(bars[bar] / 3)
        assert same_bits(window.tick(bars[bar]), want[bar - 59]), bar


@pytest.mark.parametrize("name", TACTICAL)
@pytest.mark.parametrize("sleep_ns", [0, 1])
def test_every_tick_is_the_whole_state(start, shared_path, expected, name, sleep_ns):
    """Two windows at once, of bars of their own, and requests for whole states between."""
    start("--shared-memory", str(shared_path), "--shared-sleep-ns", str(sleep_ns))
    first, second = bars_of(1), bars_of(2)
    want, other = expected(name, first), expected(name, second)
    with Client(shared_path) as client:
        model = client.find(name)
        assert (model.window_rows, model.window_columns, model.arms) == (60, 7, 0)
        stream(client.window(model), first, want)
        windows = client.window(model), client.window(model)
        windows[0].reset(first[:60].copy())
        windows[1].reset(second[:60].copy())
        for bar in range(60, 80):
            for window in windows:
                window.advance()
            tickets = [window.send(bars[bar]) for window, bars in zip(windows, (first, second))]
            outputs = [client.receive(model, ticket, 1)[0] for ticket in reversed(tickets)]
            assert same_bits(outputs[1], want[bar - 59]) and same_bits(outputs[0], other[bar - 59])
            state = first[bar - 59:bar + 1].reshape(1, -1).copy()
            assert same_bits(client.infer(model, state)[0][0], want[bar - 59])


def in_c(shared_path, name, blob, rows, folder) -> None:
    rows.tofile(folder / "rows.f32")
    done = subprocess.run([PROGRAM.parent / "shared_window", shared_path, name, blob, folder / "rows.f32"],
                          capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout) == (0, f"{2 * (len(rows) - 60)} ticks, 0 wrong\n"), done.stderr


@pytest.mark.parametrize("name", TACTICAL)
def test_c(start, shared_path, tmp_path, name):
    start("--shared-memory", str(shared_path))
    in_c(shared_path, name, ROOT / "weights" / f"{name}.blob", bars_of(3, BARS), tmp_path)


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_real_bars_and_weights(start, shared_path, tmp_path, dtype):
    if not (REAL / "tactical_weights.npz").is_file():
        pytest.skip(f"no real bars and weights at {REAL}; TICKMLP_SHARED_DATA names their folder")
    folder = tmp_path / "real"
    folder.mkdir()
    subprocess.run([sys.executable, ROOT / "tools" / "weight_export", REAL / "tactical_weights.npz", "--dtype", dtype,
                    "--ranges", "-1,1", "--window", "60x7", "-o", folder / "real.blob"], check=True,
                   stdout=subprocess.DEVNULL)
    start("--shared-memory", str(shared_path), folder=folder)
    in_c(shared_path, "real", folder / "real.blob", numpy.load(REAL / "nq_30m_rows.npy")[-5 * BARS:], tmp_path)


def test_named_refusals(start, shared_path, expected):
    server = start("--shared-memory", str(shared_path), "--shared-windows", "2")
    bars = bars_of(4)
    want = expected("tactical-int8", bars)
    with Client(shared_path) as client:
        model = client.find("tactical-int8")
        with pytest.raises(Refused, match="no-window"):
            client.window(client.find("strategic-int8"))
        window, other = client.window(model), client.window(model)
        with pytest.raises(Refused, match="window-limit"):
            client.window(model)
        for call in (window.advance, lambda: window.tick(bars[0])):
            with pytest.raises(Refused, match="window-empty"):
                call()
        window.reset(bars[:60].copy())
        broken = bars[:60].copy()
        broken[3, 3] = numpy.nan
        with pytest.raises(Refused, match="non-finite-input"):
            window.reset(broken)
        with pytest.raises(Refused, match="non-finite-input"):
            window.tick(broken[3])
        assert same_bits(window.tick(bars[59]), want[0])  # as it was
        other.close()
        with pytest.raises(Refused, match="bad-argument"):
            other.tick(bars[0])
        other = client.window(model)
        with pytest.raises(Refused, match="window-empty"):
            other.tick(bars[0])
        other.reset(bars[1:61].copy())
        assert same_bits(other.tick(bars[60]), want[1]) and same_bits(window.tick(bars[59]), want[0])
    load(server, "unload")


def test_a_late_tick_is_waited_for_and_a_late_advance_empties(start, shared_path, expected):
    server = start("--shared-memory", str(shared_path))
    bars = bars_of(5)
    want = expected("tactical-int8", bars)
    with Client(shared_path) as client:
        window = client.window(client.find("tactical-int8"))
        window.reset(bars[:60].copy())
        with stopped(server):
            with pytest.raises(Refused, match="deadline"):
                window.tick(bars[1], 10**7)
            with pytest.raises(Refused, match="slots-busy"):
                window.send(bars[2])
            with pytest.raises(Refused, match="deadline"):
                window.tick(bars[2], 10**7)  # waits for the first in vain: not sent
        window.advance()  # closes the bar with the first late row, or the window would be another
        state = numpy.concatenate([bars[1:59], bars[1:2], bars[60:61]])
        assert same_bits(window.tick(bars[60]), expected("tactical-int8", state)[0])
        with stopped(server), pytest.raises(Refused, match="deadline"):
            window.advance(10**7)
        with pytest.raises(Refused, match="window-empty"):
            window.tick(bars[0])
        stream(window, bars, want)


def test_a_server_that_comes_again_knows_no_window(start, shared_path, expected):
    server = start("--shared-memory", str(shared_path))
    bars = bars_of(6)
    want = expected("tactical-int8", bars)
    with Client(shared_path) as client:
        window = client.window(client.find("tactical-int8"))
        window.reset(bars[:60].copy())
        server.process.kill()
        server.process.wait()
        with pytest.raises(Refused, match="server-gone"):
            window.tick(bars[59])
        start("--shared-memory", str(shared_path))
        end = time.monotonic() + 20
        while True:
            with pytest.raises(Refused, match="server-gone|window-empty") as told:
                window.tick(bars[59])
            if told.value.args[0] == "window-empty":
                break
            assert time.monotonic() < end
            time.sleep(0.01)
        stream(window, bars, want)


def test_clients_that_die_leave_no_window(start, shared_path):
    server = start("--shared-memory", str(shared_path), "--shared-windows", "64")
    script = ("import sys, numpy, os; sys.path.insert(0, sys.argv[1])\n"
              "from shared_client import Client\n"
              "client = Client(sys.argv[2]); model = client.find('tactical-int8')\n"
              "state = numpy.zeros((60, 7), numpy.float32)\n"
              "for _ in range(64): client.window(model).reset(state)\n"
              "os.kill(os.getpid(), 9)\n")
    before, sizes = figures(server)[0], []
    for _ in range(2):
        for _ in range(15):
            died = subprocess.run([sys.executable, "-c", script, str(ROOT / "tests/serve"), shared_path], timeout=60)
            assert died.returncode == -9
        sizes.append(settle(server, before))
    # 64 windows take 0.8 MB: those of 15 clients would be 12 MB more.
    assert sizes[0][0] == sizes[1][0] == before and sizes[1][1] - sizes[0][1] < 3000, sizes


def test_a_model_that_is_swapped_for_another_shape(start, shared_path, repository):
    server = start("--shared-memory", str(shared_path))
    bars = bars_of(7)
    with connect(shared_path) as client:
        window = client.window(client.find("tactical-int8"))
        window.reset(bars[:60].copy())
        load(server, "unload")
        with pytest.raises(Refused, match="no-model"):
            window.tick(bars[0])
        shutil.copy(ROOT / "weights" / "strategic-int8.blob", repository / "tactical-int8.blob")
        load(server)
        with pytest.raises(Refused, match="model-changed"):
            window.tick(bars[0])
        with pytest.raises(Refused, match="no-window"):
            client.window(client.find("tactical-int8"))
