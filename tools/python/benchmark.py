# SPDX-License-Identifier: Apache-2.0
"""Batches from Python beside the same batches from a C loop, in one process, in turns.

usage: python3 tools/python/benchmark.py BLOB [--states 1,64,1024] [--rounds 200] [--core N]
Prints nanoseconds a state of both, the median over the rounds, and Python's speed as a share of C's. Needs the module
installed (docs/PYTHON.md) and a C compiler for the loop."""
import argparse
import ctypes
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

import tickmlp
from tickmlp import library

LOOP = """
#include <stddef.h>
#include <stdint.h>
#include <time.h>
typedef int infer_batch(void* session, const float* inputs, size_t states, float* outputs, size_t* done);
uint64_t time_batches(infer_batch* infer, void* session, const float* inputs, size_t states, float* outputs, int times) {
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (int i = 0; i < times; ++i)
    if (infer(session, inputs, states, outputs, NULL) != 0) return 0;
  clock_gettime(CLOCK_MONOTONIC, &end);
  return (uint64_t)(end.tv_sec - begin.tv_sec) * 1000000000u + (uint64_t)(end.tv_nsec - begin.tv_nsec);
}
"""


def compiled_loop() -> ctypes.CDLL:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "loop.c").write_text(LOOP, encoding="utf-8")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", f"{folder}/loop.c", "-o", f"{folder}/loop.so"], check=True)
        loop = ctypes.CDLL(f"{folder}/loop.so")
    loop.time_batches.restype = ctypes.c_uint64
    loop.time_batches.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_size_t, ctypes.c_void_p, ctypes.c_int]
    return loop


def from_python(session: tickmlp.Session, states: np.ndarray, out: np.ndarray, times: int) -> int:
    begin = time.perf_counter_ns()
    for _ in range(times):
        session.infer(states, out)
    return time.perf_counter_ns() - begin


def measure(loop: ctypes.CDLL, model: tickmlp.Model, count: int, rounds: int) -> tuple[float, float, float]:
    """Nanoseconds a state of C and of Python, and the median of their ratio round by round."""
    states = np.random.default_rng(1).uniform(-1, 1, (count, model.info.inputs)).astype(np.float32)
    out = np.empty((count, model.info.outputs), np.float32)
    times = max(1, 512 // count)  # some 0.3 ms a turn
    function = ctypes.cast(library.C.tickmlp_infer_batch, ctypes.c_void_p)
    in_c, in_python = [], []
    with model.session() as session:
        for turn in range(rounds + 10):
            c = loop.time_batches(function, session._handle, states.ctypes.data, count, out.ctypes.data, times)
            python = from_python(session, states, out, times)
            if turn >= 10:  # the first ones fill the caches
                in_c.append(c / times / count)
                in_python.append(python / times / count)
    shares = [c / python for c, python in zip(in_c, in_python)]
    return statistics.median(in_c), statistics.median(in_python), statistics.median(shares)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("blob")
    parser.add_argument("--states", default="1,64,1024")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {arguments.core})
    loop = compiled_loop()
    with tickmlp.Model(arguments.blob) as model:
        print(f"{model.info.name} on {model.info.kernel}, core {arguments.core}, {arguments.rounds} rounds")
        print(f"{'batch':>6} {'C, ns a state':>14} {'Python':>8} {'share of C':>11}")
        for count in (int(part) for part in arguments.states.split(",")):
            c, python, share = measure(loop, model, count, arguments.rounds)
            print(f"{count:>6} {c:>14.1f} {python:>8.1f} {share:>11.3f}")


if __name__ == "__main__":
    main()
