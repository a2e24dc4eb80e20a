# SPDX-License-Identifier: Apache-2.0
"""Blobs of random weights, for timing models that no checkpoint is at hand for."""

from __future__ import annotations

import argparse
import pathlib
import subprocess
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
INPUTS = 420
CRITIC = 32  # lanes; the others are shared by three actors
DTYPES = ("int8", "float32")


def arrays_of(lanes: int, inputs: int = INPUTS) -> dict[str, np.ndarray]:
    """Three actors with three outputs and a critic; `lanes` hidden units in all."""
    random = np.random.default_rng(lanes)

    def draw(*shape: int) -> np.ndarray:
        return (random.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32)

    arrays = {}
    for actor in ("first", "second", "third"):
        hidden = (lanes - CRITIC) // 3
        arrays |= {f"{actor}.w1": draw(inputs, hidden), f"{actor}.w2": draw(hidden, 3)}
    return arrays | {"critic.w1": draw(inputs, CRITIC), "critic.w2": draw(CRITIC, 1)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="wide_models", description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="where the blobs go, as wide-LANES-DTYPE.blob")
    parser.add_argument("--lanes", type=int, nargs="+", default=[608, 2048], help="default: 608 2048")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for lanes in options.lanes:
        if lanes < 3 * 16 + CRITIC or (lanes - CRITIC) % (3 * 16) != 0:
            parser.error(f"{lanes} lanes; expected 32 and a multiple of 48, such as 224, 608 or 2048")
        source = options.folder / f"wide-{lanes}.npz"
        np.savez(source, **arrays_of(lanes))
        for dtype in DTYPES:
            blob = options.folder / f"wide-{lanes}-{dtype}.blob"
            done = subprocess.run([sys.executable, str(ROOT / "tools" / "weight_export"), str(source), "-o", str(blob),
                                   "--dtype", dtype, "--name", f"wide-{lanes}"], check=False)
            if done.returncode != 0:
                return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
