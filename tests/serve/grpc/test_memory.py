# SPDX-License-Identifier: Apache-2.0
"""Memory that runs out over gRPC: one call's end."""
import shutil

import grpc
import numpy
import pytest

from asked import Asked, code_of
from served import Server

NAME = "strategic-int8"
STATE = numpy.zeros((1, 13), numpy.float32)


@pytest.mark.skipif(not shutil.which("prlimit"), reason="needs prlimit, of util-linux")
def test_a_message_that_does_not_fit_ends_its_call_only(with_grpc, generated, repository):
    options = ["--grpc-port", "0", "--queue-limit", "0", "--body-bytes", "1000000000"]
    server = Server(with_grpc, repository, options, prefix=["prlimit", f"--as={550 << 20}", "--core=0"])
    asked = Asked(server, *generated)
    try:
        large = asked.messages.ModelInferRequest(model_name=NAME, raw_input_contents=[bytes(100 << 20)])
        assert code_of(asked.stub.ModelInfer, large) == (grpc.StatusCode.INTERNAL, "std::bad_alloc")
        assert asked.stub.ModelInfer(asked.request(NAME, STATE)).model_version == "1"
    finally:
        asked.channel.close()
        server.process.terminate()
        assert server.process.wait(30) == 0, server.log()
