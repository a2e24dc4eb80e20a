# SPDX-License-Identifier: Apache-2.0
"""Files that are not what they claim: zip bombs, unsafe names, truncation, other formats."""

import os
import zipfile

import numpy as np
import pytest
from helpers import random_weights, save_npz, script_records, small_head, state_dict_records, zip_of

from weight_export import archive

BODY = "    return torch.softmax(torch.linear(torch.clamp(torch.linear(x, CONSTANTS.c0), 0, 6), CONSTANTS.c1), -1)"
CONSTANTS = [random_weights(20, 12), random_weights(3, 20)]


def test_zip_bomb_by_size(export, tmp_path):
    block = bytes(64 << 20)
    records = {f"a{i}.w1.npy": block for i in range(9)}
    bomb = zip_of(tmp_path / "bomb.npz", records, zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 2 << 20
    export(bomb).refused("zip-bomb", str(9 * (64 << 20)))


def test_zip_bomb_by_records(export, tmp_path):
    records = {f"a{i}.w1.npy": b"" for i in range(archive.MAX_RECORDS + 1)}
    export(zip_of(tmp_path / "bomb.npz", records)).refused("zip-bomb", str(archive.MAX_RECORDS + 1))


def test_record_longer_than_it_says(export, tmp_path):
    """The central directory claims 10 bytes for a record that inflates to 10 million."""
    path = zip_of(tmp_path / "m.npz", {"a.w1.npy": bytes(10_000_000)}, zipfile.ZIP_DEFLATED)
    data = path.read_bytes().replace((10_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(data)
    export(path).refused("damaged-archive", "a.w1.npy")


@pytest.mark.parametrize("name", ["../a.w1.npy", "/a.w1.npy", "x/../../a.w1.npy", "a\\b.w1.npy", "x//a.w1.npy"])
def test_unsafe_names(export, tmp_path, name):
    export(zip_of(tmp_path / "m.npz", {name: b""})).refused("unsafe-path")
    assert os.listdir(tmp_path) == ["m.npz"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_doubled_name(export, tmp_path):
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as file:
        file.writestr("a.w1.npy", b"1")
        file.writestr("a.w1.npy", b"2")
    export(tmp_path / "m.npz").refused("unsafe-path", "two records")


@pytest.mark.parametrize("kind", ["npz", "script", "state_dict"])
def test_truncated_at_many_lengths(export, tmp_path, kind):
    whole = tmp_path / "whole"
    if kind == "npz":
        save_npz(whole.with_suffix(".npz"), small_head("a"))
        data = whole.with_suffix(".npz").read_bytes()
    elif kind == "script":
        data = zip_of(whole, script_records(BODY, CONSTANTS)).read_bytes()
    else:
        data = zip_of(whole, state_dict_records({"w": random_weights(3, 4)})).read_bytes()
    cut = tmp_path / "cut.pt"
    for length in sorted({*range(0, 40), *np.linspace(40, len(data) - 1, 60).astype(int).tolist()}):
        cut.write_bytes(data[:length])
        result = export(cut)
        assert result.code == 4 and result.name in ("unknown-source", "damaged-archive"), (length, result.errors)
        assert not result.blob.exists()


def test_flipped_bytes_never_give_another_model(export, tmp_path):
    """Every byte of a record is under the zip's checksum; flips elsewhere are refused or change nothing."""
    source = zip_of(tmp_path / "m.pt", script_records(BODY, CONSTANTS))
    data = source.read_bytes()
    result = export(source, "--dtype", "float32", "--name", "m")
    result.succeeded()
    good = result.blob.read_bytes()
    for place in range(0, len(data), 61):
        result.blob.unlink(missing_ok=True)
        source.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1:])
        again = export(source, "--dtype", "float32", "--name", "m")
        assert again.code in (0, 4), (place, again.errors)
        if again.code == 0:
            # Only the digests of source and file may differ.
            assert result.blob.read_bytes()[512:] == good[512:], place


@pytest.mark.parametrize("record", ["m/constants/1", "m/code/__torch__.py", "m/data.pkl"])
def test_missing_record(export, tmp_path, record):
    records = script_records(BODY, CONSTANTS)
    del records[record]
    export(zip_of(tmp_path / "m.pt", records)).refused("missing-record", record)


def test_byte_order(export, tmp_path):
    records = script_records(BODY, CONSTANTS)
    export(zip_of(tmp_path / "m.pt", records | {"m/byteorder": b"little"})).succeeded()
    export(zip_of(tmp_path / "m.pt", records | {"m/byteorder": b"big"})).refused("byte-order", "big")


@pytest.mark.parametrize("start, word", [
    (b"\x7fELF", "ELF"), (b"\x1f\x8b\x08", "gzip"), (b"\x93NUMPY", "npy"), (b"\x89TML", "tickmlp blob"),
    (b"\x80\x04\x95", "bare pickle"), (b"", "empty"), (b"hello", "else")])
def test_other_formats_are_named(export, tmp_path, start, word):
    path = tmp_path / "m.pt"
    path.write_bytes(start + bytes(100) if start else b"")
    export(path).refused("unknown-source", word)


def test_not_a_file(export, tmp_path):
    export(tmp_path / "none.pt").refused("cannot-read", "none.pt")
    export(tmp_path).refused("cannot-read")
    os.mkfifo(tmp_path / "pipe")
    export(tmp_path / "pipe").refused("cannot-read", "regular file")
    export("/dev/zero").refused("cannot-read", "regular file")


def test_sparse_giant(export, tmp_path):
    path = tmp_path / "giant.pt"
    with open(path, "wb") as file:
        file.truncate(2 << 30)
    export(path).refused("source-too-large", str(2 << 30))


def test_other_zip(export, tmp_path):
    export(zip_of(tmp_path / "m.zip", {"readme.txt": b"x"})).refused("unknown-source", "readme.txt")
