# SPDX-License-Identifier: Apache-2.0
"""Files that appear whole or not at all: written beside their target, flushed to the disk, then renamed."""

from __future__ import annotations

import os
import secrets
import stat

from . import signals
from .errors import ExportError

MODE = 0o644
UNNAMED = getattr(os, "O_TMPFILE", 0)  # 0 where the platform has no such files
NAME_BYTES = 8


class PendingFile:
    """The content of a file that is not in place yet. `commit` puts it there; `discard` forgets it.

    The temporary file has no name where the file system allows that (O_TMPFILE): then even SIGKILL or a power cut
    leaves nothing behind. Elsewhere it has a unique name, which signals.py removes when the process is interrupted.
    """

    def __init__(self, path: str, data: bytes) -> None:
        """Errors: cannot-write. A link is followed, so that it still points to the new file afterwards."""
        self.path = path
        self.target = os.path.realpath(path)
        self.folder = os.path.dirname(self.target)
        self.descriptor = -1
        self.temporary: str | None = None
        try:
            self._check_target()
            self._create()
            _write_all(self.descriptor, data)
            os.fsync(self.descriptor)
        except (OSError, ValueError) as error:
            self.discard()
            raise _cannot_write(path, error) from None

    def _check_target(self) -> None:
        try:
            mode = os.stat(self.target).st_mode
        except FileNotFoundError:
            return
        # Renaming over a device would replace the device.
        if not stat.S_ISREG(mode):
            raise OSError(0, "is not a regular file")

    def _create(self) -> None:
        flags = os.O_WRONLY | os.O_CLOEXEC
        if UNNAMED:
            try:
                self.descriptor = os.open(self.folder, flags | UNNAMED, MODE)
                return
            except OSError:
                pass  # not on this file system; if something else is wrong, it shows below again
        self.temporary = _unused_name(self.target)
        self.descriptor = os.open(self.temporary, flags | os.O_CREAT | os.O_EXCL, MODE)

    def commit(self) -> None:
        """Put the file in place, over an older one. Errors: cannot-write, and the older file is intact."""
        try:
            folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                if self.temporary is None:
                    self._link(folder)
                os.rename(self.temporary, self.target)
                signals.temporary_paths.discard(self.temporary)
                self.temporary = None
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise _cannot_write(self.path, error) from None
        finally:
            self.discard()

    def _link(self, folder: int) -> None:
        """Give the unnamed file a name. A directory descriptor makes Python call linkat, which follows /proc's link."""
        self.temporary = _unused_name(self.target)
        os.link(f"/proc/self/fd/{self.descriptor}", os.path.basename(self.temporary), dst_dir_fd=folder)

    def discard(self) -> None:
        """Close and remove what is not in place. Safe to call twice."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        if self.temporary is not None:
            try:
                os.unlink(self.temporary)
            except OSError:
                pass
            signals.temporary_paths.discard(self.temporary)
            self.temporary = None


def _unused_name(target: str) -> str:
    """A name in the target's folder that no other exporter uses, known to the signal handler before it exists."""
    name = os.path.join(os.path.dirname(target), f".weight_export-{secrets.token_hex(NAME_BYTES)}.tmp")
    signals.temporary_paths.add(name)
    return name


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view):]


def _cannot_write(path: str, error: Exception) -> ExportError:
    reason = getattr(error, "strerror", None) or str(error)
    return ExportError("cannot-write", f"{path}: {reason}; expected a folder and disk that take the file, and an older "
                       "file, if any, is intact")
