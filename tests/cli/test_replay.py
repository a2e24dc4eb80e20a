# SPDX-License-Identifier: Apache-2.0
"""`tickmlp run --path replay`: a history of bars, each window of it scored as a live system would."""
import numpy
import pytest

ROWS, COLUMNS = 4, 3  # the window of the models in conftest.py


@pytest.fixture
def bars(tmp_path):
    values = numpy.random.default_rng(5).uniform(-1, 1, (3000, COLUMNS)).astype(numpy.float32)  # three batches
    numpy.save(tmp_path / "bars.npy", values)
    return values


def replay(tickmlp, blob, folder, *options):
    return tickmlp("run", blob, "--input", folder / "bars.npy", "--output", folder / "replay.npy", "--path", "replay",
                   *options)


def test_it_equals_the_full_path_over_every_window(tickmlp, blob, bars, tmp_path):
    done = replay(tickmlp, blob, tmp_path)
    assert done.returncode == 0 and "2,997 states" in done.stdout, done.stderr
    windows = numpy.stack([bars[i:i + ROWS].reshape(-1) for i in range(len(bars) - ROWS + 1)])
    numpy.save(tmp_path / "states.npy", windows)
    assert tickmlp("run", blob, "--input", tmp_path / "states.npy", "--output", tmp_path / "full.npy").returncode == 0
    assert numpy.load(tmp_path / "replay.npy").shape == (2997, 4)
    assert (tmp_path / "replay.npy").read_bytes() == (tmp_path / "full.npy").read_bytes()


def test_the_shortest_history(tickmlp, blob, bars, tmp_path):
    numpy.save(tmp_path / "bars.npy", bars[:ROWS])
    assert replay(tickmlp, blob, tmp_path).returncode == 0
    assert numpy.load(tmp_path / "replay.npy").shape == (1, 4)


def test_refusals(tickmlp, blob, flat_blob, bars, tmp_path):
    done = replay(tickmlp, flat_blob, tmp_path)
    assert done.returncode == 4 and "no-window" in done.stderr and "--window" in done.stderr
    numpy.save(tmp_path / "bars.npy", bars[:ROWS - 1])
    done = replay(tickmlp, blob, tmp_path)
    assert done.returncode == 4 and "3 rows; expected at least 4, the model's window" in done.stderr
    numpy.save(tmp_path / "bars.npy", bars.reshape(-1, ROWS * COLUMNS))
    done = replay(tickmlp, blob, tmp_path)
    assert done.returncode == 4 and "(750, 12)" in done.stderr and "3" in done.stderr.split("expected")[1]
    bars[2000, 1] = numpy.nan
    numpy.save(tmp_path / "bars.npy", bars)
    done = replay(tickmlp, blob, tmp_path)  # row 2000 is the newest of state 1997
    assert done.returncode == 4 and "state 1997: non-finite-input" in done.stderr
    assert not (tmp_path / "replay.npy").exists()
    if "int8" in blob.stem:  # one value, though four windows hold it
        done = replay(tickmlp, blob, tmp_path, "--non-finite", "flush")
        assert done.returncode == 0 and "1 flushed" in done.stdout, done.stdout + done.stderr
