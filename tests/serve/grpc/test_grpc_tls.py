# SPDX-License-Identifier: Apache-2.0
"""--tls-certificate and --tls-key hold for both listeners."""
import shutil

import grpc
import numpy
import pytest

from served import ROOT, make_certificate, run_model, same_bits


def test_the_same_answers_over_tls_and_none_without(ask, binary, tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl")
    make_certificate(tmp_path, "ours")
    asked = ask("--tls-certificate", str(tmp_path / "ours.pem"), "--tls-key", str(tmp_path / "ours.key"))
    states = numpy.random.default_rng(3).uniform(-1, 1, (5, 13)).astype(numpy.float32)
    expected = run_model(binary, ROOT / "weights" / "strategic-int8.blob", states, tmp_path)
    credentials = grpc.ssl_channel_credentials((tmp_path / "ours.pem").read_bytes())
    messages, stubs = asked.messages, asked.stubs
    request = messages.ModelInferRequest(model_name="strategic-int8")
    request.inputs.add(name="input", datatype="FP32", shape=[5, 13])
    request.raw_input_contents.append(states.tobytes())
    with grpc.secure_channel(f"localhost:{asked.port}", credentials) as channel:
        answer = stubs.GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=20)
    outputs = [numpy.frombuffer(raw, numpy.float32).reshape(list(out.shape))
               for raw, out in zip(answer.raw_output_contents, answer.outputs)]
    assert same_bits(numpy.concatenate(outputs, axis=1), expected)
    with grpc.insecure_channel(f"localhost:{asked.port}") as channel, pytest.raises(grpc.RpcError) as refused:
        stubs.GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=20)
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
