# SPDX-License-Identifier: Apache-2.0
"""The server in the eyes of grpc-js, which reads inference.proto itself and shares no code with gRPC's C++."""
import json
import os
import pathlib
import shutil
import subprocess

import numpy
import pytest

from served import ROOT, same_bits

PACKAGES = {"@grpc/grpc-js": "1.14.7", "@grpc/proto-loader": "0.8.1"}
# Beside the build folder, which meson may wipe.
FILES = ROOT / "build-grpc-files"


def installed(package):
    description = FILES / "node_modules" / package / "package.json"
    return json.loads(description.read_text())["version"] if description.is_file() else None


@pytest.fixture(scope="session")
def node_modules():
    """grpc-js, installed by npm where it is not there yet. Scripts of packages are not run."""
    if shutil.which("node") is None:
        pytest.skip("no node: scripts/bootstrap --for npm")
    if any(installed(package) != version for package, version in PACKAGES.items()):
        if shutil.which("npm") is None:
            pytest.skip("no npm: scripts/bootstrap --for npm")
        FILES.mkdir(exist_ok=True)
        names = [f"{package}@{version}" for package, version in PACKAGES.items()]
        done = subprocess.run(["npm", "install", "--ignore-scripts", "--no-save", "--no-audit", "--no-fund", "--prefix",
                               ".", *names], cwd=FILES, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=300, check=False)
        if done.returncode != 0:
            pytest.skip(f"npm cannot install {names}: {(done.stderr.strip().splitlines() or ['no reason'])[-1]}")
    return FILES / "node_modules"


def outputs_of(answer):
    tensors = []
    for i, tensor in enumerate(answer["outputs"]):
        numbers = (numpy.frombuffer(bytes.fromhex(answer["raw_output_contents"][i]), numpy.float32)
                   if answer["raw_output_contents"] else
                   numpy.array(tensor["contents"]["fp32_contents"], numpy.float32))
        tensors.append(numbers.reshape(tensor["shape"]))
    return numpy.concatenate(tensors, axis=1)


def test_as_grpc_js_asks(asked, scored, node_modules, tmp_path):
    name, states, expected = scored
    question = tmp_path / "question.json"
    question.write_text(json.dumps({"model": name, "inputs": states.shape[1], "state": states[0].tolist()}))
    done = subprocess.run(["node", pathlib.Path(__file__).with_name("ask.js"),
                           ROOT / "tools" / "serve" / "grpc" / "inference.proto", f"127.0.0.1:{asked.port}", question],
                          env={**os.environ, "NODE_PATH": str(node_modules)}, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["live"] == {"answer": {"live": True}} and seen["ready"] == {"answer": {"ready": True}}
    metadata = seen["metadata"]["answer"]
    assert metadata["name"] == name and metadata["inputs"][0]["shape"] == [-1, states.shape[1]]
    assert sum(output["shape"][1] for output in metadata["outputs"]) == expected.shape[1]
    streamed = seen["stream"].pop()
    assert streamed["error_message"] and streamed["infer_response"]["id"] == "refused"
    answers = [seen["raw"]["answer"], seen["typed"]["answer"], *(one["infer_response"] for one in seen["stream"])]
    assert [answer["id"] for answer in answers] == ["raw", "typed"] * 2
    for answer in answers:
        assert answer["model_version"] == "1" and same_bits(outputs_of(answer), expected[:1])
    codes = seen["codes"]
    assert seen["no_model"]["code"] == codes["NOT_FOUND"] and seen["no_model"]["message"]
    assert seen["short"]["code"] == codes["INVALID_ARGUMENT"] and "3 bytes" in seen["short"]["message"]
    assert seen["load"]["code"] == codes["UNAUTHENTICATED"]
    # Nothing was asked since: HTTP tells the same.
    told = json.loads(asked.server.ask("GET", f"/v2/models/{name}/stats")[2])
    assert seen["statistics"]["answer"] == told
    assert told["model_stats"][0]["inference_stats"]["success"]["count"] == 4
