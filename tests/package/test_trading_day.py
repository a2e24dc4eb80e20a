# SPDX-License-Identifier: Apache-2.0
"""docs/examples/trading_day.c outside the tree: it trades a replayed day on the tick path while after_training
publishes five generations, one of them bad. The real market and weights where they are at hand, else random ones."""
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import numpy
import pytest

from conftest import ROOT, STRICT

SHARED = pathlib.Path(os.environ.get("TICKMLP_SHARED_DATA", ROOT.parent / "shared" / "data"))
WINDOW, COLUMNS, DAY = 60, 7, 46  # bars; 46 half-hours are one day of the NQ future
ANSWER = numpy.dtype([("generation", "<u8"), ("bar", "<u8"), ("newest", "<f4", 16), ("output", "<f4", 16)])
BAD = 4
PATIENCE = 120  # seconds
EXAMPLE = ROOT / "docs" / "examples" / "trading_day.c"
KEPT = int(re.search(r"^#define KEPT_OF_A_MODEL (\d+)", EXAMPLE.read_text(), re.MULTILINE).group(1))


def market() -> numpy.ndarray:
    """float32 [bars, columns] of one day and what its first window needs."""
    if (SHARED / "nq_30m_rows.npy").exists():
        return numpy.ascontiguousarray(numpy.load(SHARED / "nq_30m_rows.npy")[-(WINDOW + DAY):])
    return numpy.random.default_rng(11).uniform(-1, 1, (WINDOW + DAY, COLUMNS)).astype(numpy.float32)


def first_weights() -> dict[str, numpy.ndarray]:
    if (SHARED / "tactical_weights.npz").exists():
        return dict(numpy.load(SHARED / "tactical_weights.npz"))
    random = numpy.random.default_rng(12)
    heads = {"fvg": (64, 3), "momentum": (64, 3), "entry": (64, 3), "critic": (32, 1)}
    return {f"{head}.{name}": random.uniform(-0.1, 0.1, shape).astype(numpy.float32)
            for head, (hidden, outputs) in heads.items()
            for name, shape in (("w1", (WINDOW * COLUMNS, hidden)), ("w2", (hidden, outputs)))}


def weights_of(generation: int, first: dict[str, numpy.ndarray]) -> dict[str, numpy.ndarray]:
    """Each cycle learns a little; in the bad one layer 2 has the wrong signs: answers far from the running model's."""
    random = numpy.random.default_rng(generation)
    factor = -1 if generation == BAD else 1
    return {name: (values * (1 + 0.01 * random.standard_normal(values.shape)) * (factor if name.endswith("w2") else 1))
            .astype(numpy.float32) for name, values in first.items()}


class Trader:
    """The running program, and the lines that it has said."""

    def __init__(self, command: list):
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.lines: list[str] = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(iter(self.process.stdout.readline, "")))
        self.reader.start()

    def wait_for(self, pattern: str) -> str:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and (self.process.poll() is None or self.reader.is_alive()):
            for line in self.lines:
                if re.search(pattern, line):
                    return line
            time.sleep(0.02)
        raise AssertionError(f"the trader did not say {pattern!r}: {self.lines}")

    def end(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return "".join(self.lines)


@pytest.fixture
def trader_program(installed, tmp_path) -> pathlib.Path:
    flags = subprocess.run(["pkg-config", "--static", "--cflags", "--libs", "tickmlp-watch"], check=True,
                           capture_output=True, text=True, env=installed.environment).stdout.split()
    source = tmp_path / "trading_day.c"
    source.write_bytes(EXAMPLE.read_bytes())
    subprocess.run(["cc", "-std=c99", "-O2", *STRICT, source, "-o", tmp_path / "trading_day", *flags], check=True)
    return tmp_path / "trading_day"


@pytest.fixture
def cycle(tmp_path):
    """publish(generation): one run of after_training; the folder; the public key's line."""
    keys = tmp_path / "minisign.key", tmp_path / "minisign.pub"
    subprocess.run(["minisign", "-G", "-W", "-s", keys[0], "-p", keys[1]], check=True, capture_output=True)
    first, folder = first_weights(), tmp_path / "published"

    def publish(generation: int) -> subprocess.CompletedProcess:
        checkpoint = tmp_path / f"epoch-{generation}.npz"
        numpy.savez(checkpoint, **weights_of(generation, first))
        words = ["--folder", folder, "--name", "tactical", "--window", f"{WINDOW}x{COLUMNS}", "--sign", keys[0],
                 "--keep", "10", "--quiet"]
        return subprocess.run([ROOT / "scripts" / "after_training", checkpoint, *words], capture_output=True, text=True,
                              check=False)
    folder.mkdir()
    return publish, folder, keys[1].read_text().splitlines()[1]


def check_journal(journal: numpy.ndarray, rows: numpy.ndarray, folder: pathlib.Path, binary, tmp_path) -> None:
    """Every answer is what `tickmlp run` says on the blob of the generation that the answer claims."""
    for generation in numpy.unique(journal["generation"]):
        answers = journal[journal["generation"] == generation]
        states = numpy.stack([rows[bar:bar + WINDOW].copy() for bar in answers["bar"].astype(int)])
        states[:, -1] = answers["newest"][:, :COLUMNS]
        numpy.save(tmp_path / "states.npy", states.reshape(len(states), -1))
        blob, = folder.glob(f"tactical-{generation}-*.blob")
        subprocess.run([binary, "run", blob, "--input", tmp_path / "states.npy", "--output", tmp_path / "out.npy"],
                       check=True, capture_output=True)
        expected = numpy.load(tmp_path / "out.npy")
        assert answers["output"][:, :expected.shape[1]].tobytes() == expected.tobytes(), generation


@pytest.mark.skipif(subprocess.run(["which", "minisign"], capture_output=True).returncode != 0,
                    reason="no minisign (scripts/bootstrap --for signature)")
def test_a_day_of_trading_with_five_generations(trader_program, cycle, binary, tmp_path):
    publish, folder, public_key = cycle
    rows = market()
    rows.tofile(tmp_path / "rows.f32")
    assert publish(1).returncode == 0
    core = max(os.sched_getaffinity(0))
    trader = Trader([trader_program, folder, tmp_path / "rows.f32", core, tmp_path / "journal", public_key])
    try:
        trader.wait_for("^begin +generation 1 ")
        for generation in range(2, 7):
            done = publish(generation)
            assert done.returncode == 0, done.stdout + done.stderr
            if generation == BAD:
                assert " drift: " in trader.wait_for("^refused +generation 3 stays")
            else:
                trader.wait_for(f"^taken +generation {generation},")
    finally:
        said = trader.end()
    print(said)
    assert trader.process.returncode == 0, said
    assert len(re.findall("^taken ", said, re.M)) == 4 and len(re.findall("^refused ", said, re.M)) == 1
    assert re.search(r"^\d+ ticks, 0 failed; \d+ answers checked, 0 wrong$", said, re.M)
    assert re.search(r"^ns: p50 \d+, p99 \d+, p99.9 \d+, p99.99 \d+, max \d+$", said, re.M)
    journal = numpy.fromfile(tmp_path / "journal", ANSWER)
    generations, answers = numpy.unique(journal["generation"], return_counts=True)
    # However long the day was, no generation's answers push out those of a later one.
    assert generations.tolist() == [1, 2, 3, 5, 6] and answers.max() <= KEPT and len(journal) > 100, answers
    check_journal(journal, rows, folder, binary, tmp_path)
