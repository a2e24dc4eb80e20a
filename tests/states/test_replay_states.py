# SPDX-License-Identifier: Apache-2.0
"""A whole history through one window, bar by bar: build/tests/test_replay on every kernel, and `tickmlp run --path
replay` against the full path. On the real bars where they are (half a minute), on the synthetic market everywhere."""
import os
import pathlib
import subprocess

import numpy
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TICKMLP_BUILD", ROOT / "build"))
WINDOW, COLUMNS = 60, 7


@pytest.fixture(scope="session")
def synthetic_history(synthetic):
    """The market behind the synthetic states, which are neighbours: all rows of the first, then each one's newest."""
    states = numpy.load(synthetic / "states.npy").reshape(-1, WINDOW, COLUMNS)
    assert (states[1:, :-1] == states[:-1, 1:]).all(), "the states are no neighbours"
    numpy.save(synthetic / "rows.npy", numpy.concatenate([states[0], states[1:, -1]]))
    return synthetic


@pytest.fixture(scope="session")
def real_history(real, real_rows):
    folder, _ = real
    numpy.save(folder / "rows.npy", real_rows)
    return folder


@pytest.fixture(params=["synthetic", "real"])
def history(request):
    """A folder with rows.npy [bars, 7], int8.blob and float32.blob."""
    return request.getfixturevalue(f"{request.param}_history")


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_every_tick_of_a_history_equals_the_full_path_on_every_kernel(history, dtype):
    program = BUILD / "tests" / "test_replay"
    if not program.is_file():
        pytest.skip(f"no test program at {program}: build it, or set TICKMLP_BUILD")
    done = subprocess.run([program, f"--test-case=*history in {dtype}*"], env={**os.environ, "TICKMLP_REPLAY": history},
                          capture_output=True, text=True, timeout=600)
    print(done.stdout)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr
    assert f"{dtype}-scalar" in done.stdout


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_a_replay_from_the_command_line_equals_the_full_path(history, dtype, tmp_path):
    program = pathlib.Path(os.environ.get("TICKMLP_BINARY", ROOT / "build" / "tickmlp"))
    if not program.is_file():
        pytest.skip(f"no binary at {program}: build it, or set TICKMLP_BINARY")
    rows = numpy.load(history / "rows.npy")
    windows = numpy.lib.stride_tricks.sliding_window_view(rows, WINDOW, axis=0)  # [states, COLUMNS, WINDOW]
    numpy.save(tmp_path / "states.npy", windows.transpose(0, 2, 1).reshape(-1, WINDOW * COLUMNS))
    for path, source in (("replay", history / "rows.npy"), ("full", tmp_path / "states.npy")):
        subprocess.run([program, "run", history / f"{dtype}.blob", "--input", source, "--output", tmp_path / path,
                        "--path", path], check=True, stdout=subprocess.DEVNULL)
    replayed = numpy.load(tmp_path / "replay")
    assert replayed.shape == (len(rows) - WINDOW + 1, 10)
    assert replayed.tobytes() == numpy.load(tmp_path / "full").tobytes()
