# SPDX-License-Identifier: Apache-2.0
"""What a published folder holds, every file of it looked at."""

from __future__ import annotations

import argparse
import datetime
import os
import time
from typing import Any

from weight_export.blob import Blob
from weight_export.errors import ExportError
from weight_export.read_blob import parse_blob

from . import signing
from .causes import CAUSES, Refused
from .folder import Contents, check_digest, read_folder
from .names import SIGNATURE_SUFFIX, TEMPORARY_PREFIX, WITHDRAWN_SUFFIX, PublishedName
from .programs import installed
from .progress import Progress

# A publication between two of our calls looks like damage; it takes milliseconds.
LOOKS, SECONDS_BETWEEN = 3, 0.05


def status(options: argparse.Namespace) -> tuple[str, dict[str, Any], int]:
    """(text, JSON, exit code 0 or that of damaged-folder)."""
    signing.check_public_key(options.public_key)
    progress = Progress(1, quiet=True)
    minisign = installed("minisign", "signature") if options.public_key else ""
    for _ in range(LOOKS):
        contents = read_folder(options.folder)
        rows = [_row(options, contents, blob, minisign, progress) for blob in contents.blobs]
        problems = _problems(contents, rows)
        if not problems:
            break
        time.sleep(SECONDS_BETWEEN)
    report = {"folder": options.folder, "current": contents.current.blob.file if contents.current else None,
              "rollback_from": contents.current.rollback_from if contents.current else None,
              "next_generation": (contents.newest or 0) + 1 if contents.newest is not None else 1,
              "generations": rows, "leftovers": contents.leftovers, "strangers": _strangers(contents),
              "problems": problems}
    return _text(report), report, CAUSES["damaged-folder"][0] if problems else 0


def _row(options: argparse.Namespace, contents: Contents, name: PublishedName, minisign: str,
         progress: Progress) -> dict[str, Any]:
    row: dict[str, Any] = {"generation": name.generation, "file": name.file, "state": _state(contents, name),
                           "signed": contents.signed(name), "run_id": None, "bytes": None, "written": None,
                           "problem": None}
    path = contents.path_of(name)
    try:
        data = check_digest(contents, name)
        written = datetime.datetime.fromtimestamp(os.stat(path).st_mtime, datetime.timezone.utc)
        row.update(bytes=len(data), written=written.strftime("%Y-%m-%dT%H:%M:%SZ"))
        blob = parse_blob(data)
        row["run_id"] = blob.run_id
        _check_header(blob, name)
        if minisign and row["signed"]:
            signing.verify(minisign, options.public_key, path, path + SIGNATURE_SUFFIX, progress)
    except ExportError as error:
        row["problem"] = error.message
    except OSError as error:
        row["problem"] = error.strerror
    except Refused as refused:
        row["problem"] = refused.message.removeprefix(f"{name.file}: ")
    return row


def _check_header(blob: Blob, name: PublishedName) -> None:
    if (blob.name, blob.generation) != (name.name, name.generation):
        raise ExportError("bad-blob", f"its header says {blob.name}, generation {blob.generation}")


def _state(contents: Contents, name: PublishedName) -> str:
    if contents.current and contents.current.blob == name:
        return "current"
    if contents.withdrawn(name):
        return "given up"
    if contents.highest is None or name.generation > contents.highest:
        return "never current"
    return "kept"


def _strangers(contents: Contents) -> list[str]:
    """Files that are neither a blob's nor a publisher's."""
    known = {blob.file + suffix for blob in contents.blobs for suffix in (SIGNATURE_SUFFIX, WITHDRAWN_SUFFIX)}
    return [file for file in contents.others if file not in known and not file.startswith(TEMPORARY_PREFIX)]


def _problems(contents: Contents, rows: list[dict[str, Any]]) -> list[str]:
    problems = [f"current {contents.problem}"] if contents.problem else []
    if contents.current and contents.current.blob not in contents.blobs:
        problems.append(f"current names {contents.current.blob.file}, which is not there")
    if contents.current is None and not contents.problem and contents.blobs:
        problems.append("there is no current: nobody takes any of these")
    names = {blob.name for blob in contents.blobs}
    if len(names) > 1:
        problems.append(f"models of several names: {', '.join(sorted(names))}")
    return problems + [f"{row['file']}: {row['problem']}" for row in rows if row["problem"]]


def _text(report: dict[str, Any]) -> str:
    if not report["generations"] and not report["problems"]:
        return f"{report['folder']}: nothing published yet"
    table = [["generation", "state", "signed", "written", "run", "file"]]
    table += [[str(row["generation"]), "damaged" if row["problem"] else row["state"], "yes" if row["signed"] else "no",
               row["written"] or "-", row["run_id"] or "-", row["file"]] for row in reversed(report["generations"])]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in table]
    if report["rollback_from"] is not None:
        lines.append(f"rolled back from generation {report['rollback_from']}")
    lines.append(f"next generation: {report['next_generation']}")
    if report["leftovers"]:
        lines.append(f"{len(report['leftovers'])} temporary files, which the next publication removes")
    lines += [f"not ours: {file}" for file in report["strangers"]]
    return "\n".join(lines + [f"problem: {problem}" for problem in report["problems"]])
