# SPDX-License-Identifier: Apache-2.0
"""Finding out what a checkpoint is from its content, and reading it with the reader for that kind."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from .archive import Archive
from .description import read_description
from .errors import ExportError
from .model import Model
from .npz import model_from_npz
from .onnx_graph import model_from_onnx
from .read import read_bytes
from .safetensors import looks_like_safetensors, model_from_safetensors
from .state_dict import model_from_state_dict
from .torchscript import model_from_torchscript

MAX_SOURCE_BYTES = 1 << 30
ZIP_MAGIC = b"PK\x03\x04"
ONNX_START = b"\x08"  # the first field of every ONNX model that a known exporter writes: its version
KNOWN = "a TorchScript or state_dict archive, an npz, a safetensors file or an ONNX model"
DESCRIBED = ("state_dict", "safetensors")
# What a wrong file most often is, by its first bytes, so that the refusal can say so.
LOOKS_LIKE = (
    (b"\x7fELF", "an ELF program"), (b"\x1f\x8b", "a gzip file"), (b"\x93NUMPY", "a single npy array"),
    (b"\x89HDF", "an HDF5 file"), (b"\x89TML", "a tickmlp blob"), (b"PK\x05\x06", "an empty zip archive"),
    (b"", "something else"))
# The long integer every legacy torch.save file starts with, after its pickle protocol.
LEGACY_MAGIC = bytes.fromhex("8a0a6cfc9c46f920") + bytes.fromhex("6aa85019")


@dataclass
class Source:
    """A folded model, the kind of file it came from, and the SHA-256 of that file."""

    model: Model
    kind: str
    sha256: bytes


def read_source(path: str, description_path: str | None, window: tuple[int, int] = (0, 0), requantise: bool = False,
                expected: bytes = b"") -> Source:
    """`expected` is the SHA-256 the file has to have, if any. Errors: those of the reader that fits, unknown-source,
    legacy-pickle, source-digest, needs-description, unused-description."""
    data = read_bytes(path, MAX_SOURCE_BYTES)
    digest = hashlib.sha256(data).digest()
    if expected and digest != expected:
        raise ExportError("source-digest", f"{path} has the SHA-256 {digest.hex()}, expected {expected.hex()}")
    archive = Archive(data, path) if data.startswith(ZIP_MAGIC) else None
    kind = _zip_kind(archive) if archive else _kind(data, path)
    if kind not in DESCRIBED and description_path is not None:
        raise ExportError("unused-description", f"{path} is a {kind} file, expected a state_dict or safetensors with "
                          "--model")
    if kind == "state_dict" and description_path is None:
        raise ExportError("needs-description", f"{path} is a state_dict, which does not say how its weights are "
                          "connected, expected --model DESCRIPTION.json")
    description = read_description(description_path) if description_path is not None else None
    if kind == "npz":
        model = model_from_npz(archive)
    elif kind == "torchscript":
        model = model_from_torchscript(archive, window)
    elif kind == "safetensors":
        model = model_from_safetensors(data, path, description)
    elif kind == "onnx":
        model = model_from_onnx(data, path, window, requantise)
    else:
        model = model_from_state_dict(archive, description, requantise)
    return Source(model, kind, digest)


def _kind(data: bytes, path: str) -> str:
    if LEGACY_MAGIC in data[:16]:
        raise ExportError("legacy-pickle", f"{path} is a checkpoint in the format before PyTorch 1.6, expected a zip "
                          "archive: load it with a trusted PyTorch and torch.save it again")
    if data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise ExportError("unknown-source", f"{path} is a bare pickle, expected {KNOWN} (a pickle is never executed)")
    if looks_like_safetensors(data):
        return "safetensors"
    if data.startswith(ONNX_START):
        return "onnx"
    seen = next(name for magic, name in LOOKS_LIKE if data.startswith(magic)) if data else "an empty file"
    raise ExportError("unknown-source", f"{path} looks like {seen}, expected {KNOWN}")


def _zip_kind(archive: Archive) -> str:
    names = archive.names()
    if names and all(name.endswith(".npy") for name in names):
        return "npz"
    # torch puts every record under one folder, named after the file it was first saved to.
    records = {name.partition("/")[2] for name in names}
    if "constants.pkl" in records:
        return "torchscript"
    if "data.pkl" in records:
        return "state_dict"
    raise ExportError("unknown-source", f"{archive.path} is a zip archive of {names[:3]}, expected {KNOWN}")
