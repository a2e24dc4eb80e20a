# SPDX-License-Identifier: Apache-2.0
"""A published folder under test: publish to it, read it as a process would, and say what is wrong with it."""
import base64
import dataclasses
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

from small_models import export, network
from training_cycle.names import parse_current, parse_name
from weight_export.blob import to_bytes
from weight_export.read_blob import read_blob

ANY_BUDGET = ("--budget", "probability=1,value=1,argmax=0")


class Blobs:
    """Blobs of one model: exported once a seed, then given any generation."""

    def __init__(self, folder):
        self.folder = folder
        self.models = {}

    def __call__(self, generation, seed=5, name="small"):
        path = self.folder / f"{name}-{seed}-{generation}.blob"
        if not path.exists():
            if seed not in self.models:
                source = export(self.folder, f"seed-{seed}", network(seed), "--window", "4x3", *ANY_BUDGET)
                self.models[seed] = read_blob(str(source))
            path.write_bytes(to_bytes(dataclasses.replace(self.models[seed], generation=generation, name=name)))
        return path

    def with_name(self, name):
        """Bytes of a blob of generation 1 with that name."""
        self(1)
        return to_bytes(dataclasses.replace(self.models[5], generation=1, name=name))

    def signature(self, generation, name="small", comment=None, algorithm=b"ED"):
        """Four lines in minisign's form; the publisher has no key, so it cannot ask for more."""
        comment = f"name={name} generation={generation}" if comment is None else comment
        path = self.folder / f"{hashlib.sha256(repr((comment, algorithm)).encode()).hexdigest()}.minisig"
        path.write_text("untrusted comment: of a test\n" + base64.b64encode(algorithm + bytes(72)).decode()
                        + f"\ntrusted comment: {comment}\n" + base64.b64encode(bytes(64)).decode() + "\n")
        return path


def sha8(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:8]


def published_name(blob, generation, name="small"):
    return f"{name}-{generation}-{sha8(blob)}.blob"


class Published:
    def __init__(self, program, blobs, folder):
        self.program, self.blobs, self.folder = program, blobs, folder

    def words(self, blob, *options):
        return [self.program, str(self.folder), str(blob), *map(str, options)]

    def publish(self, blob, *options, **more):
        return subprocess.run(self.words(blob, *options), capture_output=True, text=True, timeout=60, **more)

    def done(self, blob, *options):
        """Publishes, and it must succeed; returns what it says."""
        answer = self.publish(blob, "--json", *options)
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    def refused(self, blob, *options, name, code, words=()):
        before = self.files()
        answer = self.publish(blob, *options)
        assert answer.returncode == code, (answer.returncode, answer.stderr)
        assert answer.stderr.startswith(f"tickmlp-publish: error {name}: ") and answer.stderr.count("\n") == 1
        for word in words:
            assert word in answer.stderr, (word, answer.stderr)
        assert self.files() == before

    def files(self):
        return {path.name: path.read_bytes() for path in self.folder.iterdir() if path.is_file()}

    def names(self):
        return sorted(path.name for path in self.folder.iterdir())

    @property
    def line(self):
        return (self.folder / "current").read_text()

    def generation(self):
        """Of the current blob, read as strictly as a reader can; 0 where nothing is published."""
        if not (self.folder / "current").exists():
            return 0
        current = parse_current(self.line)
        assert current is not None, repr(self.line)
        self.check_whole(current.blob)
        return current.blob.generation

    def check_whole(self, name):
        """The bytes are those that the name promises: a full SHA-256 guards the rest of the blob inside it."""
        path = self.folder / name.file
        assert sha8(path) == name.sha8, name.file
        signature = self.folder / (name.file + ".minisig")
        assert not signature.exists() or signature.read_text().count("\n") == 4

    def check_all_whole(self):
        for path in self.folder.iterdir():
            if name := parse_name(path.name):
                self.check_whole(name)

    def blobs_above(self, generation):
        return [name for name in map(parse_name, self.names()) if name and name.generation > generation]

    def leftovers(self):
        return [name for name in self.names() if name.startswith(".tmp-")]

    def copy_to(self, folder):
        shutil.copytree(self.folder, folder)
        return Published(self.program, self.blobs, folder)
