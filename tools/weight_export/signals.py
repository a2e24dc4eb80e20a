# SPDX-License-Identifier: Apache-2.0
"""Interruption: leave at once with 128 + signal, and leave no file behind."""

from __future__ import annotations

import os
import signal
from types import FrameType

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Named temporary files that exist now. Unnamed ones (see write.py) vanish with the process and need no entry.
temporary_paths: set[str] = set()


def install() -> None:
    """Handle SIGINT, SIGTERM and SIGHUP, unless the parent asked for them to be ignored (nohup does)."""
    for number in HANDLED:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, leave)


def leave(number: int, frame: FrameType | None) -> None:
    """Remove what is half written and end the process. An exception instead could be swallowed by the code it
    lands in (a destructor, an import hook), and the export would go on."""
    for path in list(temporary_paths):
        try:
            os.unlink(path)
        except OSError:
            pass
    name = signal.Signals(number).name
    message = f"weight_export: error interrupted: {name} arrived, no file was changed or it was already complete\n"
    os.write(2, message.encode())
    os._exit(128 + number)
