# SPDX-License-Identifier: Apache-2.0
"""Write model inputs from the synthetic market: consecutive states, as a running system would see them."""
import argparse
import sys

import numpy as np

from .features import INPUTS, WARM_UP, states_ending_at
from .gaps import track_gaps
from .market import generate_market

DEFAULT_SEED = 20_000  # not a training seed, so that states made by default are new to the models


def make_states(model: str, states: int, seed: int) -> np.ndarray:
    """[states, inputs] float32; state k+1 is state k one bar later."""
    shape = INPUTS[model]
    first = WARM_UP + shape.window - 1
    bars = generate_market(first + states, seed)
    rows = shape.rows(bars, track_gaps(bars))
    return states_ending_at(rows, np.arange(first, first + states), shape.window)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected 1 or more")
    return value


def _seed(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text}: expected 0 or more")
    return value


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="synthetic_market",
        description="Write states of the synthetic market as float32 [states, inputs] to a .npy file. "
                    "The same seed gives the same bytes on every machine.")
    parser.add_argument("out", metavar="OUT.npy")
    parser.add_argument("--states", type=_positive, default=4096, metavar="N", help="how many (4096)")
    parser.add_argument("--seed", type=_seed, default=DEFAULT_SEED, metavar="S", help=f"market ({DEFAULT_SEED})")
    parser.add_argument("--model", choices=sorted(INPUTS), default="tactical",
                        help="whose inputs: tactical, 420 a state (default), or strategic, 13")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Exit codes: 0 written, 2 wrong usage, 4 the file cannot be written."""
    options = parse(arguments)
    states = make_states(options.model, options.states, options.seed)
    try:
        with open(options.out, "wb") as file:
            np.save(file, states)
    except OSError as error:
        print(f"synthetic_market: cannot write {options.out}: {error.strerror}", file=sys.stderr)
        return 4
    print(f"{options.out}: {options.model} states {states.shape[0]} x {states.shape[1]} float32, seed {options.seed}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
