# SPDX-License-Identifier: Apache-2.0
"""A running server, asked over gRPC."""
import os
import pathlib

import grpc
import numpy

SERVICE = "/inference.GRPCInferenceService/"


class Asked:
    """`server` is served.Server; `messages` and `stub` are what protoc made of inference.proto."""

    def __init__(self, server, messages, stubs):
        self.server, self.messages, self.stubs = server, messages, stubs
        self.port = port_of(server)
        self.channel = self.connect()
        self.stub = stubs.GRPCInferenceServiceStub(self.channel)

    def connect(self, host: str = "127.0.0.1", **options):
        """A channel with a connection of its own: grpcio shares one between channels otherwise."""
        options = {"grpc.use_local_subchannel_pool": 1, "grpc.max_receive_message_length": -1, **options}
        return grpc.insecure_channel(f"{host}:{self.port}", options=list(options.items()))

    def request(self, model: str, states: numpy.ndarray, typed: bool = False, **more):
        message = self.messages.ModelInferRequest(model_name=model, **more)
        tensor = message.inputs.add(name="input", datatype="FP32", shape=states.shape)
        if typed:
            tensor.contents.fp32_contents.extend(states.ravel())
        else:
            message.raw_input_contents.append(states.tobytes())
        return message

    def bytes_call(self, method: str):
        """The call with its messages as bytes."""
        return self.channel.unary_unary(SERVICE + method)

    def load(self, model: str, *metadata, timeout=30, **more):
        return self.stub.RepositoryModelLoad(
            self.messages.RepositoryModelLoadRequest(model_name=model, **more), metadata=metadata, timeout=timeout)

    def unload(self, model: str, *metadata, timeout=30):
        return self.stub.RepositoryModelUnload(
            self.messages.RepositoryModelUnloadRequest(model_name=model), metadata=metadata, timeout=timeout)

    def ready(self) -> bool:
        return self.stub.ServerReady(self.messages.ServerReadyRequest(), timeout=30).ready

    def model_ready(self, model: str, version: str = "") -> bool:
        return self.stub.ModelReady(self.messages.ModelReadyRequest(name=model, version=version), timeout=30).ready

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.server.process.pid}/fd"))

    def peak_mib(self) -> float:
        """The most memory that was ever resident."""
        status = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024


def port_of(server) -> int:
    return int(server.log().split("listening on grpc://")[1].split()[0].split("\"")[0].rsplit(":", 1)[1])


def outputs_of(answer) -> numpy.ndarray:
    """[states, outputs]: the answer's tensors side by side, whichever form they have."""
    tensors = []
    for i, tensor in enumerate(answer.outputs):
        assert tensor.datatype == "FP32"
        if answer.raw_output_contents:
            assert not tensor.HasField("contents")
            numbers = numpy.frombuffer(answer.raw_output_contents[i], numpy.float32)
        else:
            numbers = numpy.array(tensor.contents.fp32_contents, numpy.float32)
        tensors.append(numbers.reshape(tensor.shape))
    return numpy.concatenate(tensors, axis=1)


def code_of(call, *arguments, timeout=30, **options):
    """(status code, its message) of a call that is refused; OK and the answer of one that is not."""
    try:
        return grpc.StatusCode.OK, call(*arguments, timeout=timeout, **options)
    except grpc.RpcError as error:
        return error.code(), error.details()
