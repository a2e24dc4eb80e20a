# SPDX-License-Identifier: Apache-2.0
"""Programs that answer as `tickmlp sample` does, or as it should not."""
import json
import pathlib

LINE = {"schema": "tickmlp-sample/1", "kernel": "int8-avx2", "dtype": "int8", "path": "full", "blob_sha256": "ab" * 32,
        "outputs_sha256": "cd" * 32, "central_ns": 900.0, "p50_ns": 900, "timer_ns": 20.0, "step_ns": 10, "count": 5000}


def fake(path: pathlib.Path, body: str, version: str = "tickmlp 9.9.9") -> pathlib.Path:
    """A shell script: `version` for --version, else `body`."""
    path.write_text(f"#!/bin/sh\nif [ \"$1\" = --version ]; then echo '{version}'; exit 0; fi\n{body}\n")
    path.chmod(0o755)
    return path


def line(**changes: object) -> str:
    return json.dumps({**LINE, **changes})


def prints(path: pathlib.Path, **changes: object) -> pathlib.Path:
    """Always the same answer."""
    return fake(path, f"echo '{line(**changes)}'")


def series(path: pathlib.Path, centrals: list[float], **changes: object) -> pathlib.Path:
    """One answer after the other, from a file beside it."""
    answers = path.with_suffix(".answers")
    answers.write_text("".join(line(central_ns=value, **changes) + "\n" for value in centrals))
    return fake(path, f"head -n 1 '{answers}'\nsed -i 1d '{answers}'")
