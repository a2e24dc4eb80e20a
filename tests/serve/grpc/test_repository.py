# SPDX-License-Identifier: Apache-2.0
"""Load and unload: for who has the token, and from the repository alone."""
import shutil

import grpc
import numpy
import pytest

from asked import Asked, code_of
from served import ROOT, Server

NAME = "strategic-int8"
TOKEN = "0123456789abcdef0123456789abcdef"
BEARER = ("authorization", f"Bearer {TOKEN}")
STATE = numpy.zeros((1, 13), numpy.float32)


def test_unload_and_load(asked):
    asked.unload(NAME, BEARER)
    assert not asked.model_ready(NAME)
    assert code_of(asked.stub.ModelInfer, asked.request(NAME, STATE))[0] == grpc.StatusCode.NOT_FOUND
    rows = {row.name: row.state for row in asked.stub.RepositoryIndex(asked.messages.RepositoryIndexRequest()).models}
    assert rows[NAME] == "UNAVAILABLE" and rows["tactical-int8"] == "READY"
    asked.load(NAME, BEARER)
    assert asked.model_ready(NAME) and asked.stub.ModelInfer(asked.request(NAME, STATE)).model_version == "1"


def test_as_tritons_client_unloads(asked):
    request = asked.messages.RepositoryModelUnloadRequest(model_name=NAME)
    request.parameters["unload_dependents"].bool_param = False
    asked.stub.RepositoryModelUnload(request, metadata=[BEARER])
    assert not asked.model_ready(NAME)


@pytest.mark.parametrize("arm", ["tactical-int8", "tactical-float32"])
def test_a_split_is_ready_while_every_arm_is_served(ask, arm):
    asked = ask("--split", "tactical=tactical-int8:50%,tactical-float32:50%")
    assert asked.model_ready("tactical")
    asked.unload(arm, BEARER)
    assert not asked.model_ready("tactical")
    asked.load(arm, BEARER)
    assert asked.model_ready("tactical")


def test_a_failed_load_keeps_the_model(asked, repository):
    (repository / f"{NAME}.blob").write_bytes(b"no blob")
    code, message = code_of(asked.load, NAME, BEARER)
    assert code == grpc.StatusCode.FAILED_PRECONDITION and message
    assert asked.stub.ModelInfer(asked.request(NAME, STATE)).model_version == "1"


@pytest.mark.parametrize("metadata", [
    [], [("authorization", "")], [("authorization", f"Bearer  {TOKEN}")], [("authorization", f"Bearer {TOKEN}0")],
    [("authorization", f"Bearer {TOKEN[:-1]}")], [("authorization", TOKEN)], [BEARER, BEARER],
    [("authorization", "Bearer x"), BEARER]])
def test_without_the_token(asked, metadata):
    for change in (asked.load, asked.unload):
        assert code_of_change(change, metadata) == grpc.StatusCode.UNAUTHENTICATED
    assert asked.model_ready(NAME)


def test_the_scheme_is_taken_in_any_case(asked):
    for scheme in ("bearer", "BEARER"):
        asked.unload(NAME, ("authorization", f"{scheme} {TOKEN}"))
        asked.load(NAME, ("authorization", f"{scheme} {TOKEN}"))
    assert asked.model_ready(NAME)


def code_of_change(change, metadata, name=NAME, **more):
    try:
        change(name, *metadata, **more)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def test_off_unless_enabled(with_grpc, generated, repository):
    server = Server(with_grpc, repository, ["--grpc-port", "0"])
    try:
        asked = Asked(server, *generated)
        for change in (asked.load, asked.unload):
            assert code_of_change(change, [BEARER]) == grpc.StatusCode.PERMISSION_DENIED
        assert asked.model_ready(NAME)
        asked.channel.close()
    finally:
        server.process.terminate()
        assert server.process.wait(30) == 0


def test_only_from_inside_the_repository(asked, repository):
    (repository.parent / "outside.blob").write_bytes((ROOT / "weights" / f"{NAME}.blob").read_bytes())
    (repository / "linked.blob").symlink_to(repository.parent / "outside.blob")
    for name in ("../outside", str(repository.parent / "outside"), "..%2foutside", ".", "", "x" * 64, "a/b", "\0"):
        assert code_of_change(asked.load, [BEARER], name) == grpc.StatusCode.INVALID_ARGUMENT, name
    for name in ("outside", "linked", "linked.blob"):
        assert code_of_change(asked.load, [BEARER], name) == grpc.StatusCode.NOT_FOUND, name
    assert code_of_change(asked.load, [BEARER], repository_name="r") == grpc.StatusCode.NOT_FOUND
    files = {"file:1/model.blob": asked.messages.ModelRepositoryParameter(bytes_param=b"x")}
    assert code_of_change(asked.load, [BEARER], parameters=files) == grpc.StatusCode.INVALID_ARGUMENT
    shutil.copy(repository.parent / "outside.blob", repository / "late.blob")
    assert code_of_change(asked.load, [BEARER], "late") == grpc.StatusCode.OK
    assert asked.model_ready("late")
