# SPDX-License-Identifier: Apache-2.0
"""A published folder, blobs of rising generations, and minisign's keys."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy
import pytest
from minisigned import minisign

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TICKMLP_BUILD", ROOT / "build"))


@pytest.fixture(scope="session")
def keys(tmp_path_factory) -> pathlib.Path:
    """ours.key, ours.pub, theirs.key, theirs.pub, without passwords."""
    if shutil.which("minisign") is None:
        pytest.skip("no minisign (scripts/bootstrap --for signature)")
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ours", "theirs"):
        done = minisign("-G", "-W", "-p", folder / f"{name}.pub", "-s", folder / f"{name}.key")
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def blobs(tmp_path_factory) -> dict[int, pathlib.Path]:
    """Generation -> blob, of one model whose weights move a little each time."""
    folder = tmp_path_factory.mktemp("blobs")
    out = {}
    for generation in (1, 2, 3):
        random = numpy.random.default_rng(5)
        arrays = {name: random.uniform(-0.5, 0.5, shape).astype(numpy.float32)
                  for name, shape in (("side.w1", (12, 20)), ("side.w2", (20, 3)), ("side.b1", (20,)))}
        arrays["side.w2"] = arrays["side.w2"] * numpy.float32(1 + generation / 10)
        source, out[generation] = folder / f"{generation}.npz", folder / f"{generation}.blob"
        numpy.savez(source, **arrays)
        subprocess.run([sys.executable, ROOT / "tools" / "weight_export", source, "-o", out[generation], "--name",
                        "small-model", "--generation", str(generation)], check=True, capture_output=True, cwd=ROOT)
    return out


class Published:
    """One folder, as a publisher leaves it."""

    def __init__(self, path: pathlib.Path, blobs: dict[int, pathlib.Path]) -> None:
        self.path, self.blobs = path, blobs

    def replace(self, name: str, content: bytes) -> pathlib.Path:
        temporary = self.path / ".tmp-test"
        temporary.write_bytes(content)
        temporary.chmod(0o644)
        temporary.rename(self.path / name)
        return self.path / name

    def publish(self, generation: int, rest: str = "") -> pathlib.Path:
        content = self.blobs[generation].read_bytes()
        name = f"small-model-{generation}-{hashlib.sha256(content).hexdigest()[:8]}.blob"
        file = self.replace(name, content)
        self.replace("current", f"{name}{rest}\n".encode())
        return file

    def sign(self, file: pathlib.Path, key: pathlib.Path, *words: str, comment: str | None = None) -> None:
        generation = file.name.split("-")[-2]
        comment = f"name=small-model generation={generation}" if comment is None else comment
        done = minisign("-S", "-s", key, "-m", file, "-t", comment, *words)
        assert done.returncode == 0, done.stdout + done.stderr
        file.with_name(file.name + ".minisig").chmod(0o644)


@pytest.fixture
def published(tmp_path, blobs) -> Published:
    folder = tmp_path / "published"
    folder.mkdir(mode=0o755)
    return Published(folder, blobs)


@pytest.fixture
def look(binary, published):
    """One look of the program: (exit code, report)."""
    def run(*words: object) -> tuple[int, dict]:
        done = subprocess.run([binary, "watch", str(published.path), "--once", "--json", *map(str, words)],
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout, done.stderr
        report = json.loads(done.stdout)
        assert report["schema"] == "tickmlp-watch/1"
        assert (done.returncode, report["status"] == "ok") in ((0, True), (4, False))
        return done.returncode, report
    return run
