# SPDX-License-Identifier: Apache-2.0
"""What goes on, on standard error: a line when a stage begins and one when it is done."""

from __future__ import annotations

import sys
import time


class Progress:
    """stages: how many there will be. `results` keeps name, seconds and result of each for the report."""

    def __init__(self, stages: int, quiet: bool = False) -> None:
        self.stages = stages
        self.quiet = quiet
        self.results: list[dict[str, object]] = []
        self.name = ""
        self.began = 0.0

    def begin(self, name: str) -> None:
        self.name, self.began = name, time.monotonic()
        self._say(f"[{len(self.results) + 1}/{self.stages}] {name} ...")

    def done(self, result: str, **facts: object) -> None:
        """`facts` go into the JSON beside the sentence."""
        seconds = time.monotonic() - self.began
        self.results.append({"stage": self.name, "seconds": round(seconds, 3), "result": result, **facts})
        self._say(f"      {result} ({seconds:.1f} s)")

    def still_going(self) -> None:
        self._say(f"      {self.name}: {time.monotonic() - self.began:.0f} s so far")

    def note(self, text: str) -> None:
        self._say(f"      {text}")

    def _say(self, line: str) -> None:
        if self.quiet or sys.stderr is None:
            return
        try:
            print(line, file=sys.stderr, flush=True)
        except OSError:
            self.quiet = True  # stderr is closed: the work goes on
