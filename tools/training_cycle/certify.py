# SPDX-License-Identifier: Apache-2.0
"""A certificate of the blob on this machine. FAIL stops the cycle; INCONCLUSIVE, what a machine that is not set up for
timing says, is recorded, and stops it only where that is asked."""

from __future__ import annotations

import argparse
import json
import os

from .causes import Refused
from .programs import program, run
from .progress import Progress

# A second: five re-runs are what a verdict needs at least.
SMOKE = ["--scenario", "hot", "--runs", "5", "--samples", "40000", "--epochs", "4", "--warm-up", "5000"]
PASS, FAIL, INCONCLUSIVE = 0, 1, 3


def certify(options: argparse.Namespace, path: str, folder: str, progress: Progress) -> None:
    """Causes: certify-failed, certify-inconclusive."""
    progress.begin("certify")
    if options.certify == "none":
        progress.done("not certified, as asked", verdict=None)
        return
    target = options.certificate or os.path.join(folder, "certificate.json")
    words = [program("tickmlp"), "certify", path, "--json", target, "--input", os.path.join(folder, "states.npy")]
    words += SMOKE if options.certify == "smoke" else ["--suite", options.certify]
    words += ["--budget", options.latency_budget] if options.latency_budget else []
    words += ["--core", str(options.core)] if options.core is not None else []
    done = run(words, progress)
    if done.code not in (PASS, FAIL, INCONCLUSIVE) or not os.path.exists(target):
        raise Refused("usage" if done.code == 2 else "certify-failed", f"tickmlp certify: {done.last_line}")
    with open(target, encoding="utf-8") as file:
        certificate = json.load(file)
    _judge(options, done.code, certificate)
    progress.done(_sentence(certificate), verdict=certificate["verdict"], reasons=certificate["reasons"],
                  kernel=certificate["kernel"])


def _judge(options: argparse.Namespace, code: int, certificate: dict) -> None:
    reasons = "; ".join(certificate["reasons"])
    if code == FAIL:
        raise Refused("certify-failed", f"the verdict is FAIL: {reasons}")
    if code == INCONCLUSIVE and options.require_pass:
        raise Refused("certify-inconclusive", f"the verdict is INCONCLUSIVE: {reasons}; expected PASS (--require-pass)")


def _sentence(certificate: dict) -> str:
    hot = next(scenario for scenario in certificate["scenarios"]
               if (scenario["path"], scenario["cache"], scenario["kind"]) == ("full", "hot", "service"))
    text = f"verdict {certificate['verdict']}, {hot['central_ns']:.0f} ns a call"
    return text + (f": {certificate['reasons'][0]}" if certificate["reasons"] else "")
