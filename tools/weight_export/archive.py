# SPDX-License-Identifier: Apache-2.0
"""A zip archive held in memory, with caps. Nothing is ever extracted to the disk."""

from __future__ import annotations

import io
import zipfile
import zlib

from .errors import ExportError

# The largest model of the format has 4096 x 8192 weights: 256 MiB in float64. A torch archive of a small network has
# some fifty records; 1000 : 1 is what deflate reaches on zeros.
MAX_RECORDS = 4096
MAX_TOTAL_BYTES = 512 << 20


class Archive:
    """Records by name, in file order. Errors: damaged-archive, zip-bomb, unsafe-path, missing-record."""

    def __init__(self, data: bytes, path: str) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            entries = [entry for entry in self._zip.infolist() if not entry.is_dir()]
        except Exception as error:  # zipfile gives BadZipFile, struct.error, ValueError, NotImplementedError, ...
            raise ExportError("damaged-archive", f"{path}: {error}, expected a complete zip archive") from None
        self._check_sizes(entries)
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            self._check_name(entry)
            self._entries[entry.filename] = entry

    def _check_sizes(self, entries: list[zipfile.ZipInfo]) -> None:
        total = sum(entry.file_size for entry in entries)
        if len(entries) > MAX_RECORDS or total > MAX_TOTAL_BYTES:
            raise ExportError("zip-bomb", f"{self.path} claims {len(entries)} records with {total} bytes, expected "
                              f"at most {MAX_RECORDS} records and {MAX_TOTAL_BYTES} bytes")

    def _check_name(self, entry: zipfile.ZipInfo) -> None:
        name = entry.filename
        parts = name.split("/")
        if name.startswith("/") or "\\" in name or "\0" in entry.orig_filename or ".." in parts or "" in parts:
            raise ExportError("unsafe-path", f"{self.path} has a record named {entry.orig_filename!r}, expected a "
                              "plain relative name")
        if name in self._entries:
            raise ExportError("unsafe-path", f"{self.path} has two records named {name!r}, expected one")

    def names(self) -> list[str]:
        return list(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def read(self, name: str) -> bytes:
        """The record's bytes; their checksum is verified. zipfile stops at the size that was checked above."""
        entry = self._entries.get(name)
        if entry is None:
            raise ExportError("missing-record", f"{self.path} has no record {name!r}, expected one")
        try:
            data = self._zip.read(entry)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError,
                RuntimeError) as error:
            raise ExportError("damaged-archive", f"{self.path}: record {name!r}: {error}, expected intact data"
                              ) from None
        if len(data) != entry.file_size:
            raise ExportError("damaged-archive", f"{self.path}: record {name!r} has {len(data)} bytes, expected "
                              f"{entry.file_size}")
        return data
