# SPDX-License-Identifier: Apache-2.0
"""SIGINT, SIGTERM and SIGHUP end the cycle with 128 + signal, until the publication begins: that one is finished."""

from __future__ import annotations

import signal
from types import FrameType

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """No Exception: code that swallows those must not swallow this."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


def install() -> None:
    """Signals that the parent asked to be ignored (nohup does) stay so."""
    for number in HANDLED:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _raise)


def hold() -> None:
    """From now on they wait for ever. Child processes inherit that."""
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)


def _raise(number: int, frame: FrameType | None) -> None:
    raise Interrupted(number)
