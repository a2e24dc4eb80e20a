# SPDX-License-Identifier: Apache-2.0
"""Starts `tickmlp serve`, asks it, and asks `tickmlp run` the same."""
import http.client
import json
import pathlib
import subprocess
import tempfile
import time
from collections.abc import Sequence

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = {"tactical-int8": 420, "tactical-float32": 420, "strategic-int8": 13, "strategic-float32": 13}
TOKEN = "0123456789abcdef0123456789abcdef"


def run_model(binary: str, blob: pathlib.Path, states: numpy.ndarray, folder: pathlib.Path) -> numpy.ndarray:
    numpy.save(folder / "states.npy", states)
    subprocess.run([binary, "run", str(blob), "--input", str(folder / "states.npy"), "--output",
                    str(folder / "scores.npy")], check=True, stdout=subprocess.DEVNULL, timeout=60)
    return numpy.load(folder / "scores.npy")


def make_certificate(folder: pathlib.Path, name: str) -> None:
    """name.pem and name.key, of localhost and 127.0.0.1."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"],
                   check=True, capture_output=True, timeout=60)


def same_bits(a: numpy.ndarray, b: numpy.ndarray) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


class Server:
    """A running server on a port of its own. Its standard error is kept in a file."""

    def __init__(self, binary: str, repository: pathlib.Path, options: list[str], prefix: Sequence[str] = ()):
        self.errors = tempfile.NamedTemporaryFile(mode="w+", suffix=".log")
        self.process = subprocess.Popen([*prefix, binary, "serve", "--repository", str(repository), "--port", "0",
                                         *options], stderr=self.errors)
        self.port = self._wait_for_port()

    def _wait_for_port(self) -> int:
        for _ in range(600):
            for line in self.log().splitlines():
                if "listening on http" in line:
                    return int(line.rsplit(":", 1)[1].split("\"")[0])
            assert self.process.poll() is None, self.log()
            time.sleep(0.05)
        raise AssertionError("no port after 30 s: " + self.log())

    def log(self) -> str:
        return pathlib.Path(self.errors.name).read_text()

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None):
        """(status, fields by lower-case name, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def infer(self, model: str, states: numpy.ndarray, **more) -> tuple[int, dict]:
        """By JSON: (status, the answer)."""
        request = {"inputs": [{"name": "input", "shape": list(states.shape), "datatype": "FP32",
                               "data": [float(x) for x in states.ravel()]}], **more}
        status, _, body = self.ask("POST", f"/v2/models/{model}/infer", json.dumps(request).encode())
        return status, json.loads(body)


def outputs_of(answer: dict) -> numpy.ndarray:
    """[states, outputs]: the JSON answer's tensors side by side."""
    return numpy.concatenate([numpy.array(tensor["data"], numpy.float32).reshape(tensor["shape"])
                              for tensor in answer["outputs"]], axis=1)


def binary_outputs(fields: dict[str, str], body: bytes) -> tuple[dict, numpy.ndarray]:
    """The JSON head of a binary answer, and its tensors side by side."""
    size = int(fields["inference-header-content-length"])
    head, at, tensors = json.loads(body[:size]), size, []
    for tensor in head["outputs"]:
        count = tensor["parameters"]["binary_data_size"]
        tensors.append(numpy.frombuffer(body[at:at + count], numpy.float32).reshape(tensor["shape"]))
        at += count
    assert at == len(body)
    return head, numpy.concatenate(tensors, axis=1)
