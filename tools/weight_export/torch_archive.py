# SPDX-License-Identifier: Apache-2.0
"""What all torch zip archives share: one folder for all records, pickles that refer to storages beside them."""

from __future__ import annotations

from typing import Any

from .archive import Archive
from .errors import ExportError
from .pickle_reader import read_pickle


class TorchArchive:
    """Records relative to the archive's one folder. Errors: those of Archive and read_pickle, byte-order."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        folders = {name.partition("/")[0] for name in archive.names()}
        if len(folders) != 1:
            raise ExportError("damaged-archive", f"{archive.path} has the folders {sorted(folders)[:3]}, expected "
                              "one, as torch writes it")
        self.folder = folders.pop()
        if "byteorder" in self and self.read("byteorder").strip() != b"little":
            raise ExportError("byte-order", f"{archive.path} has byte order {self.read('byteorder')[:16]!r}, "
                              "expected 'little'")

    def __contains__(self, record: str) -> bool:
        return f"{self.folder}/{record}" in self.archive

    def read(self, record: str) -> bytes:
        return self.archive.read(f"{self.folder}/{record}")

    def records(self) -> list[str]:
        return [name.partition("/")[2] for name in self.archive.names()]

    def unpickle(self, stem: str) -> Any:
        """The value of STEM.pkl, whose storages are the records STEM/KEY."""
        return read_pickle(self.read(f"{stem}.pkl"), f"{self.archive.path}: {stem}.pkl",
                           lambda key: self.read(f"{stem}/{key}"))
