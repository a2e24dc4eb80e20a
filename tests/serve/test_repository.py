# SPDX-License-Identifier: Apache-2.0
"""Models that come and go while the server answers."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import numpy
import pytest

from served import ROOT, TOKEN, binary_outputs, run_model, same_bits

sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "cli"), str(ROOT / "tests" / "publish")]
from published import Blobs, Published  # noqa: E402

ADMIN = {"Authorization": f"Bearer {TOKEN}"}
RAW = {"Inference-Header-Content-Length": "0"}
STATE = numpy.random.default_rng(4).uniform(-1, 1, (1, 12)).astype(numpy.float32)


@pytest.fixture(scope="session")
def blobs(tmp_path_factory):
    return Blobs(tmp_path_factory.mktemp("blobs"))


@pytest.fixture
def published(binary, blobs, tmp_path):
    """A folder with generations 1 and 2 of the model `small`; generation N has weights of its own."""
    folder = tmp_path / "published"
    folder.mkdir()
    one = Published(str(pathlib.Path(binary).parent / "tickmlp-publish"), blobs, folder)
    for generation in (1, 2):
        one.done(blobs(generation, seed=generation))
    return one


@pytest.fixture
def expected(binary, blobs, tmp_path):
    return lambda generation, seed=None: run_model(binary, blobs(generation, seed=seed or generation), STATE, tmp_path)


def change(server, what, name, body=b"", fields=ADMIN):
    return server.ask("POST", f"/v2/repository/models/{name}/{what}", body, fields)


def index(server, name):
    rows = json.loads(server.ask("POST", "/v2/repository/index", b"")[2])
    return [(row["version"], row["state"], row["reason"]) for row in rows if row["name"] == name]


def answer_of(server, name="small", version=None):
    """(the generation that answered, its outputs)"""
    path = f"/v2/models/{name}" + (f"/versions/{version}" if version else "") + "/infer"
    status, fields, body = server.ask("POST", path, STATE.tobytes(), RAW)
    assert status == 200, body
    head, outputs = binary_outputs(fields, body)
    return int(head["model_version"]), outputs


def wait_for_generation(server, generation):
    for _ in range(200):
        if answer_of(server)[0] == generation:
            return
        time.sleep(0.05)
    raise AssertionError(f"generation {generation} did not come: {server.log()}")


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


def test_a_model_that_came_later(start, blobs, repository):
    server = start()
    assert change(server, "load", "small")[0] == 404
    shutil.copy(blobs(1), repository / "small.blob")
    assert change(server, "load", "small")[0] == 200 and answer_of(server)[0] == 1


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
    from served import Server
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


def test_a_rollback_runs_what_the_name_says(start, published, blobs):
    server = start(folder=published.folder)
    [old] = published.folder.glob("small-1-*.blob")
    old.write_bytes(blobs(5, seed=2).read_bytes())
    status, _, body = change(server, "rollback", "small")
    assert status == 409 and "holds generation 5" in json.loads(body)["error"] and answer_of(server)[0] == 2


def test_a_version_by_its_number_is_there_while_another_comes(start, published, blobs):
    server = start("--poll", "20ms", "--versions", "8", folder=published.folder)
    for generation in range(3, 9):
        published.done(blobs(generation, seed=generation % 3 + 1))
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            assert answer_of(server, version=generation - 1)[0] == generation - 1
    versions = json.loads(server.ask("GET", "/v2/models/small")[2])["versions"]
    assert versions[0] == "8" and sorted(map(int, versions)) == list(range(1, 9))


def test_published_folder(start, published, blobs, expected):
    server = start("--poll", "50ms", folder=published.folder)
    assert answer_of(server)[0] == 2 and index(server, "small") == [("2", "READY", ""), ("1", "READY", "")]
    for generation in (1, 2):  # side by side
        number, outputs = answer_of(server, version=generation)
        assert number == generation and same_bits(outputs, expected(generation))
    published.done(blobs(3, seed=3))
    wait_for_generation(server, 3)
    assert same_bits(answer_of(server)[1], expected(3)) and same_bits(answer_of(server, version=2)[1], expected(2))
    assert json.loads(server.ask("GET", "/v2/models/small")[2])["versions"] == ["3", "1", "2"]
    published.done(blobs(2, seed=2), "--rollback-from", 3)
    wait_for_generation(server, 2)
    assert same_bits(answer_of(server, version=3)[1], expected(3))


def test_folders_of_published_folders(start, published, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    published.folder.rename(root / "whatever")
    shutil.copy(ROOT / "weights" / "tactical-int8.blob", root)
    server = start(folder=root)
    assert answer_of(server)[0] == 2 and len(index(server, "tactical-int8")) == 1


def test_a_bad_publication_is_refused(start, published, blobs):
    server = start("--poll", "50ms", folder=published.folder)
    (published.folder / "current").write_text("small-3-00000000.blob\n")
    for _ in range(100):
        if index(server, "small")[0][2]:
            break
        time.sleep(0.05)
    assert "small-3-00000000.blob" in index(server, "small")[0][2]
    assert answer_of(server)[0] == 2 and server.ask("GET", "/v2/health/ready")[0] == 200


def test_rollback_stays_until_the_next_load(start, published, expected):
    server = start("--poll", "50ms", folder=published.folder)
    assert change(server, "rollback", "small")[0] == 200
    time.sleep(0.3)  # six looks at `current`, which still names generation 2
    assert answer_of(server)[0] == 1 and same_bits(answer_of(server)[1], expected(1))
    assert index(server, "small")[0][:2] == ("1", "READY") and "rolled back" in index(server, "small")[0][2]
    assert change(server, "rollback", "small")[0] == 404  # nothing is older
    assert change(server, "rollback", "small", b'{"parameters":{"version":7}}')[0] == 404
    assert change(server, "rollback", "small", b'{"parameters":{"version":"1"}}')[0] == 400
    assert change(server, "load", "small")[0] == 200 and answer_of(server)[0] == 2


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
