# SPDX-License-Identifier: Apache-2.0
"""Why a step refused: a name and an exit code each. docs/TRAINING_CYCLE.md has the same list; a test compares them."""

from __future__ import annotations

# name: (exit code, cause). Those of 20 to 27, 29 and 31 are tickmlp-publish's too (tools/publish/cause.h).
CAUSES: dict[str, tuple[int, str]] = {
    "usage": (2, "the command line is wrong"),
    "refused-input": (4, "a file or folder cannot be read, or the loader refuses the blob"),
    "missing-program": (4, "a program of build/, or minisign, is not there"),
    "closed-output": (4, "standard output does not take the answer; nothing was published"),
    "internal": (4, "a fault of the cycle itself"),
    "bad-checkpoint": (10, "the exporter refuses the checkpoint, the calibration or the description"),
    "over-budget": (11, "a head's accuracy figure is outside --budget"),
    "unproven-blob": (12, "the strict reader does not find every rule of the format kept"),
    "kernel-mismatch": (13, "a kernel's outputs differ from the integer model's in at least one bit"),
    "torch-mismatch": (14, "PyTorch's outputs differ by more than float32 rounding explains"),
    "torch-missing": (15, "--require-torch, and PyTorch is not there or does not read this kind of checkpoint"),
    "certify-failed": (16, "the certificate says FAIL, or none was made"),
    "certify-inconclusive": (17, "--require-pass, and the verdict is INCONCLUSIVE"),
    "signing-failed": (18, "minisign gives no signature, or not one that the public key verifies"),
    "generation-too-low": (20, "the generation is not above every one published before"),
    "already-current": (21, "this very blob is current"),
    "race-lost": (22, "somebody else has published meanwhile"),
    "busy": (23, "another publisher holds the folder"),
    "other-model": (24, "the folder holds a model of another name, or with other inputs, outputs or window"),
    "cannot-write": (25, "the folder or the disk refuses; `current` is as it was"),
    "not-durable": (26, "published, but the last fsync failed: a power cut could undo it"),
    "damaged-folder": (27, "`current`, or a file that it needs, is missing or not what its name says"),
    "no-such-generation": (28, "there is no such generation in the folder, or none to go back to"),
    "wrong-signature": (29, "a signature file is not minisign's, or not for this blob"),
    "not-comparable": (30, "two blobs have different inputs or outputs"),
    "outcome-lost": (31, "published, but standard output does not take the outcome"),
}
BY_EXIT_CODE = {code: name for name, (code, _) in CAUSES.items() if code >= 20}


class Refused(Exception):
    """`name` is a key of CAUSES; the message says what was seen and what was expected."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message
        self.exit_code = CAUSES[name][0]
