# SPDX-License-Identifier: Apache-2.0
"""The command line: a checkpoint and its options, or one of the commands rollback, status and diff."""

from __future__ import annotations

import argparse
import re
from typing import NoReturn

from weight_export.options import joined

from .causes import Refused
from .names import MAX_GENERATION, is_publishable

COMMANDS = ("rollback", "status", "diff")
DEFAULT_KEEP = 8
CERTIFY = ("smoke", "quick", "standard", "full", "none")
# These go to the exporter as they are.
EXPORT_OPTIONS = ("dtype", "calibration", "ranges", "window", "run_id", "model", "budget", "features")
DESCRIPTION = """Export a checkpoint, prove and check the blob, certify, sign and publish it, in one command.
Other commands: after_training rollback --folder FOLDER [--to N], after_training status --folder FOLDER,
after_training diff A B [--folder FOLDER]; each has its own --help. Exit codes: docs/TRAINING_CYCLE.md."""


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused("usage", f"{message}; see --help")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Cause: usage. `command` is one of COMMANDS, or publish."""
    command = arguments[0] if arguments and arguments[0] in COMMANDS else "publish"
    parser = {"publish": _publish, "rollback": _rollback, "status": _status, "diff": _diff}[command]()
    options = parser.parse_args(joined(arguments if command == "publish" else arguments[1:]))
    options.command = command
    return options


def _parser(name: str, description: str) -> Parser:
    parser = Parser(name, description=description, allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    return parser


def _publish() -> Parser:
    parser = _parser("after_training", DESCRIPTION)
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="what tools/weight_export reads (docs/EXPORT.md)")
    parser.add_argument("--folder", required=True, help="the published folder, one for each model")
    parser.add_argument("--name", required=True, type=_name, help="the model's name: letters, digits and ._+-")
    parser.add_argument("--generation", type=_generation, help="default: one more than the newest in the folder")
    export = parser.add_argument_group("for the exporter")
    for option in EXPORT_OPTIONS:
        export.add_argument("--" + option.replace("_", "-"), metavar="...", help="as in tools/weight_export --help")
    check = parser.add_argument_group("checks")
    check.add_argument("--require-torch", action="store_true", help="refuse where PyTorch cannot compare")
    check.add_argument("--certify", choices=CERTIFY, default="smoke",
                       help="smoke (a second, the default), a suite of `tickmlp certify`, or none")
    check.add_argument("--latency-budget", metavar="p99=1us", help="a budget for `tickmlp certify`; FAIL stops")
    check.add_argument("--core", type=int, help="the core to certify on")
    check.add_argument("--require-pass", action="store_true", help="INCONCLUSIVE stops too")
    check.add_argument("--certificate", metavar="OUT.json", help="keep the certificate here, its evidence beside it")
    sign = parser.add_argument_group("signature")
    sign.add_argument("--sign", metavar="SECRET.key", help="minisign secret key (minisign -G -W)")
    sign.add_argument("--password-file", help="its password, the first line; none for a key made with -W")
    sign.add_argument("--public-key", help="file or base64: the signature must pass it (default: the secret key's)")
    folder = parser.add_argument_group("publication")
    folder.add_argument("--keep", type=_keep, default=DEFAULT_KEEP,
                        help=f"generations that stay, at least 2; 0: all (default {DEFAULT_KEEP})")
    folder.add_argument("--repair", action="store_true", help="publish over a `current` that cannot be read")
    folder.add_argument("--no-publish", action="store_true", help="all but the publication")
    return parser


def _rollback() -> Parser:
    parser = _parser("after_training rollback", "Make an older generation current again.")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--to", type=_generation, metavar="N",
                        help="default: the newest below the current one that was not itself given up")
    return parser


def _status() -> Parser:
    parser = _parser("after_training status", "What a folder holds. Exit 0: sound or empty, 27: damaged.")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--public-key", help="file or base64: verify every signature")
    return parser


def _diff() -> Parser:
    parser = _parser("after_training diff", "How two blobs differ: weights, scales, outputs on both's golden states.")
    parser.add_argument("a", metavar="A", help="a blob; with --folder also a generation, current or previous")
    parser.add_argument("b", metavar="B")
    parser.add_argument("--folder")
    return parser


def _refuse(text: str, expected: str) -> NoReturn:
    raise argparse.ArgumentTypeError(f"{text!r}, expected {expected}")


def _name(text: str) -> str:
    if not is_publishable(text):
        _refuse(text, "letters, digits and ._+-, 63 at most, the first a letter or digit")
    return text


def _generation(text: str) -> int:
    if not re.fullmatch(r"\d{1,20}", text, re.ASCII) or int(text) > MAX_GENERATION:
        _refuse(text, f"a whole number 0 .. {MAX_GENERATION}")
    return int(text)


def _keep(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or int(text) == 1:
        _refuse(text, "0, or a whole number of at least 2: one to go back to stays")
    return int(text)
