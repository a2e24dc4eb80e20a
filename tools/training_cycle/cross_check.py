# SPDX-License-Identifier: Apache-2.0
"""The exporter's integer model in numpy against every kernel of this CPU: the same bits, or no publication."""

from __future__ import annotations

import argparse
import json
import os

import numpy as np

from weight_export import layout
from weight_export.accuracy import state_limit
from weight_export.blob import Blob
from weight_export.packed import PackedModel, evaluate
from weight_export.states import random_states, read_calibration, spread

from .causes import Refused
from .programs import program, run
from .progress import Progress

MOST_STATES = 1024
SEED, STRETCH = 11, 1.5  # beyond the ranges too, so that int8 inputs are clipped
BATCH = 256


def states_for(options: argparse.Namespace, blob: Blob) -> np.ndarray:
    """float32 [n, inputs]: the golden inputs, calibration states where given, states drawn up to 1.5 x outside the
    ranges. 1,024 at most, 256 for float32, whose exact model in numpy is slow."""
    packed = blob.packed
    room = min(MOST_STATES, state_limit(packed)) - len(blob.golden_inputs)
    parts = [blob.golden_inputs]
    if options.calibration:
        parts.append(spread(read_calibration(options.calibration, packed.inputs).states, max(1, room // 2)))
        room -= len(parts[-1])
    parts.append(random_states(max(1, room), packed.ranges, packed.inputs, SEED, STRETCH))
    return np.ascontiguousarray(np.concatenate(parts), dtype=np.float32)


def outputs_of(packed: PackedModel, states: np.ndarray) -> np.ndarray:
    """The exact outputs, float32 [n, outputs]."""
    return np.concatenate([evaluate(packed, states[i:i + BATCH]) for i in range(0, len(states), BATCH)])


def check_kernels(path: str, blob: Blob, states: np.ndarray, folder: str, progress: Progress) -> str:
    """A sentence. Cause: kernel-mismatch."""
    expected = outputs_of(blob.packed, states)
    inputs, outputs = os.path.join(folder, "states.npy"), os.path.join(folder, "outputs.npy")
    np.save(inputs, states)
    paths = ["full", "tick"] if blob.packed.window[0] else ["full"]
    kernels = _kernels(blob, progress)
    for kernel in kernels:
        for way in paths:
            done = run([program("tickmlp"), "run", path, "--input", inputs, "--output", outputs, "--kernel", kernel,
                        "--path", way], progress)
            if done.code != 0:
                raise Refused("kernel-mismatch", f"kernel {kernel}, {way} path: {done.last_line}")
            _compare(np.load(outputs, allow_pickle=False), expected, f"kernel {kernel}, {way} path")
    return f"{len(kernels)} kernels ({' and '.join(paths)} path) give the integer model's bits on {len(states)} states"


def _kernels(blob: Blob, progress: Progress) -> list[str]:
    done = run([program("tickmlp"), "kernels", "--json"], progress)
    if done.code != 0:
        raise Refused("kernel-mismatch", f"tickmlp kernels: {done.last_line}")
    dtype = "int8" if blob.packed.element_type == layout.INT8 else "float32"
    return [kernel["name"] for kernel in json.loads(done.text)["kernels"]
            if kernel["dtype"] == dtype and kernel["available"]]


def _compare(seen: np.ndarray, expected: np.ndarray, what: str) -> None:
    if seen.shape != expected.shape or seen.dtype != np.float32:
        raise Refused("kernel-mismatch", f"{what}: {seen.dtype} outputs {list(seen.shape)}, expected float32 "
                      f"{list(expected.shape)}")
    differ = np.argwhere(seen.view(np.uint32) != expected.view(np.uint32))
    if len(differ):
        state, output = (int(i) for i in differ[0])
        raise Refused("kernel-mismatch", f"{what}: state {state}, output {output} is {seen[state, output]:.9g} "
                      f"({len(differ)} of {expected.size} outputs differ), expected {expected[state, output]:.9g} as "
                      "the integer model gives")
