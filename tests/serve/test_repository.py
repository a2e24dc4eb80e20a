# SPDX-License-Identifier: Apache-2.0
"""Models that come and go while the server answers."""
import json
import os
import shutil
import subprocess
import time

import pytest

from repositories import ADMIN, answer_of, change, index
from served import MODELS, ROOT, TOKEN, Server, same_bits


def test_flat_model_is_replaced_by_load(start, blobs, repository, expected):
    shutil.copy(blobs(1), repository / "small.blob")
    server = start()
    assert answer_of(server)[0] == 1 and same_bits(answer_of(server)[1], expected(1, seed=5))
    next_one = repository / "next"
    shutil.copy(blobs(2, seed=2), next_one)
    next_one.rename(repository / "small.blob")
    assert answer_of(server)[0] == 1
    assert change(server, "load", "small")[0] == 200
    assert answer_of(server)[0] == 2 and same_bits(answer_of(server)[1], expected(2))
    assert change(server, "load", "small")[0] == 200  # the same again: nothing to do


@pytest.mark.parametrize("spoil, says", [
    (lambda path: path.write_bytes(b""), "file-size"), (lambda path: path.write_bytes(b"x" * 3392), "blob-"),
    (lambda path: path.write_bytes(path.read_bytes()[:-1]), "blob-"), (lambda path: path.unlink(), "file-open"),
    (lambda path: path.chmod(0o666), "file-writable"),
    (lambda path: shutil.copy(ROOT / "weights" / "strategic-int8.blob", path), "other-model"),
])
def test_a_failed_load_keeps_the_old_model(start, blobs, repository, expected, spoil, says):
    path = repository / "small.blob"
    shutil.copy(blobs(1), path)
    server = start()
    spoil(path)
    status, _, body = change(server, "load", "small")
    assert status == 409 and says in json.loads(body)["error"], body
    assert same_bits(answer_of(server)[1], expected(1, seed=5))
    assert says in index(server, "small")[0][2]
    assert server.ask("GET", "/v2/health/ready")[0] == 200


def test_an_older_generation_is_refused(start, blobs, repository):
    shutil.copy(blobs(2, seed=2), repository / "small.blob")
    server = start()
    shutil.copy(blobs(1), repository / "small.blob")
    status, _, body = change(server, "load", "small")
    assert status == 409 and "old-generation" in json.loads(body)["error"]
    assert answer_of(server)[0] == 2


def test_unload_and_load(start):
    server = start()
    assert change(server, "unload", "tactical-int8", b'{"parameters":{"unload_dependents":false}}')[0] == 200
    assert server.ask("GET", "/v2/models/tactical-int8/ready")[0] == 404
    assert index(server, "tactical-int8") == [("", "UNAVAILABLE", "unloaded")]
    ready = json.loads(server.ask("POST", "/v2/repository/index", b'{"ready":true}')[2])
    assert len(ready) == 3
    assert server.ask("GET", "/v2/health/ready")[0] == 200
    assert change(server, "load", "tactical-int8")[0] == 200
    assert server.ask("GET", "/v2/models/tactical-int8/ready")[0] == 200


def test_a_refused_load_ends_the_rest_of_an_unloaded_model(start, blobs, repository):
    """It is wanted again and does not serve: that is not ready, until it is mended or unloaded."""
    path = repository / "small.blob"
    shutil.copy(blobs(1), path)
    server = start()
    assert change(server, "unload", "small")[0] == 200 and server.ask("GET", "/v2/health/ready")[0] == 200
    path.write_bytes(path.read_bytes()[:-1])
    assert change(server, "load", "small")[0] == 409
    assert server.ask("GET", "/v2/health/ready")[0] == 503
    assert b"tickmlp_serve_ready 0\n" in server.ask("GET", "/metrics")[2]
    assert change(server, "unload", "small")[0] == 200 and server.ask("GET", "/v2/health/ready")[0] == 200
    assert change(server, "load", "small")[0] == 409
    path.write_bytes(blobs(1).read_bytes())
    assert change(server, "load", "small")[0] == 200 and server.ask("GET", "/v2/health/ready")[0] == 200


def test_an_unloaded_model_whose_file_is_gone_leaves_the_index(start, repository):
    server = start("--poll", "20ms")
    for name in MODELS:
        assert change(server, "unload", name)[0] == 200
        (repository / f"{name}.blob").unlink()
    end = time.monotonic() + 10
    while any(index(server, name) for name in MODELS) and time.monotonic() < end:
        time.sleep(0.02)
    assert json.loads(server.ask("POST", "/v2/repository/index", b"")[2]) == []
    assert server.ask("GET", "/v2/health/ready")[0] == 200  # nothing that should serve does not
    assert change(server, "load", "tactical-int8")[0] == 404
    shutil.copy(ROOT / "weights" / "tactical-int8.blob", repository)
    assert change(server, "load", "tactical-int8")[0] == 200
    assert server.ask("GET", "/v2/models/tactical-int8/ready")[0] == 200


def test_a_model_that_came_later(start, blobs, repository):
    server = start()
    assert change(server, "load", "small")[0] == 404
    shutil.copy(blobs(1), repository / "small.blob")
    assert change(server, "load", "small")[0] == 200 and answer_of(server)[0] == 1


def test_names_as_encoders_write_them(start, repository, blobs):
    """Python's quote() and JavaScript's encodeURIComponent() write + as %2B; RFC 3986 6.2.2.2 makes %2D a -."""
    shutil.copy(blobs(1), repository / "a+b.small-1.blob")
    server = start()
    for name in ("a+b.small-1", "a%2Bb.small-1", "a%2bb%2esmall%2D%31"):
        status, _, body = server.ask("GET", f"/v2/models/{name}/versions/1")
        assert status == 200 and json.loads(body)["name"] == "a+b.small-1"
    for name in ("a%252Bb.small-1", "a%2", "%", "a%2Bb.small-1%00", "a%2Bb.small-1%2Fready", "a%2Gb", "a b.small-1",
                 "%2e%2e", "a%+2bb"):
        assert server.ask("GET", f"/v2/models/{name.replace(' ', '%20')}")[0] == 404, name
    assert change(server, "unload", "a%2Bb.small-1")[0] == 404  # who loads and unloads spells it out
    assert server.ask("GET", "/v2/models/a+b.small-1/ready")[0] == 200


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_scheme_is_taken_in_any_case(server, scheme):
    assert change(server, "unload", "tactical-int8", b"", {"Authorization": f"{scheme} {TOKEN}"})[0] == 200


@pytest.mark.parametrize("what", ["load", "unload", "rollback"])
def test_who_may_change(start, what):
    server = start()
    for fields in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer " + TOKEN[:-1]},
                   {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Basic {TOKEN}"},
                   {"Authorization": "Bearer "}, {"Authorization": "Bearer " + "x" * 32}):
        for spelling in (what, what + "?x=1", what + "/"):
            status, answer_fields, _ = change(server, spelling, "tactical-int8", b"", fields)
            assert status in (401, 404) and (status == 404 or answer_fields["www-authenticate"] == "Bearer")
        for path in (f"/v2//repository/models/tactical-int8/{what}", f"/v2/repository/models/tactical-int8/{what}%20",
                     f"/v2/repository//models/tactical-int8/{what}", f"/V2/repository/models/tactical-int8/{what}",
                     f"/v2/repository/models/tactical-int8/{what.upper()}", f"/v2/./repository/models/x/{what}"):
            assert server.ask("POST", path, b"", fields)[0] in (401, 404)
    assert len(index(server, "tactical-int8")) == 1 and index(server, "tactical-int8")[0][1] == "READY"


def test_changes_are_off_without_a_token(binary, repository):
    server = Server(binary, repository, [])
    try:
        assert change(server, "load", "tactical-int8")[0] == 403
    finally:
        server.process.terminate()
        assert server.process.wait(30) == 0


@pytest.mark.parametrize("name", ["..", ".", "%2e%2e", "..%2fsecret", "%2Fetc%2Fpasswd", "a%00b", "-x", ".hidden",
                                  "tactical-int8%20", "tactical-int8.blob", "x" * 64, "\\..\\secret", "~", "secret"])
def test_names_stay_inside_the_repository(start, blobs, repository, name):
    shutil.copy(blobs(1), repository.parent / "secret.blob")
    (repository / "linked.blob").symlink_to(repository.parent / "secret.blob")
    server = start()
    assert change(server, "load", name)[0] in (400, 404)
    assert index(server, "linked") == [] and change(server, "load", "linked")[0] == 404


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"parameters":{"config":"{}"}}', b"[" * 30 + b"]" * 30,
                                  b'{"parameters":{"file:1/model.blob":"AAAA"}}'])
def test_a_load_takes_nothing_from_its_body(start, body):
    assert change(start(), "load", "tactical-int8", body)[0] == 400


@pytest.mark.parametrize("served", [True, False])
def test_a_link_in_a_models_place_is_not_followed(start, blobs, repository, served):
    shutil.copy(blobs(1), repository / "small.blob")
    shutil.copy(blobs(2, seed=2), repository.parent / "secret.blob")
    server = start()
    if not served:
        assert change(server, "unload", "small")[0] == 200
    (repository / "small.blob").unlink()
    (repository / "small.blob").symlink_to(repository.parent / "secret.blob")
    status, _, body = change(server, "load", "small")
    assert status == 409 and "a symbolic link" in json.loads(body)["error"]
    assert server.ask("GET", "/v2/models/small/ready")[0] == (200 if served else 404)
    if served:
        assert answer_of(server)[0] == 1


def test_a_bad_blob_does_not_keep_the_others_from_serving(start, repository):
    (repository / "broken.blob").write_bytes(b"PK\x03\x04")
    server = start()
    assert index(server, "broken")[0][1] == "UNAVAILABLE" and index(server, "broken")[0][2]
    assert server.ask("GET", "/v2/models/tactical-int8/ready")[0] == 200
    assert server.ask("GET", "/v2/health/ready")[0] == 503


@pytest.mark.parametrize("options, says", [
    (["--repository", "/nonexistent"], "no such folder"), (["--repository", "/dev/null"], "no folder"),
    (["--repository", "{empty}"], "no model"), (["--host", "256.1.1.1"], "256.1.1.1"),
    (["--host", "192.0.2.1"], "192.0.2.1"), (["--port", "{taken}"], "in use"), (["--kernel", "none"], "none")])
def test_start_errors(binary, repository, start, tmp_path, options, says):
    (tmp_path / "empty").mkdir()
    taken = start().port
    words = [word.format(empty=tmp_path / "empty", taken=taken) for word in options]
    if "--repository" not in words:
        words += ["--repository", str(repository)]
    if "--port" not in words:
        words += ["--port", "0"]
    done = subprocess.run([binary, "serve", *words], capture_output=True, text=True, timeout=30)
    assert done.returncode == 4 and says in done.stderr.splitlines()[-1], done
    assert os.path.exists(repository)
