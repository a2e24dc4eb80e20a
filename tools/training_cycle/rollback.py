# SPDX-License-Identifier: Apache-2.0
"""Back to an older generation, in one command. tickmlp-publish does it, by the same protocol as a publication."""

from __future__ import annotations

import argparse
from typing import Any

from .causes import Refused
from .cycle import run_publish
from .folder import Contents, check_digest, choose, read_folder
from .names import PublishedName
from .programs import program
from .progress import Progress


def rollback(options: argparse.Namespace) -> tuple[str, dict[str, Any], int]:
    """(text, JSON, exit code). Causes: no-such-generation, damaged-folder, and those of tickmlp-publish."""
    contents = read_folder(options.folder, "cannot-write").sound()
    if contents.current is None:
        raise Refused("no-such-generation", f"nothing is published in {options.folder}, expected a generation to "
                      "leave")
    target = previous(contents) if options.to is None else choose(contents, options.to)
    check_digest(contents, target)
    progress = Progress(1, options.quiet)
    progress.begin(f"roll back to generation {target.generation}")
    outcome = run_publish([program("tickmlp-publish"), options.folder, contents.path_of(target), "--json",
                           "--rollback-from", str(contents.highest), "--expect", contents.current.blob.file], progress)
    progress.done(outcome["file"])
    text = f"{outcome['file']} is current in {options.folder}, was {outcome['previous']}; the next generation is " \
           f"{contents.newest + 1}"
    return text, {"folder": options.folder, "published": outcome}, 0


def previous(contents: Contents) -> PublishedName:
    """The newest generation below the current one that nobody has given up. Cause: no-such-generation."""
    below = [blob for blob in contents.blobs
             if blob.generation < contents.current.blob.generation and not contents.withdrawn(blob)]
    if not below:
        here = ", ".join(str(blob.generation) for blob in contents.blobs) or "none"
        raise Refused("no-such-generation", f"no generation below {contents.current.blob.generation} that was not "
                      f"given up, among {here}; expected one (--to N takes any)")
    return choose(contents, below[-1].generation)
