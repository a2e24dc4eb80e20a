# SPDX-License-Identifier: Apache-2.0
"""The module gives the bits of the program `tickmlp`: every bundled blob on every kernel, each path."""
import subprocess

import numpy as np
import pytest
import tickmlp

from conftest import ROOT

KERNELS = [kernel.name for kernel in tickmlp.kernels() if kernel.available]


def ran(binary, folder, blob, values, *options):
    """What `tickmlp run` makes of the values."""
    np.save(folder / "in.npy", values)
    subprocess.run([binary, "run", blob, "--input", folder / "in.npy", "--output", folder / "out.npy", *options],
                   check=True, capture_output=True)
    return np.load(folder / "out.npy")


def states_of(model, count=257):
    return np.random.default_rng(11).uniform(-1.05, 1.05, (count, model.info.inputs)).astype(np.float32)


def test_it_is_installed_and_not_the_tree():
    assert ROOT / "tools" not in __import__("pathlib").Path(tickmlp.__file__).parents


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_blob_on_every_kernel(kernel, blob, binary, tmp_path):
    if not blob.stem.endswith(kernel.split("-")[0]):
        with pytest.raises(tickmlp.Error) as refused:
            tickmlp.Model(blob, kernel=kernel)
        assert refused.value.status == "kernel-type"
        return
    with tickmlp.Model(blob, kernel=kernel) as model:
        assert model.info.kernel == kernel
        states = states_of(model)
        outputs = model.infer(states)
        assert outputs.tobytes() == ran(binary, tmp_path, blob, states, "--kernel", kernel).tobytes()
        assert np.stack([model.infer(state) for state in states[:5]]).tobytes() == outputs[:5].tobytes()


def test_windows_and_replay(blob, binary, tmp_path):
    with tickmlp.Model(blob) as model:
        if model.info.window is None:
            for call in (model.window, lambda: model.replay(np.zeros((100, 7), np.float32))):
                with pytest.raises(tickmlp.Error) as refused:
                    call()
                assert refused.value.status == "no-window"
            return
        rows, columns = model.info.window
        bars = np.random.default_rng(3).uniform(-1, 1, (rows + 2500, columns)).astype(np.float32)
        expected = ran(binary, tmp_path, blob, bars, "--path", "replay")
        assert expected.shape == (2501, model.info.outputs)
        assert model.replay(bars).tobytes() == expected.tobytes()
        with model.window() as window:
            window.reset(bars[:rows])
            for bar in range(200):
                assert window.tick(bars[rows - 1 + bar]).tobytes() == expected[bar].tobytes()
                window.advance()
                window.tick(bars[rows + bar])
            assert window.counters.inferences == 400


def test_modes_and_bytes(blob):
    with tickmlp.Model(blob) as copied, tickmlp.Model(blob, mode="mapped") as mapped, \
            tickmlp.Model(blob.read_bytes()) as from_bytes:
        states = states_of(copied)
        assert copied.infer(states).tobytes() == mapped.infer(states).tobytes() == from_bytes.infer(states).tobytes()
        assert mapped.info.lock == "unlocked" and copied.info.blob_sha256 == from_bytes.info.blob_sha256
