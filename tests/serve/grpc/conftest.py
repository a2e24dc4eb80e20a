# SPDX-License-Identifier: Apache-2.0
"""A server that answers over gRPC too, and grpcio's client of it, made from tools/serve/grpc/inference.proto."""
import importlib
import pathlib
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1]))

from served import ROOT  # noqa: E402

WITHOUT = "scripts/bootstrap --for grpc"


@pytest.fixture(scope="session")
def with_grpc(binary):
    """The program, where it was built with gRPC."""
    text = subprocess.run([binary, "serve", "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    if "built without gRPC" in text:
        pytest.skip(f"{binary} was built without gRPC: {WITHOUT}")
    return binary


@pytest.fixture(scope="session")
def generated(tmp_path_factory):
    """(messages, stubs): the modules that protoc writes."""
    plugin = shutil.which("grpc_python_plugin")
    if plugin is None or shutil.which("protoc") is None or importlib.util.find_spec("grpc") is None:
        pytest.skip(f"no protoc, no grpc_python_plugin or no grpcio: {WITHOUT}")
    folder = tmp_path_factory.mktemp("generated")
    subprocess.run(["protoc", f"-I{ROOT / 'tools' / 'serve' / 'grpc'}", f"--python_out={folder}",
                    f"--grpc_python_out={folder}", f"--plugin=protoc-gen-grpc_python={plugin}", "inference.proto"],
                   check=True)
    sys.path.insert(0, str(folder))
    return importlib.import_module("inference_pb2"), importlib.import_module("inference_pb2_grpc")


@pytest.fixture
def ask(start, with_grpc, generated):
    """ask(*options, folder=...) -> a running server, Asked."""
    from asked import Asked
    asked = []

    def begin(*options, folder=None):
        if "--queue-limit" not in options:  # a busy box is no overload
            options = (*options, "--queue-limit", "0")
        asked.append(Asked(start("--grpc-port", "0", *options, folder=folder), *generated))
        return asked[-1]
    yield begin
    for one in asked:
        one.channel.close()


@pytest.fixture
def asked(ask):
    return ask()
