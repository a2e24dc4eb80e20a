# SPDX-License-Identifier: Apache-2.0
"""ONNX files that are damaged, or made to cost time or memory."""

import resource
import struct
import subprocess
import sys

import numpy as np
import pytest
from helpers import TOOL, damaged, random_weights

onnx = pytest.importorskip("onnx", reason="python3-onnx is not installed: the models are written with it")

from onnx import TensorProto  # noqa: E402
from onnx_files import LAYERS, WEIGHTS, model  # noqa: E402
from weight_export import onnx_tensor, protobuf  # noqa: E402
from weight_export.errors import ExportError  # noqa: E402
from weight_export.onnx_graph import model_from_onnx  # noqa: E402

TIMEOUT, MEMORY = 60, 3 << 30
SMALL_WEIGHTS = {"w1": random_weights(3, 2), "b1": random_weights(2), "w2": random_weights(2, 2),
                 "b2": random_weights(2)}
SMALL = model(LAYERS, SMALL_WEIGHTS, shape=("n", 3))


@pytest.fixture
def run(export, tmp_path):
    def run(data):
        (tmp_path / "m.onnx").write_bytes(data)
        return export(tmp_path / "m.onnx", "--dtype", "float32", "--name", "m", "--budget", "argmax=0")
    return run


def test_cut_at_every_length(run):
    """A prefix is refused, or it ends between two fields of the model and lacks only what is not needed."""
    names = set()
    for length in range(len(SMALL)):
        result = run(SMALL[:length])
        assert result.code == 4 and result.name, (length, result.errors)
        names.add(result.name)
    assert "damaged-onnx" in names and names <= {"damaged-onnx", "unknown-source", "unsupported-operation"}


def test_every_byte_flipped(run):
    """ONNX has no checksum: a flip in a weight or an attribute is another model of the same shape. All others are
    refused by name or change nothing."""
    names = damaged(SMALL, run)
    assert {"damaged-onnx", "unsupported-operation", "unsupported-tensor", "wrong-shape"} <= names


def varint(value):
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(parts) + bytes([value])


def message(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def bytes_of(graph, opset=13):
    """A model around the fields of a graph."""
    return b"\x08\x07" + message(8, b"\x10" + varint(opset)) + message(7, graph)


BROKEN = {
    "length past the end": (b"\x08\x07" + varint(7 << 3 | 2) + varint(1 << 40), "left"),
    "length of 2^64 - 1": (b"\x08\x07" + varint(7 << 3 | 2) + varint(2**64 - 1), "left"),
    "number of eleven bytes": (b"\x08" + b"\xff" * 10 + b"\x01", "more than 10 bytes"),
    "number of more than 64 bits": (b"\x08" + b"\xff" * 9 + b"\x7f", "more than 64 bits"),
    "a group": (b"\x08\x07\x0b", "wire type 3"),
    "field 0": (b"\x08\x07\x00\x00", "field 0"),
    "no graph": (b"\x08\x07", "0 graphs"),
    "two graphs": (bytes_of(b"") + message(7, b""), "2 graphs"),
    "a graph that is a number": (b"\x08\x07\x38\x01", "a whole number"),
    "a name that is not UTF-8": (bytes_of(message(1, message(4, b"\xff\xfe"))), "UTF-8"),
    "an empty graph": (bytes_of(b""), "0 inputs"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_wire_format(run, case):
    data, word = BROKEN[case]
    run(data).refused("damaged-onnx", word)


def tensor(**fields):
    made = TensorProto(name="w1", dims=[12, 20], data_type=TensorProto.FLOAT)
    for name, value in fields.items():
        made.ClearField(name)
        getattr(made, name).extend(value) if isinstance(value, list) else setattr(made, name, value)
    return made


TENSORS = {
    "no data": (tensor(), "damaged-onnx", "0 elements"),
    "too little raw data": (tensor(raw_data=bytes(956)), "damaged-onnx", "956 bytes"),
    "too many floats": (tensor(float_data=[0.0] * 241), "damaged-onnx", "241 elements"),
    "both": (tensor(raw_data=bytes(960), float_data=[0.0] * 240), "damaged-onnx", "960 bytes"),
    "negative dimension": (tensor(dims=[-12, -20]), "damaged-onnx", "-12"),
    "dimensions that wrap": (tensor(dims=[2**32, 2**32]), "damaged-onnx", "4294967296"),
    "2^40 elements": (tensor(dims=[2**40]), "damaged-onnx", str(onnx_tensor.MAX_ELEMENTS)),
    "nine dimensions": (tensor(dims=[1] * 9), "damaged-onnx", "at most 8"),
    "doubles as floats": (tensor(double_data=[0.0] * 240), "wrong-shape", ""),
    "whole numbers as floats": (tensor(int32_data=[0] * 240), "damaged-onnx", "int64"),
    "text": (tensor(data_type=TensorProto.STRING), "unsupported-tensor", "type 8"),
    "complex": (tensor(data_type=TensorProto.COMPLEX64), "unsupported-tensor", "type 14"),
    "a byte past its type": (tensor(data_type=TensorProto.INT8, int32_data=[300] * 240), "damaged-onnx", "int8"),
}


@pytest.mark.parametrize("case", TENSORS)
def test_broken_tensors(run, case):
    made, name, word = TENSORS[case]
    result = run(model(LAYERS, WEIGHTS | {"w1": made}))
    if case == "doubles as floats":  # both are floating point: the elements are these
        return result.succeeded()
    result.refused(name, word)


def grown(*nodes):
    return model([*nodes, *LAYERS], WEIGHTS | {"big": np.array([1 << 31], np.int64), "two": np.array([1, 2]),
                                                 "zero": np.float32(0)})


BOMBS = {
    "fields": (bytes_of(message(1, b"\x1a\x00" * (protobuf.MAX_FIELDS + 1))), "protobuf-bomb"),
    "packed numbers": (bytes_of(message(5, message(7, bytes(protobuf.MAX_PACKED_BYTES + 1)))), "protobuf-bomb"),
    "a constant of 2^31": (grown(("ConstantOfShape", "big", "c", {})), "model-too-large"),
    "expanded to 2^31": (grown(("Expand", "zero big", "c", {})), "model-too-large"),
    "sizes broadcast": (model([("Reshape", "sizes column", "c", {}), ("Add", "c sizes", "d", {}), *LAYERS],
                              WEIGHTS | {"sizes": np.arange(1 << 14), "column": np.array([1 << 14, 1])}),
                        "model-too-large"),
    "doubled 40 times": (grown(("Tile", "x two", "n0", {}),
                               *(("Tile", f"n{i} two", f"n{i + 1}", {}) for i in range(40))), "model-too-large"),
    "kept for the end": (
        model([*(("Expand", "one rows", f"n{i}", {}) for i in range(40)),
               ("Concat", " ".join(f"n{i}" for i in range(40)), "n", {"axis": 0}), *LAYERS],
              WEIGHTS | {"one": np.ones(2, np.float32), "rows": np.array([1 << 24, 2])}), "model-too-large"),
    "30,000 nodes": (grown(*(("Identity", "x", f"n{i}", {}) for i in range(30_000))), "too-many-steps"),
    "large products over and over": (
        model([("Expand", "one rows", "n0", {}), *(("Mul", f"n{i} one", f"n{i + 1}", {}) for i in range(2_000)),
               *LAYERS],
              WEIGHTS | {"one": np.float32(1), "rows": np.array([1 << 25])}), "too-many-steps"),
    "split into many": (model([("Expand", "one rows", "n", {}), ("Split", "n", "a b", {"num_outputs": 1 << 22}),
                               *LAYERS],
                              WEIGHTS | {"one": np.float32(1), "rows": np.array([1 << 23])}, opset=18),
                        "too-many-steps"),
    "input of 2^31": (model(LAYERS, WEIGHTS, shape=("n", 1 << 31)), "unknown-width"),
}


@pytest.mark.parametrize("case", BOMBS)
def test_work_is_bounded(tmp_path, case):
    """Refused within seconds and 3 GiB, by a process with those limits."""
    data, name = BOMBS[case]
    (tmp_path / "m.onnx").write_bytes(data)
    done = subprocess.run([sys.executable, str(TOOL), str(tmp_path / "m.onnx"), "-o", str(tmp_path / "o.blob")],
                          capture_output=True, text=True, timeout=TIMEOUT,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)))
    assert done.returncode == 4 and done.stderr.startswith(f"weight_export: error {name}: "), done.stderr[:500]
    assert done.stderr.count("\n") == 1


def test_packed_numbers_against_the_package():
    """The vectorised reading of packed whole numbers, at every length of a number."""
    values = [0, 1, 127, 128, 2**14 - 1, 2**14, 2**31, 2**56, 2**63 - 1, -1, -2**63]
    made = TensorProto(dims=[len(values)], data_type=TensorProto.INT64, int64_data=values)
    _, array = onnx_tensor.read_tensor(protobuf.Reader("m"), memoryview(made.SerializeToString()))
    assert array.tolist() == values
    with pytest.raises(ExportError, match="an end within a number"):
        protobuf.Reader("m").integers(protobuf.BYTES, memoryview(b"\x01\x80"), "a list")
    with pytest.raises(ExportError, match="more than 10 bytes"):
        protobuf.Reader("m").integers(protobuf.BYTES, memoryview(b"\x80" * 10 + b"\x01"), "a list")


def test_floats_packed_and_single():
    reader = protobuf.Reader("m")
    assert reader.floats(protobuf.FIXED32, memoryview(struct.pack("<f", 1.5)), "f").tolist() == [1.5]
    assert reader.floats(protobuf.BYTES, memoryview(struct.pack("<2d", 1.5, 2)), "f", "<f8").tolist() == [1.5, 2]
    with pytest.raises(ExportError, match="floats of 4 bytes"):
        reader.floats(protobuf.BYTES, memoryview(b"12345"), "f")


def test_random_bytes():
    """A thousand files that are ONNX in their first byte only."""
    random = np.random.RandomState(1)
    for _ in range(1000):
        with pytest.raises(ExportError):
            model_from_onnx(b"\x08" + random.bytes(random.randint(1, 200)), "m.onnx")
