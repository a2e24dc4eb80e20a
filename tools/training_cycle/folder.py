# SPDX-License-Identifier: Apache-2.0
"""A published folder as its readers see it. tickmlp-publish alone writes there."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from weight_export.errors import ExportError
from weight_export.layout import MAX_FILE_BYTES
from weight_export.read import read_bytes

from .causes import Refused
from .names import (CURRENT, SIGNATURE_SUFFIX, TEMPORARY_PREFIX, WITHDRAWN_SUFFIX, Current, PublishedName,
                    parse_current, parse_name)

MAX_CURRENT_BYTES = 512


@dataclass
class Contents:
    """`problem` says why `current` cannot be read, "" where it can be or is not there."""

    path: str
    blobs: list[PublishedName]
    others: list[str]
    leftovers: list[str]
    current: Current | None
    problem: str

    def withdrawn(self, blob: PublishedName) -> bool:
        return blob.file + WITHDRAWN_SUFFIX in self.others

    def signed(self, blob: PublishedName) -> bool:
        return blob.file + SIGNATURE_SUFFIX in self.others

    @property
    def highest(self) -> int | None:
        """What `current` stands for, or stood for before a rollback."""
        return self.current.highest if self.current else None

    @property
    def newest(self) -> int | None:
        """The highest generation that is or was here, published or left by a publisher that died."""
        known = [blob.generation for blob in self.blobs] + ([self.current.highest] if self.current else [])
        return max(known, default=None)

    def path_of(self, blob: PublishedName) -> str:
        return os.path.join(self.path, blob.file)

    def sound(self) -> Contents:
        """Itself. Cause: damaged-folder where `current` cannot be read."""
        if self.problem:
            raise Refused("damaged-folder", f"{self.path}/current: {self.problem}, expected one line "
                          "NAME-GENERATION-SHA8.blob (--repair publishes over it)")
        return self


def read_folder(path: str, cause: str = "refused-input") -> Contents:
    """Cause: the one given where the folder cannot be read; cannot-write for who would write to it."""
    try:
        files = sorted(os.listdir(path))
    except OSError as error:
        hint = " (mkdir it once)" if isinstance(error, FileNotFoundError) else ""
        raise Refused(cause, f"{path}: {error.strerror}, expected a folder{hint}") from None
    current, problem = _read_current(path, files)
    named = {file: parse_name(file) for file in files}
    blobs = sorted(filter(None, named.values()), key=lambda blob: (blob.generation, blob.file))
    others = [file for file in files if named[file] is None and file != CURRENT]
    leftovers = [file for file in others if file.startswith(TEMPORARY_PREFIX)]
    return Contents(path, blobs, others, leftovers, current, problem)


def _read_current(path: str, files: list[str]) -> tuple[Current | None, str]:
    if CURRENT not in files:
        return None, ""
    place = os.path.join(path, CURRENT)
    if os.path.islink(place):
        return None, "is a link"
    try:
        text = read_bytes(place, MAX_CURRENT_BYTES).decode("ascii", "replace")
    except ExportError as error:
        return None, error.message.removeprefix(place).strip(" :")
    current = parse_current(text)
    return current, "" if current else f"holds {text[:80]!r}"


def check_digest(contents: Contents, blob: PublishedName) -> bytes:
    """The file's bytes. Causes: damaged-folder where they are not those that its name promises, ExportError."""
    data = read_bytes(contents.path_of(blob), MAX_FILE_BYTES)
    seen = hashlib.sha256(data).hexdigest()[:len(blob.sha8)]
    if seen != blob.sha8:
        raise Refused("damaged-folder", f"{blob.file}: its bytes have SHA-256 {seen}..., expected {blob.sha8}... as "
                      "its name says")
    return data


def choose(contents: Contents, generation: int) -> PublishedName:
    """The blob of that generation. Cause: no-such-generation."""
    found = [blob for blob in contents.blobs if blob.generation == generation]
    in_use = [blob for blob in found if not contents.withdrawn(blob)] or found
    if len(in_use) == 1:
        return in_use[0]
    here = ", ".join(str(blob.generation) for blob in contents.blobs) or "none"
    seen = f"{len(in_use)} files of it" if in_use else "no file of it"
    raise Refused("no-such-generation", f"generation {generation}: {seen} in {contents.path}, expected one of {here}")
