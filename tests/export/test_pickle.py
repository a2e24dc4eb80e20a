# SPDX-License-Identifier: Apache-2.0
"""The pickle reader: gadgets are refused by name and never executed; damaged pickles and views are refused."""

import pickle
import struct

import numpy as np
import pytest
from helpers import (contiguous, dict_of, named, number, numbers, pickle_of, random_weights, script_records,
                     state_dict_records, tensor, text, whole_tensor, zip_of)

from weight_export.errors import ExportError
from weight_export.pickle_reader import read_pickle

BODY = "    return torch.linear(torch.relu(torch.linear(x, CONSTANTS.c0)), CONSTANTS.c1)"
CONSTANTS = [random_weights(20, 12), random_weights(1, 20)]


class Gadget:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        import os
        return os.system, (f"touch {self.marker}",)


def gadgets(marker):
    """Pickles that would create `marker` if they were loaded."""
    command = f"touch {marker}"
    yield from (pickle.dumps({"w": Gadget(marker)}, protocol) for protocol in range(0, 6))
    yield pickle_of(named("builtins", "eval") + b"(" + text(f"open({str(marker)!r}, 'w')") + b"tR")
    yield pickle_of(b"(" + text(command) + b"iposix\nsystem\n")  # INST
    yield pickle_of(b"(" + named("posix", "system") + text(command) + b"o")  # OBJ
    yield pickle_of(text("posix") + text("system") + b"\x93(" + text(command) + b"tR")  # STACK_GLOBAL
    # A gadget hidden behind an allowed name, and one in an object's state.
    yield pickle_of(named("collections", "OrderedDict") + b")R}(" + text("__setstate__")
                    + named("posix", "system") + b"ub(" + text(command) + b"tb")
    yield pickle_of(named("torch.serialization", "load") + b"(" + text(str(marker)) + b"tR")


def test_gadgets_in_a_state_dict(export, tmp_path):
    marker = tmp_path / "executed"
    description = tmp_path / "d.json"
    description.write_text('{"inputs": 4, "heads": [{"name": "a", "w1": "w", "w2": "w"}]}')
    for gadget in gadgets(marker):
        source = zip_of(tmp_path / "m.pt", state_dict_records({"w": random_weights(3, 4)}, gadget))
        result = export(source, "--model", description)
        result.refused("pickle-not-allowed")
        assert not marker.exists()


@pytest.mark.parametrize("record", ["m/data.pkl", "m/constants.pkl"])
def test_gadgets_in_torchscript(export, tmp_path, record):
    marker = tmp_path / "executed"
    for gadget in gadgets(marker):
        records = script_records(BODY, CONSTANTS) | {record: gadget}
        export(zip_of(tmp_path / "m.pt", records)).refused("pickle-not-allowed")
        assert not marker.exists()


def test_the_gadgets_do_work(tmp_path):
    """Else the tests above prove nothing."""
    marker = tmp_path / "executed"
    pickle.loads(next(gadgets(marker)))
    assert marker.exists()


def test_refusal_names_the_callable(export, tmp_path):
    records = script_records(BODY, CONSTANTS) | {"m/data.pkl": pickle.dumps(Gadget("x"), 2)}
    export(zip_of(tmp_path / "m.pt", records)).refused("pickle-not-allowed", "posix.system", "data.pkl")


@pytest.mark.parametrize("module, name", [
    ("torch", "FloatStorageX"), ("torch._utils", "_rebuild_sparse_tensor"), ("torch", "load"), ("builtins", "getattr"),
    ("__torch__x", "Net"), ("collections", "Counter"), ("torch.jit._pickle", "build_anything")])
def test_names_near_the_allow_list(module, name):
    with pytest.raises(ExportError) as refused:
        read_pickle(pickle_of(named(module, name)), "p", bytes)
    assert refused.value.name in ("pickle-not-allowed", "unsupported-tensor") and name in refused.value.message


def read_one(body: bytes, data: bytes):
    value = read_pickle(pickle_of(body), "p", lambda key: data)
    return value.array()


def test_strides_and_offset():
    storage = np.arange(20, dtype="<f4")
    seen = read_one(tensor("0", 20, (3, 4), (1, 5), offset=2), storage.tobytes())
    expected = [[2 + row + 5 * column for column in range(4)] for row in range(3)]
    np.testing.assert_array_equal(seen, expected)


@pytest.mark.parametrize("storage, dtype", [("DoubleStorage", "<f8"), ("HalfStorage", "<f2"), ("LongStorage", "<i8"),
                                            ("CharStorage", "|i1"), ("BoolStorage", "|u1")])
def test_element_types(storage, dtype):
    values = np.array([[0, 1, 1], [1, 0, 1]], dtype)
    seen = read_one(whole_tensor("0", values, storage), values.tobytes())
    np.testing.assert_array_equal(seen, values)


def test_bfloat16_widens_exactly():
    values = np.array([1.0, -2.5, 3.140625, 1e-38, np.inf], np.float32)
    upper = (values.view(np.uint32) >> 16).astype("<u2")
    seen = read_one(whole_tensor("0", upper, "BFloat16Storage"), upper.tobytes())
    np.testing.assert_array_equal(seen, (upper.astype(np.uint32) << 16).view(np.float32))


@pytest.mark.parametrize("shape, stride, offset", [
    ((3, 4), (4, 1), 1), ((3, 4), (5, 1), 0), ((3, 4), (4, 1), -1), ((-3, 4), (4, 1), 0), ((3, 4), (-4, 1), 0),
    ((3, 4), (4,), 0), ((1 << 20, 1 << 20), (0, 0), 0), ((1,) * 9, (1,) * 9, 0)])
def test_views_outside_their_storage(shape, stride, offset):
    with pytest.raises(ExportError) as refused:
        read_one(tensor("0", 12, shape, stride, offset), bytes(48))
    assert refused.value.name == "unsupported-tensor"


def test_storage_shorter_than_it_says():
    with pytest.raises(ExportError) as refused:
        read_one(tensor("0", 12, (12,), (1,)), bytes(47))
    assert refused.value.name == "damaged-archive"


def test_truncated_and_mangled_pickles():
    """At every length and with every byte changed: a value or a named refusal, nothing else."""
    whole = pickle_of(dict_of({"w": tensor("0", 12, (3, 4), contiguous((3, 4))), "epoch": number(3)}))
    for length in range(len(whole)):
        with pytest.raises(ExportError) as refused:
            read_pickle(whole[:length], "p", lambda key: bytes(48))
        assert refused.value.name in ("damaged-pickle", "pickle-not-allowed", "unsupported-tensor")
    for place in range(len(whole)):
        for change in (1, 0x80, 0x55):
            mangled = whole[:place] + bytes([whole[place] ^ change]) + whole[place + 1:]
            try:
                read_pickle(mangled, "p", lambda key: bytes(48))
            except ExportError:
                pass


def test_deep_nesting_does_not_crash():
    deep = pickle_of(b")" + b"\x85" * 100_000)
    read_pickle(deep, "p", bytes)
    key = pickle_of(b"}" + b")" + b"\x85" * 100_000 + number(1) + b"s")
    with pytest.raises(ExportError):
        read_pickle(key, "p", bytes)


def test_memory_claims():
    """A length field far beyond the file allocates nothing."""
    with pytest.raises(ExportError):
        read_pickle(b"\x80\x02X" + struct.pack("<I", 0xFFFFFFFF) + b"abc.", "p", bytes)
    with pytest.raises(ExportError):
        read_pickle(pickle_of(b"r" + struct.pack("<I", 0xFFFFFFFF) + numbers([1])), "p", bytes)
