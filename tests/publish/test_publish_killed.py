# SPDX-License-Identifier: Apache-2.0
"""Killed at every system call and at random instants: a reader finds the old one or the new one, whole, and the next
publication succeeds and cleans up. TICKMLP_SLOW=1 makes 10,000 random instants of 300 (`scripts/test killed`).
"""
import os
import random
import shutil
import signal
import subprocess
import time

import pytest
from conftest import BUILD

INSTANTS = 10_000 if os.environ.get("TICKMLP_SLOW") else 300


@pytest.fixture
def kill_at():
    harness = BUILD / "tests" / "kill_at_system_call"
    if not harness.is_file():
        pytest.skip(f"no {harness}: build it, or set TICKMLP_BUILD")

    def run(number, words):
        """True: killed as it entered system call `number`; False: it had ended before."""
        done = subprocess.run([harness, str(number), *words], capture_output=True, text=True, timeout=60)
        if done.returncode == 2:
            pytest.skip("no process can be traced here")
        return done.returncode == 0
    return run


@pytest.fixture
def three(published, blobs):
    for generation in (1, 2, 3):
        published.done(blobs(generation), "--signature", blobs.signature(generation))
    (published.folder / ".tmp-1-0").write_bytes(b"half")
    return published


def at_every_system_call(kill_at, three, tmp_path, words_of, old, new, check_next):
    """Returns how many calls were killed, and at how many of them the new one was current already."""
    calls = after = 0
    while True:
        copy = three.copy_to(tmp_path / str(calls))
        if not kill_at(calls + 1, words_of(copy)):
            assert copy.line == new and calls > 50
            return calls, after
        assert copy.line in (old, new)
        copy.generation()
        copy.check_all_whole()
        after += copy.line == new
        if copy.files() != three.files():  # else it had not begun to write
            check_next(copy)
            assert copy.leftovers() == []
        shutil.rmtree(copy.folder)
        calls += 1


def test_publication_killed_at_every_system_call(kill_at, three, blobs, tmp_path):
    options = ["--signature", blobs.signature(4), "--keep", "2"]
    whole = three.copy_to(tmp_path / "whole")
    whole.done(blobs(4), *options)

    def again(copy):
        """The same publication, or the next where it was through."""
        retried = copy.publish(blobs(4), *options)
        assert retried.returncode in (0, 21), retried.stderr
        assert copy.generation() == 4 and copy.names().count("current") == 1
        copy.done(blobs(5, seed=6))
        assert copy.generation() == 5
    calls, after = at_every_system_call(kill_at, three, tmp_path, lambda copy: copy.words(blobs(4), *options),
                                        three.line, whole.line, again)
    print(f"killed at each of {calls} system calls, {after} of them after the new one was current")
    assert 0 < after < calls


def test_another_publication_after_one_that_died(kill_at, three, blobs, tmp_path):
    """Not the same blob again but another of that generation: what the dead one left is in nobody's way."""
    def other(copy):
        if copy.generation() == 3:
            copy.done(blobs(4, seed=6))
            assert copy.generation() == 4
        copy.done(blobs(5))
        copy.check_all_whole()
    words = lambda copy: copy.words(blobs(4))
    whole = three.copy_to(tmp_path / "whole")
    whole.done(blobs(4))
    at_every_system_call(kill_at, three, tmp_path, words, three.line, whole.line, other)


def test_rollback_killed_at_every_system_call(kill_at, three, blobs, tmp_path):
    options = ["--rollback-from", "3"]
    whole = three.copy_to(tmp_path / "whole")
    whole.done(blobs(1), *options)

    def again(copy):
        assert copy.publish(blobs(1), *options).returncode in (0, 21)
        assert copy.generation() == 1 and copy.line.endswith(" rollback-from 3\n")
        copy.done(blobs(4))
    calls, after = at_every_system_call(kill_at, three, tmp_path, lambda copy: copy.words(blobs(1), *options),
                                        three.line, whole.line, again)
    assert 0 < after < calls


def seconds_of_one(published, blobs):
    """The median of five, in a folder of its own."""
    times = []
    for generation in range(1, 6):
        started = time.perf_counter()
        published.done(blobs(generation))
        times.append(time.perf_counter() - started)
    return sorted(times)[2]


def test_killed_at_random_instants(three, blobs, published, tmp_path):
    chance = random.Random(20)
    seconds = seconds_of_one(type(three)(three.program, blobs, tmp_path), blobs)
    generation, moved, whole_runs, halfway = 3, 0, 0, 0
    for instant in range(INSTANTS):
        # Bytes of two models in turns, so that the old and the new one of an instant are not the same.
        words = three.words(blobs(generation + 1, seed=5 + instant % 2), "--keep", "4")
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, 1.1) * seconds)
        process.send_signal(signal.SIGKILL)
        code = process.wait()
        now = three.generation()
        assert now in (generation, generation + 1), instant
        assert code == -signal.SIGKILL or (code == 0 and now == generation + 1), code
        whole_runs += code == 0
        # A temporary file, or a blob that is not current: it died between its first write and its last rename.
        halfway += bool(three.leftovers()) or len(three.blobs_above(now)) > 0
        moved += now != generation
        generation = now
        if instant % 20 == 0:
            three.check_all_whole()
            three.done(blobs(generation + 1, seed=7))
            generation += 1
            assert three.generation() == generation and three.leftovers() == []
    print(f"{INSTANTS} instants: {moved} new ones, {whole_runs} of them by a run that was through; {halfway} halfway")
    # Else the instants missed what they are for.
    assert 0 < moved < INSTANTS and halfway > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted(three, blobs, number):
    """Before the lock it dies of the signal, after it the publication is finished; never anything between."""
    chance = random.Random(int(number))
    seconds = seconds_of_one(three.copy_to(three.folder.parent / "timing"), _Above(blobs))
    codes, generation = set(), 3
    for _ in range(40):
        process = subprocess.Popen(three.words(blobs(generation + 1)), stdout=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, 1.1) * seconds)
        process.send_signal(number)
        codes.add(process.wait())
        generation = three.generation()
        assert three.leftovers() in ([], [".tmp-1-0"])
    assert codes <= {0, -number}


class _Above:
    """The blobs from generation 4 on."""

    def __init__(self, blobs):
        self.blobs = blobs

    def __call__(self, generation):
        return self.blobs(generation + 3)
