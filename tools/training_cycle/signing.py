# SPDX-License-Identifier: Apache-2.0
"""The signature, by minisign: Ed25519 over BLAKE2b-512 of the blob, its trusted comment naming model and generation."""

from __future__ import annotations

import argparse
import os
import re

from .causes import Refused
from .programs import installed, run
from .progress import Progress


KEY_LINE = re.compile(r"RW[A-Za-z0-9+/]{54}")  # 42 bytes in base64, the first two are "Ed"


def check_public_key(key: str | None) -> None:
    """Before any work: a mistyped file name, or nothing, is no key. Cause: refused-input."""
    if key is not None and not os.path.exists(key) and not KEY_LINE.fullmatch(key):
        raise Refused("refused-input", f"public key {key}: no file of that name, and not a key line, expected "
                      "minisign's file, or its line of 56 characters that begins with RW")


def sign(options: argparse.Namespace, path: str, name: str, generation: int, progress: Progress) -> str | None:
    """The signature's path, None where none is asked for. Causes: signing-failed, missing-program."""
    progress.begin("sign")
    if not options.sign:
        progress.done("not signed: no --sign SECRET.key")
        return None
    minisign = installed("minisign", "signature")
    signature = path + ".minisig"
    done = run([minisign, "-S", "-s", options.sign, "-m", path, "-x", signature,
                "-t", f"name={name} generation={generation}"], progress, _password(options))
    if done.code != 0 or not os.path.exists(signature):
        hint = "" if options.password_file else "; a key with a password needs --password-file"
        raise Refused("signing-failed", f"minisign -S -s {options.sign}: {done.last_line}{hint}")
    key = options.public_key or _public_key(minisign, options, path + ".pub", progress)
    verify(minisign, key, path, signature, progress)
    progress.done("signed, and verified with " + ("--public-key" if options.public_key else "the key's public half"))
    return signature


def verify(minisign: str, key: str, path: str, signature: str, progress: Progress) -> None:
    """`key` is a public key's file or its base64. Cause: signing-failed."""
    which = ["-p", key] if os.path.exists(key) else ["-P", key]
    done = run([minisign, "-V", *which, "-m", path, "-x", signature, "-H"], progress)
    if done.code != 0:
        raise Refused("signing-failed", f"minisign -V {which[1]}: {done.last_line}, expected the key to verify "
                      f"{os.path.basename(signature)}")


def _public_key(minisign: str, options: argparse.Namespace, path: str, progress: Progress) -> str:
    done = run([minisign, "-R", "-s", options.sign, "-p", path], progress, _password(options))
    if done.code != 0:
        raise Refused("signing-failed", f"minisign -R -s {options.sign}: {done.last_line}")
    return path


def _password(options: argparse.Namespace) -> str | None:
    if not options.password_file:
        return None
    try:
        with open(options.password_file, encoding="utf-8") as file:
            return file.readline().rstrip("\n") + "\n"
    except (OSError, UnicodeDecodeError) as error:
        raise Refused("signing-failed", f"{options.password_file}: {error}") from None
