# SPDX-License-Identifier: Apache-2.0
"""Small sources made by hand, without torch: npz, state_dict archives, TorchScript archives."""

import io
import re
import struct
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TOOL = Path(__file__).resolve().parents[2] / "tools" / "weight_export"


@dataclass
class Result:
    """What a run gave. `name` is the error's name, or '' without an error line."""

    code: int
    text: str
    errors: str
    blob: Path

    @property
    def name(self) -> str:
        match = re.match(r"weight_export: error ([a-z0-9-]+): ", self.errors)
        return match[1] if match else ""

    def refused(self, name: str, *words: str, code: int = 4) -> None:
        """Assert a refusal: its name, exit code and one line of text with `words` in it; no traceback."""
        assert (self.name, self.code) == (name, code), (self.code, self.errors)
        assert self.errors.count("\n") == 1, self.errors
        for word in words:
            assert word in self.errors, (word, self.errors)

    def succeeded(self) -> None:
        assert self.code == 0 and self.errors == "", (self.code, self.errors)


def run_tool(*arguments, **options) -> subprocess.CompletedProcess:
    """The exporter as a user starts it: its own process."""
    return subprocess.run([sys.executable, str(TOOL), *map(str, arguments)], capture_output=True, text=True,
                          timeout=60, **options)


def random_weights(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).uniform(-0.5, 0.5, shape).astype(np.float32)


def small_head(name: str = "actor", inputs: int = 12, hidden: int = 20, outputs: int = 3, seed: int = 0) -> dict:
    return {f"{name}.w1": random_weights(inputs, hidden, seed=seed),
            f"{name}.w2": random_weights(hidden, outputs, seed=seed + 1)}


def save_npz(path: Path, arrays: dict, **more) -> Path:
    np.savez(path, **arrays, **more)
    return path


# A pickle assembler for what torch writes (protocol 2).

def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def numbers(values) -> bytes:
    return b"(" + b"".join(number(value) for value in values) + b"t"


def named(module: str, name: str) -> bytes:
    return b"c" + f"{module}\n{name}\n".encode()


def tensor(key: str, numel: int, shape, stride, offset=0, storage="FloatStorage") -> bytes:
    persistent = b"(" + text("storage") + named("torch", storage) + text(key) + text("cpu") + number(numel) + b"tQ"
    ordered = named("collections", "OrderedDict") + b")R"
    return (named("torch._utils", "_rebuild_tensor_v2") + b"(" + persistent + number(offset) + numbers(shape)
            + numbers(stride) + b"\x89" + ordered + b"tR")


def contiguous(shape) -> list[int]:
    return [int(np.prod(shape[i + 1:])) for i in range(len(shape))]


def whole_tensor(key: str, array: np.ndarray, storage="FloatStorage") -> bytes:
    return tensor(key, array.size, array.shape, contiguous(array.shape), storage=storage)


def pickle_of(body: bytes) -> bytes:
    return b"\x80\x02" + body + b"."


def dict_of(pairs: dict) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in pairs.items()) + b"u"


def zip_of(path: Path, records: dict, compression=zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in records.items():
            archive.writestr(name, data)
    return path


def state_dict_records(arrays: dict, pickle: bytes | None = None) -> dict:
    """Records of a torch.save'd state_dict of float32 arrays."""
    keys = {name: str(i) for i, name in enumerate(arrays)}
    body = dict_of({name: whole_tensor(keys[name], array) for name, array in arrays.items()})
    records = {"m/data.pkl": pickle or pickle_of(body)}
    records.update({f"m/data/{keys[name]}": array.astype("<f4").tobytes() for name, array in arrays.items()})
    return records | {"m/version": b"3\n"}


def script_records(body: str, constants: list[np.ndarray], returns: str = "Tensor", arguments: str = "x: Tensor",
                   data_pickle: bytes | None = None) -> dict:
    """Records of a frozen TorchScript module whose forward has this body (lines indented by four spaces)."""
    code = ("class Net(Module):\n  __parameters__ = []\n  __buffers__ = []\n"
            f"  def forward(self: __torch__.Net,\n    {arguments}) -> {returns}:\n{body}\n")
    tensors = b"(" + b"".join(whole_tensor(str(i), array) for i, array in enumerate(constants)) + b"t"
    records = {"m/data.pkl": data_pickle or pickle_of(named("__torch__", "Net") + b")\x81}b"),
               "m/code/__torch__.py": code.encode(), "m/constants.pkl": pickle_of(tensors)}
    records.update({f"m/constants/{i}": array.astype("<f4").tobytes() for i, array in enumerate(constants)})
    return records | {"m/version": b"3\n"}


def npy_bytes(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def damaged(data: bytes, run, weights_from: int | None = None) -> set:
    """Flips two bits of every byte, one after another, and runs the exporter on each: a named refusal, or a blob of the
    same size; before the byte `weights_from` one with the same weights (digests and names may differ). Returns the
    names of the refusals."""
    names = set()
    result = run(data)
    result.succeeded()
    good = result.blob.read_bytes()
    records = 512 + 128 * int.from_bytes(good[48:52], "little")
    for place in range(len(data)):
        for bit in (0x01, 0x80):
            result = run(data[:place] + bytes([data[place] ^ bit]) + data[place + 1:])
            assert result.code in (0, 1, 4) and "internal" not in result.errors, (place, bit, result.errors)
            assert (result.code == 0) == (result.name == ""), (place, bit, result.errors)
            if result.code == 0:
                seen = result.blob.read_bytes()
                assert len(seen) == len(good), (place, bit)
                if weights_from is not None and place < weights_from:
                    assert seen[records:] == good[records:], (place, bit)
            names.add(result.name)
    return names
