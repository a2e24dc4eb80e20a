# SPDX-License-Identifier: Apache-2.0
"""Child processes: started, waited for with signs of life, ended when the cycle is interrupted."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

from .causes import Refused
from .progress import Progress

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SIGN_OF_LIFE_SECONDS = 5.0
SECONDS_TO_END = 5.0


@dataclass
class Done:
    code: int
    text: str
    errors: str

    @property
    def last_line(self) -> str:
        """What it complained of, for a message of our own."""
        if self.code < 0:
            return f"ended by signal {-self.code}"
        lines = [line for line in (self.errors.strip() or self.text.strip()).splitlines()
                 if not line.startswith("Run with --help")]
        return lines[-1] if lines else "no message"


def build_folder() -> str:
    """Where the programs are: TICKMLP_BUILD, or build/ of this tree."""
    return os.environ.get("TICKMLP_BUILD") or os.path.join(ROOT, "build")


def program(name: str) -> str:
    """Cause: missing-program."""
    path = os.path.join(build_folder(), name)
    if not os.access(path, os.X_OK):
        raise Refused("missing-program", f"{path} is not there, expected it built (ninja -C {build_folder()})")
    return path


def installed(name: str, group: str) -> str:
    """Cause: missing-program."""
    path = shutil.which(name)
    if path is None:
        raise Refused("missing-program", f"{name} is not installed, expected it (scripts/bootstrap --for {group})")
    return path


def run(words: list[str], progress: Progress, text: str | None = None) -> Done:
    """Runs it to its end; `text` goes to its standard input, which else gives nothing. Cause: missing-program."""
    try:
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
    except OSError as error:
        raise Refused("missing-program", f"{words[0]} cannot be started: {error.strerror}") from None
    try:
        while True:
            try:
                out, errors = child.communicate(text, timeout=SIGN_OF_LIFE_SECONDS)
                return Done(child.returncode, out, errors)
            except subprocess.TimeoutExpired:
                text = None  # it has been taken over
                progress.still_going()
    except BaseException:
        _end(child)
        raise


def _end(child: subprocess.Popen) -> None:
    child.terminate()
    try:
        child.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
