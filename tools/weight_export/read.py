# SPDX-License-Identifier: Apache-2.0
"""Reading a whole file safely: opened once, a regular file, at most so many bytes."""

from __future__ import annotations

import os
import stat

from .errors import ExportError


def read_bytes(path: str, most: int) -> bytes:
    """The file's bytes. Errors: cannot-read, source-too-large."""
    try:
        # Without O_NONBLOCK opening a FIFO waits for a writer, possibly for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise ExportError("cannot-read", f"{path}: {_reason(error)}, expected a readable file") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ExportError("cannot-read", f"{path} is not a regular file, expected one")
        if status.st_size > most:
            raise ExportError("source-too-large", f"{path} has {status.st_size} bytes, expected at most {most}")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            # One byte more than the limit, in case the file grows while it is read.
            data = file.read(most + 1)
    except OSError as error:
        raise ExportError("cannot-read", f"{path}: {_reason(error)}") from None
    finally:
        os.close(descriptor)
    if len(data) > most:
        raise ExportError("source-too-large", f"{path} has more than {most} bytes, expected at most {most}")
    return data


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
