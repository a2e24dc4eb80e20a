# SPDX-License-Identifier: Apache-2.0
"""Small models, exported for one test."""
import pathlib
import subprocess
import sys

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]


def network(seed=5, inputs=12):
    """Two heads over a window of 4 x 3."""
    random = numpy.random.default_rng(seed)
    draw = lambda *shape: random.uniform(-0.5, 0.5, shape).astype(numpy.float32)
    return {"side.w1": draw(inputs, 20), "side.w2": draw(20, 3), "side.b1": draw(20),
            "value.w1": draw(inputs, 7), "value.w2": draw(7, 1), "value.activation": numpy.array("identity")}


def export(folder, name, arrays, *options):
    source, blob = folder / f"{name}.npz", folder / f"{name}.blob"
    numpy.savez(source, **arrays)
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "weight_export"), str(source), "-o", str(blob),
                           "--name", name, *options], capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return blob
