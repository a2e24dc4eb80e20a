# SPDX-License-Identifier: Apache-2.0
"""The whole cycle killed at random instants, and interrupted: old or new, nothing between, and the next one succeeds.
TICKMLP_SLOW=1 makes 100 instants of 5 (`scripts/test killed`)."""
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

import pytest
from published import BUILD, PLAIN, ROOT
from training_cycle.staging import PREFIX

INSTANTS = 100 if os.environ.get("TICKMLP_SLOW") else 5


@pytest.fixture
def start(checkpoint, published, tmp_path):
    """Starts a cycle in a process group of its own, its staging folders under tmp_path/staging."""
    (tmp_path / "staging").mkdir()

    def run(seed):
        words = [str(ROOT / "scripts" / "after_training"), str(checkpoint(seed)), "--folder", str(published.folder),
                 "--name", "small", *PLAIN, "--certify", "smoke"]
        variables = {**os.environ, "TICKMLP_BUILD": str(BUILD), "TICKMLP_PYTHON": sys.executable,
                     "TICKMLP_TORCH_PYTHON": "", "TMPDIR": str(tmp_path / "staging")}
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables,
                                start_new_session=True)
    return run


def staging_folders(tmp_path):
    """Python itself tries the folder with a file that lives for microseconds: that one can stay."""
    return [path for path in (tmp_path / "staging").iterdir() if path.name.startswith(PREFIX)]


def finished(process):
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors


def test_killed_at_random_instants(start, published, tmp_path):
    chance = random.Random(4)
    started = time.monotonic()
    finished(start(5))
    seconds, generation, moved = time.monotonic() - started, 1, 0
    for instant in range(INSTANTS):
        process = start(6 + instant)
        time.sleep(chance.uniform(0, 1.1) * seconds)
        # The machine is gone, or only the script: its children go on then, and may even publish.
        whole_group = instant % 2 == 0
        (os.killpg if whole_group else os.kill)(process.pid, signal.SIGKILL)
        process.communicate()
        if not whole_group:
            _wait_for_session(process.pid)
        now = published.generation()
        assert now in (generation, generation + 1)
        published.check_all_whole()
        moved, generation = moved + (now != generation), now
        if instant % 5 == 4:
            finished(start(1000 + instant))
            generation = published.generation()
            assert published.leftovers() == []
    # Folders that killed cycles left are removed by one that comes a minute later.
    left = staging_folders(tmp_path)
    for folder in left:
        os.utime(folder, (time.time() - 100, time.time() - 100))
    finished(start(2000))
    assert staging_folders(tmp_path) == []
    print(f"{INSTANTS} instants in {seconds:.1f} s: {moved} published, {len(left)} staging folders left, then removed")


def _states_of_session(session):
    """The state of every process of a session, as a letter."""
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _parent, _group, its_session = stat.read_text().rsplit(")", 1)[1].split()[:4]
        except OSError:  # gone meanwhile
            continue
        if int(its_session) == session:
            yield state


def _wait_for_session(session):
    """Orphans are init's, who may be slow to bury them: only those that still run count."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if all(state in "ZX" for state in _states_of_session(session)):
            return
        time.sleep(0.02)
    raise AssertionError("what the script started is still running")


@pytest.mark.parametrize("number, stage", [(signal.SIGINT, "export"), (signal.SIGTERM, "cross-check"),
                                           (signal.SIGHUP, "certify")])
def test_interrupted(start, published, tmp_path, number, stage):
    finished(start(5))
    process = start(6)
    for line in process.stderr:
        if f" {stage} ..." in line:
            break
    os.kill(process.pid, number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + number, errors
    assert f"after_training: error interrupted: {number.name} arrived, nothing was published" in errors
    assert published.generation() == 1 and staging_folders(tmp_path) == []
    finished(start(6))
    assert published.generation() == 2


def test_a_living_cycles_folder_is_left_alone(start, tmp_path):
    import fcntl
    folder = pathlib.Path(tempfile.mkdtemp(prefix=PREFIX, dir=tmp_path / "staging"))
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.utime(folder, (0, 0))
    finished(start(5))
    assert folder.exists()
    os.close(descriptor)
    finished(start(6))
    assert not folder.exists()
