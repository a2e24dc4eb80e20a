# SPDX-License-Identifier: Apache-2.0
"""Two publishers at once: one wins whole, the other says why not. Readers meanwhile find only whole ones."""
import fcntl
import os
import subprocess
import threading
import time

from published import published_name

ROUNDS = 100


class Reader(threading.Thread):
    """Reads as fast as it can; what is wrong ends up in `fault`."""

    def __init__(self, published):
        super().__init__()
        self.published, self.fault, self.reads, self.generations, self.stop = published, None, 0, [], False

    def run(self):
        try:
            while not self.stop:
                self.generations.append(self.published.generation())
                self.reads += 1
        except Exception as fault:
            self.fault = fault


def test_two_publishers_at_once(published, blobs):
    published.done(blobs(1))
    reader = Reader(published)
    reader.start()
    winners, reasons = [], set()
    for generation in range(2, ROUNDS + 2):
        pair = [blobs(generation, seed=seed) for seed in (5, 6)]
        expect = ["--expect", published.line.strip()] if generation % 2 else []
        running = [subprocess.Popen(published.words(blob, *expect), stderr=subprocess.PIPE, text=True,
                                    stdout=subprocess.DEVNULL) for blob in pair]
        errors = [process.communicate()[1] for process in running]
        codes = [process.returncode for process in running]
        assert sorted(codes) == [0, 22 if expect else 20], errors
        winner = codes.index(0)
        assert published.line == published_name(pair[winner], generation) + "\n"
        # The loser left nothing: two blobs of one generation would be one too many.
        assert published_name(pair[1 - winner], generation) not in published.names()
        winners.append(winner)
        reasons.add(errors[1 - winner].split(": ")[1])
    reader.stop = True
    reader.join()
    assert reader.fault is None and reader.generations == sorted(reader.generations) and reader.reads > ROUNDS
    assert reasons == {"error race-lost", "error generation-too-low"}
    print(f"{ROUNDS} rounds, the second won {sum(winners)}; {reader.reads} reads meanwhile")


def test_many_publishers_of_rising_generations(published, blobs):
    """Whatever the order, the highest is current in the end, and whoever came too late says so."""
    running = [subprocess.Popen(published.words(blobs(generation)), stderr=subprocess.PIPE, text=True,
                                stdout=subprocess.DEVNULL) for generation in range(1, 17)]
    errors = [process.communicate()[1] for process in running]
    assert published.generation() == 16
    for process, error in zip(running, errors):
        assert process.returncode == 0 or (process.returncode == 20 and "generation-too-low" in error)
    assert len([name for name in published.names() if name.endswith(".blob")]) == sum(
        process.returncode == 0 for process in running)


def test_a_publisher_that_does_not_end(published, blobs):
    """Stopped while it holds the folder: the next says busy. Once it is dead the folder is free."""
    descriptor = os.open(published.folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    started = time.monotonic()
    published.refused(blobs(1), "--wait", "0.2", name="busy", code=23, words=["0.2"])
    assert time.monotonic() - started >= 0.2
    waiting = subprocess.Popen(published.words(blobs(1)), stdout=subprocess.DEVNULL)
    time.sleep(0.2)
    assert waiting.poll() is None and published.names() == []
    os.close(descriptor)
    assert waiting.wait(60) == 0 and published.generation() == 1


def test_waiting_can_be_interrupted(published, blobs):
    descriptor = os.open(published.folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    waiting = subprocess.Popen(published.words(blobs(1)), stdout=subprocess.DEVNULL)
    time.sleep(0.3)
    waiting.terminate()
    assert waiting.wait(10) == -15 and published.names() == []
    os.close(descriptor)


def test_a_living_publishers_temporary_file_is_left_alone(published, blobs):
    """Whoever holds the folder owns the temporary files: others do not come that far."""
    descriptor = os.open(published.folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    (published.folder / ".tmp-2-0").write_bytes(b"being written")
    published.refused(blobs(1), "--wait", "0", name="busy", code=23)
    os.close(descriptor)
    assert published.done(blobs(1))["leftovers"] == 1
