# SPDX-License-Identifier: Apache-2.0
"""A folder of its own for what is not published yet. One that a killed cycle left is removed by the next."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator

PREFIX = "tickmlp-after-training-"
# A living cycle holds a lock on its folder; between making and locking it lie microseconds.
OLD_SECONDS = 60


@contextlib.contextmanager
def staging() -> Iterator[str]:
    _remove_dead_ones()
    path = tempfile.mkdtemp(prefix=PREFIX)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


def _remove_dead_ones() -> None:
    with os.scandir(tempfile.gettempdir()) as entries:
        candidates = [entry.path for entry in entries if entry.name.startswith(PREFIX) and _is_ours_and_old(entry)]
    for path in candidates:
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(descriptor)


def _is_ours_and_old(entry: os.DirEntry) -> bool:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    return status.st_uid == os.geteuid() and time.time() - status.st_mtime > OLD_SECONDS
