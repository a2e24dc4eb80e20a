# SPDX-License-Identifier: Apache-2.0
"""The command line: what a user may write, checked as far as it can be without opening a file."""

from __future__ import annotations

import argparse
import math
import os
import re
from typing import NoReturn

from . import EXPORTER, calibrate, layout, states
from .errors import ExportError, usage

DEFAULT_BUDGET = {"probability": 0.02, "value": 0.02, "argmax": 0.99}
MAX_GENERATION = 2**64 - 1


class Parser(argparse.ArgumentParser):
    """argparse whose complaints are ExportError lines like all others."""

    def error(self, message: str) -> NoReturn:
        raise usage(f"{message}; expected SOURCE -o OUT.blob [options], see --help")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Error: usage (exit code 2)."""
    parser = Parser("weight_export", description="Export a trained two-layer network to a tickmlp blob.",
                    allow_abbrev=False)
    parser.add_argument("source", metavar="SOURCE", nargs="?",
                        help="TorchScript .pt, state_dict .pt/.pth, .safetensors, .onnx or .npz")
    parser.add_argument("-o", "--output", metavar="OUT.blob", help="the blob to write")
    parser.add_argument("--dtype", choices=sorted(layout.ELEMENT_TYPES), default="int8", help="default int8")
    ranges = parser.add_mutually_exclusive_group()
    ranges.add_argument("--calibration", metavar="STATES.npy", help="typical states, float [n, inputs]")
    ranges.add_argument("--ranges", metavar="LOW,HIGH", type=_ranges, help="range of every input (default -1,1)")
    parser.add_argument("--calibrate", metavar="METHOD", type=_method, default=calibrate.MINMAX,
                        help="minmax (default), percentile=NUMBER, mse or best")
    parser.add_argument("--held-out", metavar="STATES.npy", help="states to measure accuracy with and choose by")
    parser.add_argument("--window", metavar="ROWSxCOLS", type=_window, default=(0, 0),
                        help="the input is this window, oldest row first")
    parser.add_argument("--name", help="model name, default: the source's name without its suffix")
    parser.add_argument("--generation", metavar="N", type=_generation, default=1, help="default 1")
    parser.add_argument("--run-id", metavar="S", default="", help="training run, default empty")
    parser.add_argument("--model", metavar="DESCRIPTION.json", help="how named weights are connected")
    parser.add_argument("--source-sha256", metavar="HEX", type=_digest, default=b"",
                        help="refuse a source with another SHA-256")
    parser.add_argument("--requantise", action="store_true", help="take int8 weights as plain numbers")
    parser.add_argument("--budget", metavar="KEY=NUMBER,...", type=_budget, default=dict(DEFAULT_BUDGET),
                        help="default probability=0.02,value=0.02,argmax=0.99")
    parser.add_argument("--report", metavar="R.json", help="write the accuracy figures as JSON")
    parser.add_argument("--report-html", metavar="R.html", help="write them as a page with plots")
    parser.add_argument("--features", metavar="a,b,c", type=_features, default=[], help="a name for each feature")
    parser.add_argument("--print-layout", action="store_true", help="print the blob's field offsets as JSON")
    parser.add_argument("--version", action="version", version=EXPORTER)
    options = parser.parse_args(joined(arguments))
    if not options.print_layout:
        _complete(options)
    return options


def joined(arguments: list[str]) -> list[str]:
    """`--ranges -1,1` as `--ranges=-1,1`: argparse would take the -1,1 for an option."""
    words: list[str] = []
    for argument in arguments:
        if words and words[-1] == "--ranges" and re.match(r"-[\d.]", argument):
            words[-1] += "=" + argument
        else:
            words.append(argument)
    return words


def _complete(options: argparse.Namespace) -> None:
    if options.source is None or options.output is None:
        raise usage("no " + ("SOURCE" if options.source is None else "-o OUT.blob") + ", expected SOURCE -o OUT.blob")
    if options.name is None:
        options.name = os.path.splitext(os.path.basename(options.source))[0]
    if options.calibration is None and (options.calibrate != calibrate.MINMAX or options.held_out is not None):
        raise usage("--calibrate or --held-out without --calibration, expected --calibration STATES.npy beside it")
    if options.dtype != "int8" and options.calibrate != calibrate.MINMAX:
        raise usage(f"--calibrate {options.calibrate} with --dtype {options.dtype}, which has no use for ranges, "
                    "expected --dtype int8")
    paths = [options.source, options.output, options.report, options.report_html, options.calibration, options.held_out,
             options.model]
    targets = [os.path.realpath(path) for path in paths if path is not None]
    for path in (options.output, options.report, options.report_html):
        if path is not None and targets.count(os.path.realpath(path)) > 1:
            raise usage(f"{path} is named twice, expected an output of its own")


def _refuse(text: str, expected: str) -> NoReturn:
    raise argparse.ArgumentTypeError(f"{text!r}, expected {expected}")


def _numbers(text: str) -> list[float]:
    """Comma-separated finite numbers, without what float() also takes (spaces, underscores, nan, infinity)."""
    parts = text.split(",")
    if not all(re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", part, re.ASCII) for part in parts):
        return []
    values = [float(part) for part in parts]
    return values if all(math.isfinite(value) for value in values) else []


def _ranges(text: str) -> tuple[float, float]:
    values = _numbers(text)
    expected = "LOW,HIGH with LOW <= HIGH and a magnitude of 2^-100 .. 2^100"
    if len(values) != 2 or values[0] > values[1]:
        _refuse(text, expected)
    if not states.SMALLEST_RANGE <= max(abs(values[0]), abs(values[1])) <= states.LARGEST_RANGE:
        _refuse(text, expected)
    return values[0], values[1]


def _method(text: str) -> str:
    if text in (calibrate.MINMAX, calibrate.MSE, calibrate.BEST):
        return text
    percent = _numbers(text.removeprefix(calibrate.PERCENTILE)) if text.startswith(calibrate.PERCENTILE) else []
    if len(percent) != 1 or not 50 <= percent[0] <= 100:
        _refuse(text, "minmax, percentile=NUMBER with 50 .. 100, mse or best")
    return text


def _window(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d{0,3})x([1-9]\d{0,3})", text, re.ASCII)
    if not match:
        _refuse(text, "ROWSxCOLS, such as 60x7")
    return int(match[1]), int(match[2])


def _generation(text: str) -> int:
    if not re.fullmatch(r"\d{1,20}", text, re.ASCII) or int(text) > MAX_GENERATION:
        _refuse(text, f"a whole number 0 .. {MAX_GENERATION}")
    return int(text)


def _digest(text: str) -> bytes:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text, re.ASCII):
        _refuse(text, "64 hexadecimal digits")
    return bytes.fromhex(text)


def _budget(text: str) -> dict[str, float]:
    budget, seen = dict(DEFAULT_BUDGET), set()
    for part in text.split(","):
        key, _, number = part.partition("=")
        values = _numbers(number)
        if key not in budget or key in seen or len(values) != 1 or values[0] < 0:
            _refuse(text, "probability=NUMBER,value=NUMBER,argmax=NUMBER, each at most once and not negative")
        seen.add(key)
        budget[key] = values[0]
    if budget["argmax"] > 1:
        _refuse(text, "argmax=NUMBER of at most 1")
    return budget


def _features(text: str) -> list[str]:
    names = text.split(",")
    if "" in names or len(set(names)) != len(names):
        _refuse(text, "a,b,c: names that are not empty and not repeated")
    return names


def check_window(window: tuple[int, int], inputs: int) -> None:
    """Error: bad-window."""
    rows, columns = window
    if rows and rows * columns != inputs:
        raise ExportError("bad-window", f"--window {rows}x{columns} is {rows * columns} inputs, expected the model's "
                          f"{inputs}")


def check_features(features: list[str], count: int) -> None:
    """Error: bad-features."""
    if features and len(features) != count:
        raise ExportError("bad-features", f"--features has {len(features)} names, expected {count} (one for each "
                          "feature of a bar, or each input without --window)")
