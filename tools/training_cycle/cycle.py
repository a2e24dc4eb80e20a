# SPDX-License-Identifier: Apache-2.0
"""The training cycle: export, prove, cross-check, certify, sign, publish. The first stage that refuses ends it."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from typing import Any

from weight_export.blob import Blob
from weight_export.errors import EXIT_OVER_BUDGET, ExportError
from weight_export.read_blob import read_blob

from . import certify, cross_check, signing, torch_check
from .causes import BY_EXIT_CODE, Refused
from .folder import Contents, read_folder
from .interrupts import hold
from .options import EXPORT_OPTIONS
from .programs import ROOT, program, run
from .progress import Progress
from .staging import staging

Report = dict[str, Any]
# Errors of the exporter that say nothing about what it was given.
NO_FAULT_OF_THE_CHECKPOINT = {"cannot-write": "cannot-write", "internal": "internal", "interrupted": "internal",
                              "out-of-memory": "internal", "no-numpy": "internal"}


def publish(options: argparse.Namespace) -> tuple[str, Report, int]:
    """(text, JSON, exit code). Causes: all of CAUSES."""
    signing.check_public_key(options.public_key)
    contents = read_folder(options.folder, "cannot-write")
    generation = _generation(options, contents)
    for name in ("tickmlp", "tickmlp-publish"):
        program(name)  # missing ones are told before the work, not after it
    progress = Progress(6, options.quiet)
    with staging() as folder:
        path = os.path.join(folder, f"{options.name}.blob")
        figures = _export(options, generation, path, progress)
        blob = _prove(path, progress)
        _cross_check(options, path, blob, folder, progress)
        certify.certify(options, path, folder, progress)
        signature = signing.sign(options, path, options.name, generation, progress)
        outcome = _publish(options, contents, path, signature, progress)
    report = {"folder": options.folder, "name": options.name, "generation": generation, "dtype": figures["dtype"],
              "blob_sha256": figures["blob_sha256"], "accuracy": figures["heads"], "published": outcome,
              "stages": progress.results}
    verdict = next(stage for stage in progress.results if stage["stage"] == "certify")["result"]
    text = f"{outcome['file']} is current in {options.folder} ({verdict})" if outcome else \
        f"generation {generation} of {options.name} passed, and was not published as asked"
    return text, report, 0


def _generation(options: argparse.Namespace, contents: Contents) -> int:
    """What would be refused at the end is refused now. Causes: damaged-folder, other-model, generation-too-low."""
    if not options.repair:
        contents.sound()
    for blob in contents.blobs:
        if blob.name != options.name:
            raise Refused("other-model", f"{options.folder} holds {blob.file}, expected models named {options.name} "
                          "only: a folder holds one model")
    if options.generation is None:
        return 1 if contents.newest is None else contents.newest + 1
    if contents.highest is not None and options.generation <= contents.highest:
        raise Refused("generation-too-low", f"generation {options.generation}, expected at least "
                      f"{contents.highest + 1}, since {contents.highest} was published")
    return options.generation


def _export(options: argparse.Namespace, generation: int, path: str, progress: Progress) -> Report:
    progress.begin("export")
    figures = path + ".json"
    words = [sys.executable, os.path.join(ROOT, "tools", "weight_export"), options.checkpoint, "-o", path,
             "--name", options.name, "--generation", str(generation), "--report", figures]
    words += [f"--{option.replace('_', '-')}={value}" for option in EXPORT_OPTIONS
              if (value := getattr(options, option)) is not None]
    done = run(words, progress)
    complaint = re.sub(r"^weight_export: error ", "", done.last_line)
    if done.code == 2:
        raise Refused("usage", complaint)
    if done.code != 0:
        if done.code == EXIT_OVER_BUDGET:
            raise Refused("over-budget", complaint.removeprefix("over-budget: "))
        raise Refused(NO_FAULT_OF_THE_CHECKPOINT.get(complaint.partition(":")[0], "bad-checkpoint"), complaint)
    with open(figures, encoding="ascii") as file:
        report = json.load(file)
    worst = min(report["heads"], key=lambda head: head["accuracy"]["argmax_agreement"])
    progress.done(f"generation {generation}, {report['dtype']}, {report['bytes']} bytes; lowest argmax agreement "
                  f"{100 * worst['accuracy']['argmax_agreement']:.1f} % ({worst['name']})")
    return report


def _prove(path: str, progress: Progress) -> Blob:
    """From the file alone: every rule of docs/BLOB_FORMAT.md, the accumulators' bounds, the golden outputs."""
    progress.begin("prove")
    try:
        blob = read_blob(path)
    except ExportError as error:
        raise Refused("unproven-blob", error.message) from None
    bound = max(head.accumulator_bound for head in blob.packed.heads)
    progress.done(f"the file keeps every rule of the format{f'; sums reach {bound:,} of 2^31 - 1' if bound else ''}")
    return blob


def _cross_check(options: argparse.Namespace, path: str, blob: Blob, folder: str, progress: Progress) -> None:
    progress.begin("cross-check")
    states = cross_check.states_for(options, blob)
    kernels = cross_check.check_kernels(path, blob, states, folder, progress)
    torch = torch_check.check(options, states, folder, progress)
    progress.done(f"{kernels}; {torch}", states=len(states))


def _publish(options: argparse.Namespace, contents: Contents, path: str, signature: str | None,
             progress: Progress) -> Report | None:
    progress.begin("publish")
    if options.no_publish:
        progress.done("not asked for")
        return None
    expect = contents.current.blob.file if contents.current else "none"
    words = [program("tickmlp-publish"), options.folder, path, "--json", "--expect", expect,
             "--keep", str(options.keep)]
    words += ["--signature", signature] if signature else []
    words += ["--repair"] if options.repair else []
    outcome = run_publish(words, progress)
    progress.done(outcome["file"])
    return outcome


def run_publish(words: list[str], progress: Progress) -> Report:
    """What tickmlp-publish says. Causes: its own."""
    hold()  # it takes milliseconds, and half of it is no outcome
    done = run(words, progress)
    if done.code != 0:
        name = BY_EXIT_CODE.get(done.code, "refused-input")
        raise Refused(name, re.sub(r"^tickmlp-publish: error [a-z-]+: ", "", done.last_line))
    outcome = json.loads(done.text)
    for warning in outcome["warnings"]:
        progress.note(warning)
    return outcome
