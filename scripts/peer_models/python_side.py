# SPDX-License-Identifier: Apache-2.0
"""TorchScript called from Python, one thread, inference mode: a process of its own, so beside the interleaved figures
and not among them."""
import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch

from .dense import PARTS

WARM_UP = 200


def measure(models: Path, states: Path, name: str, samples: int) -> dict:
    """The state is in a tensor before the clock is read; the outputs stay tensors."""
    module = torch.jit.load(str(models / name / "exported.pt")).eval()
    rows = torch.from_numpy(np.load(states / f"states-{name}.npy"))
    inputs = [list(torch.split(row[None], PARTS[name], dim=1)) for row in rows[:min(len(rows), samples)]]
    times = np.empty(samples, np.int64)
    with torch.inference_mode():
        for i in range(-WARM_UP, samples):
            state = inputs[i % len(inputs)]
            begin = time.perf_counter_ns()
            module(*state)
            times[max(i, 0)] = time.perf_counter_ns() - begin
    times.sort()
    central = times[samples // 10:samples - samples // 10]
    return {"system": "torchscript-python", "version": torch.__version__, "dtype": "float32", "model": name,
            "count": samples, "central_ns": float(central.mean()), "p50_ns": int(times[(samples - 1) // 2]),
            "p99_ns": int(times[-(-samples * 99 // 100) - 1])}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="peer_models.python_side", description=__doc__)
    parser.add_argument("models", type=Path)
    parser.add_argument("states", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", action="append", required=True, choices=sorted(PARTS))
    parser.add_argument("--samples", type=int, default=2000)
    options = parser.parse_args(arguments)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    rows = [measure(options.models, options.states, name, options.samples) for name in options.model]
    options.out.write_text(json.dumps(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
