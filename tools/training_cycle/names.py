# SPDX-License-Identifier: Apache-2.0
"""The names in a published folder, and the one line of `current`. The mirror of runtime/watch/publication.h."""

from __future__ import annotations

import re
from dataclasses import dataclass

CURRENT = "current"
SIGNATURE_SUFFIX, WITHDRAWN_SUFFIX, TEMPORARY_PREFIX = ".minisig", ".withdrawn", ".tmp-"
MAX_GENERATION = 2**64 - 1
_GENERATION = r"0|[1-9]\d{0,19}"
_MODEL = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,62}"  # a blob's header has room for 63
_NAME = re.compile(rf"({_MODEL})-({_GENERATION})-([0-9a-f]{{8}})\.blob", re.ASCII)
_CURRENT = re.compile(rf"(\S+?)(?: rollback-from ({_GENERATION}))?\n", re.ASCII)


@dataclass(frozen=True)
class PublishedName:
    """NAME-GENERATION-SHA8.blob: sha8 is the first 8 hexadecimal digits of the file's SHA-256."""

    name: str
    generation: int
    sha8: str

    @property
    def file(self) -> str:
        return f"{self.name}-{self.generation}-{self.sha8}.blob"


@dataclass(frozen=True)
class Current:
    """rollback_from is the highest generation ever published where an older one was gone back to, else None."""

    blob: PublishedName
    rollback_from: int | None

    @property
    def highest(self) -> int:
        return self.blob.generation if self.rollback_from is None else self.rollback_from


def is_publishable(name: str) -> bool:
    return re.fullmatch(_MODEL, name, re.ASCII) is not None


def parse_name(file: str) -> PublishedName | None:
    match = _NAME.fullmatch(file)
    if not match or int(match[2]) > MAX_GENERATION:
        return None
    return PublishedName(match[1], int(match[2]), match[3])


def parse_current(text: str) -> Current | None:
    match = _CURRENT.fullmatch(text)
    blob = parse_name(match[1]) if match else None
    if blob is None:
        return None
    rollback_from = None if match[2] is None else int(match[2])
    if rollback_from is not None and not blob.generation < rollback_from <= MAX_GENERATION:
        return None
    return Current(blob, rollback_from)
