# SPDX-License-Identifier: Apache-2.0
"""safetensors files made by hand: the two ways to name heads, every rule of the format, damage."""

import hashlib
import json
import struct

import numpy as np
import pytest
from helpers import damaged, random_weights, small_head

from weight_export import safetensors
from weight_export.read_blob import read_blob

TYPES = {"<f4": "F32", "<f8": "F64", "<f2": "F16", "<i8": "I64", "|i1": "I8"}


def file_of(tensors, metadata=None, change=None):
    """tensors: arrays by name, or (type, array of its bits). `change` may alter the header before it is written."""
    header, body = {}, b""
    for name, value in tensors.items():
        kind, array = value if isinstance(value, tuple) else (TYPES[value.dtype.str], value)
        data = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    if metadata is not None:
        header["__metadata__"] = metadata
    if change is not None:
        change(header)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


@pytest.fixture
def run(export, tmp_path):
    def run(data, *options, description=None):
        (tmp_path / "m.safetensors").write_bytes(data)
        if description is not None:
            (tmp_path / "d.json").write_text(json.dumps(description))
            options = (*options, "--model", tmp_path / "d.json")
        return export(tmp_path / "m.safetensors", "--dtype", "float32", "--name", "m", *options)
    return run


HEADS = small_head("zeta") | small_head("alpha", outputs=1, seed=4)


def test_names_as_in_an_npz(run):
    result = run(file_of(HEADS))
    result.succeeded()
    packed = read_blob(result.blob).packed
    assert [head.name for head in packed.heads] == ["zeta", "alpha"]
    assert np.array_equal(packed.w1[:, :20], HEADS["zeta.w1"])
    assert np.array_equal(packed.heads[1].w2[:, :20], HEADS["alpha.w2"].T)


def test_heads_in_the_order_of_the_metadata(run):
    """The usual writers sort by name; outputs follow what training says."""
    sorted_heads = dict(sorted(HEADS.items()))
    names = lambda result: [head.name for head in read_blob(result.blob).packed.heads]  # noqa: E731
    assert names(run(file_of(sorted_heads))) == ["alpha", "zeta"]
    assert names(run(file_of(sorted_heads, {"heads": "zeta, alpha", "format": "pt"}))) == ["zeta", "alpha"]
    run(file_of(HEADS, {"heads": "zeta"})).refused("safetensors-header", "each head of the file once")


def test_activation_in_the_metadata(run):
    result = run(file_of(HEADS, {"zeta.activation": "identity"}))
    result.succeeded()
    assert [head.activation for head in read_blob(result.blob).packed.heads] == [0, 0]
    run(file_of(HEADS, {"zeta.activation": "tanh"})).refused("unsupported-activation", "tanh")


DESCRIPTION = {"inputs": 12, "heads": [{"name": "a", "w1": "fc1.weight", "b1": "fc1.bias", "w2": "fc2.weight"}]}
LINEAR = {"fc1.weight": random_weights(20, 12), "fc1.bias": random_weights(20), "fc2.weight": random_weights(3, 20)}


def test_with_a_description(run):
    result = run(file_of(LINEAR), description=DESCRIPTION)
    result.succeeded()
    packed = read_blob(result.blob).packed
    assert np.array_equal(packed.w1[:, :20], LINEAR["fc1.weight"].T)
    assert np.array_equal(packed.start[:20], LINEAR["fc1.bias"])
    run(file_of(LINEAR)).refused("needs-description", "fc1.weight")
    more = LINEAR | {"fc3.weight": random_weights(3, 3)}
    run(file_of(more), description=DESCRIPTION).refused("unused-weights", "fc3")
    wanted = DESCRIPTION | {"ignore": ["step"]}
    run(file_of(LINEAR | {"step": np.arange(3)}), description=wanted).succeeded()


@pytest.mark.parametrize("kind", ["<f2", "<f4", "<f8", "BF16"])
def test_element_types(run, kind):
    w1 = HEADS["zeta.w1"] / 3
    stored, exact = w1.astype(kind if kind != "BF16" else "<f4"), w1.astype(kind if kind != "BF16" else "<f4")
    if kind == "BF16":
        bits = (w1.view(np.uint32) >> 16).astype(np.uint16)
        stored, exact = ("BF16", bits), (bits.astype(np.uint32) << 16).view(np.float32)
    result = run(file_of(HEADS | {"zeta.w1": stored}))
    result.succeeded()
    assert np.array_equal(read_blob(result.blob).packed.w1[:, :20], exact.astype(np.float32))
    assert ("weights are float64" in result.text) == (kind == "<f8")


def change(name, **entry):
    return lambda header: header[name].update(entry)


BYTES = 12 * 20 * 4
REFUSED = {
    "hole": (change("zeta.w2", data_offsets=[BYTES + 4, BYTES + 244]), "safetensors-data", "begins at byte 964"),
    "overlap": (change("zeta.w2", data_offsets=[BYTES - 4, BYTES + 236]), "safetensors-data", "begins at byte 956"),
    "the same bytes twice": (change("zeta.w2", data_offsets=[0, 240]), "safetensors-data"),
    "hole before the first": (change("zeta.w1", data_offsets=[4, BYTES]), "safetensors-data", "begins at byte 4"),
    "too few bytes": (change("zeta.w1", shape=[12, 21]), "safetensors-data", "1008"),
    "size that wraps 64 bits": (change("zeta.w1", shape=[2**32, 2**32]), "safetensors-data", str(2**66)),
    "size that wraps to its own": (change("zeta.w1", shape=[2**62 + 240, 4]), "safetensors-data"),
    "past the end": (change("alpha.w2", shape=[21, 1], data_offsets=[2160, 2244]), "safetensors-data", "at most"),
    "end first": (change("zeta.w1", data_offsets=[BYTES, 0]), "safetensors-data"),
    "offset of 2^64": (change("zeta.w1", data_offsets=[0, 2**64]), "safetensors-data"),
    "negative offset": (change("zeta.w1", data_offsets=[-4, BYTES]), "safetensors-header"),
    "offset as a float": (change("zeta.w1", data_offsets=[0.0, BYTES]), "safetensors-header"),
    "offset as a bool": (change("zeta.w1", data_offsets=[False, BYTES]), "safetensors-header"),
    "one offset": (change("zeta.w1", data_offsets=[0]), "safetensors-data"),
    "shape as text": (change("zeta.w1", shape="12x20"), "safetensors-header"),
    "nine dimensions": (change("zeta.w1", shape=[1] * 9), "safetensors-header"),
    "unknown key": (change("zeta.w1", strides=[1]), "safetensors-header", "zeta.w1"),
    "unknown type": (change("zeta.w1", dtype="F33"), "unsupported-tensor", "F33"),
    "whole numbers": (change("zeta.w1", dtype="I32"), "unsupported-tensor", "I32"),
    "type as a list": (change("zeta.w1", dtype=["F32"]), "unsupported-tensor"),
    "no tensors": (lambda header: header.clear(), "safetensors-header", "0 tensors"),
    "metadata of numbers": (lambda header: header.update(__metadata__={"a": 1}), "safetensors-header", "metadata"),
    "entry that is text": (lambda header: header.update({"zeta.w1": "x"}), "safetensors-header"),
    "a third layer": (lambda header: header.update({"zeta.w3": header.pop("zeta.w2")}), "bad-key", "zeta.w3"),
    "missing layer": (lambda header: header.update({"eta.w2": header.pop("zeta.w2")}), "missing-weights", "zeta.w2"),
    "transposed": (change("zeta.w1", shape=[20, 12]), "wrong-shape", "zeta.w2"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(run, case):
    alter, name, *words = REFUSED[case]
    result = run(file_of(HEADS, change=alter))
    result.refused(name, *words)
    assert not result.blob.exists()


def header_only(text, size=None):
    return struct.pack("<Q", len(text) if size is None else size) + text


@pytest.mark.parametrize("data, words", [
    (header_only(b"{}", 2**63), [str(2**63), "at most"]),
    (header_only(b"{}", safetensors.MAX_HEADER_BYTES + 1), ["at most"]),
    (header_only(b"{}", 1000), ["1008"]), (header_only(b'{"a"'), ["JSON"]), (header_only(b"{" * 100_000), ["JSON"]),
    (header_only(b'{"a": ' + b"[" * 100_000), ["JSON"]), (header_only(b'{"a": NaN}'), ["JSON"]),
    (header_only(b'{"a": 1, "a": 1}'), ["twice"]), (header_only(b"{\xff\xfe}"), ["JSON"]),
    (header_only(b'{"a": ' + b"9" * 10_000 + b"}"), ["JSON"])], ids=range(10))
def test_headers_are_refused(run, data, words):
    result = run(data)
    result.refused("safetensors-header", *words)


def test_many_tensors(run):
    entries = {f"t{i}": np.zeros(0, np.float32) for i in range(safetensors.MAX_TENSORS + 1)}
    run(file_of(entries)).refused("safetensors-header", "4097 tensors")


def test_not_finite(run):
    for bad in (np.nan, np.inf):
        w1 = HEADS["zeta.w1"].copy()
        w1[2, 3] = bad
        run(file_of(HEADS | {"zeta.w1": w1})).refused("weights-not-finite", "zeta.w1", "[2, 3]")


SMALL = file_of(small_head("a", inputs=3, hidden=2, outputs=1))


def test_cut_at_every_length(run):
    for length in range(len(SMALL)):
        result = run(SMALL[:length])
        assert result.code == 4 and result.name in ("unknown-source", "safetensors-header", "safetensors-data"), (
            length, result.errors)
    run(SMALL + b"\0").refused("safetensors-data", "the end of the file")


def test_every_byte_flipped(run):
    """In the weights a flip is another weight, since the format has no checksum; elsewhere a refusal, or nothing, or
    another name for the head. With the file's digest every flip is refused."""
    weights = 2 * (3 + 1) * 4
    names = damaged(SMALL, run, len(SMALL) - weights)
    assert {"safetensors-header", "safetensors-data", "bad-key", "missing-weights"} <= names
    digest = ["--source-sha256", hashlib.sha256(SMALL).hexdigest()]
    run(SMALL, *digest).succeeded()
    for place in range(0, len(SMALL), 13):
        run(SMALL[:place] + bytes([SMALL[place] ^ 4]) + SMALL[place + 1:], *digest).refused("source-digest", digest[1])
