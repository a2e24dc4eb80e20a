# SPDX-License-Identifier: Apache-2.0
"""One run: the command, what it prints, its exit code."""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

from weight_export.errors import ExportError

from . import cycle, diff, options, rollback, status
from .causes import CAUSES, Refused
from .interrupts import Interrupted

RUN = {"publish": cycle.publish, "rollback": rollback.rollback, "status": status.status, "diff": diff.diff}


def main(arguments: list[str]) -> int:
    """Never raises. A refusal is one line on stderr; with --json it is in the JSON on stdout too."""
    json_wanted, command, report = "--json" in arguments, None, None
    try:
        parsed = options.parse(arguments)
        command = parsed.command
        text, report, code = RUN[command](parsed)
        if not _print(json.dumps({"ok": code == 0, "command": command, "exit_code": code, **report}, indent=2)
                      if json_wanted else text):
            raise _lost(report.get("published"))
        return code
    except SystemExit as done:  # argparse's --help
        return int(done.code or 0)
    except Interrupted as interrupted:
        code, name, message = interrupted.exit_code, "interrupted", f"{interrupted} arrived, nothing was published"
    except Refused as refused:
        code, name, message = refused.exit_code, refused.name, refused.message
    except ExportError as refused:  # of a blob that one of us reads
        code, name, message = 4, "refused-input", f"{refused.name}: {refused.message}"
    except OSError as error:  # of a staging folder on a full disk, say
        code, name, message = CAUSES["cannot-write"][0], "cannot-write", f"{error}; nothing was published"
    except MemoryError:
        code, name, message = 4, "internal", "memory ran out, expected a smaller model or calibration"
    except Exception as fault:
        traceback.print_exc()
        code, name = 4, "internal"
        message = f"{type(fault).__name__}: {fault}, expected no such thing: please report it"
    _complain(f"after_training: error {name}: {message}")
    if json_wanted:
        _print(json.dumps({"ok": False, "command": command, "exit_code": code,
                           "error": {"name": name, "message": message}}, indent=2))
    return code


def _complain(line: str) -> None:
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
    try:
        os.write(2, (text + "\n").encode("utf-8", "backslashreplace"))
    except OSError:
        pass  # stderr is closed: the exit code still tells


def _print(text: str) -> bool:
    """Whether standard output took it."""
    try:
        sys.stdout.buffer.write((text + "\n").encode("utf-8", "backslashreplace"))
        sys.stdout.flush()
        return True
    except (OSError, AttributeError, ValueError):  # a full disk, a closed pipe, or no stdout at all
        # Else the interpreter tries again when it ends, and complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return False


def _lost(published: dict[str, Any] | None) -> Refused:
    if published:
        return Refused("outcome-lost", f"{published['file']} is current, and standard output took no word of it, "
                       "expected it open")
    return Refused("closed-output", "standard output takes no text, expected it open; nothing was published")
