# SPDX-License-Identifier: Apache-2.0
"""Every call of the service, and the status of every refusal."""
import json
import shutil

import grpc
import numpy
import pytest

from asked import code_of, outputs_of
from served import binary_outputs

STATE = numpy.zeros((1, 13), numpy.float32)
NAME = "strategic-int8"
INVALID, NOT_FOUND = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND


def test_server(asked):
    messages, stub = asked.messages, asked.stub
    assert stub.ServerLive(messages.ServerLiveRequest()).live and asked.ready()
    metadata = stub.ServerMetadata(messages.ServerMetadataRequest())
    assert metadata.name == "tickmlp" and metadata.version
    assert list(metadata.extensions) == ["model_repository", "statistics"]


def test_a_model_that_does_not_load_makes_the_server_unready(ask, repository):
    (repository / "broken.blob").write_bytes(b"no blob")
    asked = ask()
    assert not asked.ready() and not asked.model_ready("broken") and asked.model_ready(NAME)
    rows = asked.stub.RepositoryIndex(asked.messages.RepositoryIndexRequest()).models
    broken = next(row for row in rows if row.name == "broken")
    assert broken.state == "UNAVAILABLE" and broken.reason
    rows = asked.stub.RepositoryIndex(asked.messages.RepositoryIndexRequest(ready=True)).models
    assert sorted(row.name for row in rows) == ["strategic-float32", NAME, "tactical-float32", "tactical-int8"]


def test_model_metadata(asked):
    metadata = asked.stub.ModelMetadata(asked.messages.ModelMetadataRequest(name="tactical-int8", version="1"))
    assert (metadata.name, metadata.platform, list(metadata.versions)) == ("tactical-int8", "tickmlp", ["1"])
    assert [(t.name, t.datatype, list(t.shape)) for t in metadata.inputs] == [("input", "FP32", [-1, 420])]
    assert [(t.name, list(t.shape)) for t in metadata.outputs] == [
        ("fvg", [-1, 3]), ("momentum", [-1, 3]), ("entry", [-1, 3]), ("critic", [-1, 1])]
    for name, version in (("none", ""), ("tactical-int8", "2"), ("tactical-int8", "one")):
        ask = asked.messages.ModelMetadataRequest(name=name, version=version)
        assert code_of(asked.stub.ModelMetadata, ask)[0] == NOT_FOUND


def test_model_metadata_of_a_published_folder(ask, published):
    request = ask(folder=published.folder)
    metadata = request.stub.ModelMetadata(request.messages.ModelMetadataRequest(name="small"))
    assert list(metadata.versions) == ["2", "1"]


def test_model_ready_is_no_error_for_a_model_that_is_not_there(asked):
    assert asked.model_ready(NAME) and asked.model_ready(NAME, "1")
    for name, version in (("none", ""), ("../" + NAME, ""), ("", ""), (NAME, "2"), (NAME, "-1"), (NAME, "1 ")):
        assert not asked.model_ready(name, version)


def test_versions(asked):
    assert asked.stub.ModelInfer(asked.request(NAME, STATE, model_version="1")).model_version == "1"
    for version in ("2", "01x", "18446744073709551616", "\u0661"):
        assert code_of(asked.stub.ModelInfer, asked.request(NAME, STATE, model_version=version))[0] == NOT_FOUND


def test_parameters_that_change_nothing_are_passed_over(asked):
    request = asked.request(NAME, STATE)
    request.parameters["priority"].uint64_param = 1
    request.inputs[0].parameters["anything"].string_param = "x"
    assert outputs_of(asked.stub.ModelInfer(request)).shape == (1, 10)


def raw(request, *contents):
    del request.raw_input_contents[:]
    request.raw_input_contents.extend(contents)


REFUSED = {  # what is done to a good request, what its refusal says
    "another model": (lambda r: setattr(r, "model_name", "none"), NOT_FOUND, 'no model "none" is served: expected'),
    "no model": (lambda r: setattr(r, "model_name", ""), NOT_FOUND, "no model"),
    "no input": (lambda r: r.ClearField("inputs"), INVALID, "0 tensors: expected one"),
    "two inputs": (lambda r: r.inputs.add(name="input"), INVALID, "2 tensors: expected one"),
    "input's name": (lambda r: setattr(r.inputs[0], "name", "x"), INVALID, 'name "x": expected "input"'),
    "datatype": (lambda r: setattr(r.inputs[0], "datatype", "FP64"), INVALID, 'datatype "FP64": expected "FP32"'),
    "no shape": (lambda r: r.inputs[0].ClearField("shape"), INVALID, "shape []: expected [states, 13]"),
    "shape of one": (lambda r: r.inputs[0].shape.pop(), INVALID, "expected [states, 13]"),
    "shape of three": (lambda r: r.inputs[0].shape.append(1), INVALID, "shape [1, 13, 1]: expected [states, 13]"),
    "columns": (lambda r: r.inputs[0].shape.__setitem__(1, 12), INVALID, "expected [states, 13]"),
    "no state": (lambda r: r.inputs[0].shape.__setitem__(0, 0), INVALID, "0 states: expected 1 to 1024"),
    "negative": (lambda r: r.inputs[0].shape.__setitem__(0, -1), INVALID, "-1 states: expected 1 to 1024"),
    "many states": (lambda r: r.inputs[0].shape.__setitem__(0, 2 ** 62), INVALID, "expected 1 to 1024"),
    "short": (lambda r: raw(r, bytes(51)), INVALID, "51 bytes: expected 52"),
    "long": (lambda r: raw(r, bytes(53)), INVALID, "53 bytes: expected 52"),
    "empty": (lambda r: raw(r, b""), INVALID, "0 bytes: expected 52"),
    "nothing": (lambda r: raw(r), INVALID, "fp32_contents of 0 numbers: expected 13"),
    "two contents": (lambda r: raw(r, bytes(52), bytes(52)), INVALID, "2 tensors: expected one"),
    "both": (lambda r: r.inputs[0].contents.fp32_contents.append(0), INVALID, "expected one of them"),
    "of doubles": (lambda r: r.inputs[0].contents.fp64_contents.append(0), INVALID, "expected fp32_contents"),
    "NaN": (lambda r: raw(r, b"\0\0\xc0\x7f" + bytes(48)), INVALID, "non-finite-input"),
    "output": (lambda r: r.outputs.add(name="none"), INVALID, "the model has no none"),
    "long name": (lambda r: r.outputs.add(name="\u00e9" * 100_000), INVALID,
                  "the model has no " + "\u00e9" * 20 + "..."),
    "long shape": (lambda r: r.inputs[0].shape.extend([7] * 100_000), INVALID, "shape [1, 13, 7, 7, ...]: expected"),
    "long datatype": (lambda r: setattr(r.inputs[0], "datatype", "\n" + "\u00e9" * 100_000), INVALID,
                      'datatype "?' + "\u00e9" * 19 + '...": expected'),
    "version": (lambda r: setattr(r, "model_version", "7x"), NOT_FOUND, 'no version "7x": expected'),
    "output twice": (lambda r: (r.outputs.add(name="mlmi"), r.outputs.add(name="mlmi")), INVALID, "mlmi twice"),
    "classes": (lambda r: r.outputs.add(name="mlmi").parameters["classification"].SetInParent(), INVALID,
                "classification: not offered"),
    "shared memory": (lambda r: r.inputs[0].parameters["shared_memory_region"].SetInParent(), INVALID, "not offered"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(asked, case):
    spoil, code, words = REFUSED[case]
    request = asked.request(NAME, STATE)
    spoil(request)
    seen, message = code_of(asked.stub.ModelInfer, request)
    assert seen == code and words in message
    assert outputs_of(asked.stub.ModelInfer(asked.request(NAME, STATE))).shape == (1, 10)


def test_unknown_calls(asked):
    for method in ("ModelConfig", "modelinfer", "", "ModelInfer/"):
        assert code_of(asked.bytes_call(method), b"")[0] == grpc.StatusCode.UNIMPLEMENTED
    other = asked.channel.unary_unary("/inference.Other/ModelInfer")
    assert code_of(other, b"")[0] == grpc.StatusCode.UNIMPLEMENTED
    stream = asked.channel.unary_unary("/inference.GRPCInferenceService/ModelStreamInfer")
    assert code_of(stream, b"\xff")[0] == INVALID


def test_a_folder_without_models_is_refused(with_grpc, tmp_path):
    from served import Server
    shutil.rmtree(tmp_path / "empty", ignore_errors=True)
    (tmp_path / "empty").mkdir()
    with pytest.raises(AssertionError, match="no model"):
        Server(with_grpc, tmp_path / "empty", ["--grpc-port", "0"])


def test_a_split_asks_for_the_key(ask):
    """The arm is that of HTTP's header, and of the library: tests/serve/test_split_shadow.py holds that one."""
    asked = ask("--split", "strategic=strategic-int8:50%,strategic-float32:50%")
    chosen = {}
    for key in range(40):
        fields = {"Inference-Header-Content-Length": "0", "Tickmlp-Key": str(key)}
        _, fields, body = asked.server.ask("POST", "/v2/models/strategic/infer", STATE.tobytes(), fields)
        chosen[key] = asked.stub.ModelInfer(asked.request("strategic", STATE), metadata=[("tickmlp-key", str(key))])
        assert chosen[key].model_name == binary_outputs(fields, body)[0]["model_name"]
    assert {answer.model_name for answer in chosen.values()} == {"strategic-int8", "strategic-float32"}
    assert code_of(asked.stub.ModelInfer, asked.request("strategic", STATE))[0] == INVALID
    assert asked.model_ready("strategic")
    answers = asked.stub.ModelStreamInfer(iter([asked.request("strategic", STATE)]), metadata=[("tickmlp-key", "3")])
    assert next(answers).infer_response.model_name == chosen[3].model_name
    metadata = asked.stub.ModelMetadata(asked.messages.ModelMetadataRequest(name="strategic"))
    assert metadata.name == "strategic-int8"


def test_a_shadow_sees_what_grpc_answers(ask):
    asked = ask("--shadow", f"{NAME}=strategic-float32")
    for _ in range(20):
        asked.stub.ModelInfer(asked.request(NAME, STATE))
    figures = json.loads(asked.server.ask("GET", f"/v2/models/{NAME}/shadow")[2])
    assert figures["offered"] == 20
