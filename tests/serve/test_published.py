# SPDX-License-Identifier: Apache-2.0
"""Published folders: generations that come while the server answers, versions side by side, rollbacks."""
import json
import shutil
import time

import jsonschema
import pytest

from repositories import answer_of, change, index, wait_for_generation
from served import ROOT, same_bits


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
    time.sleep(1.2)
    refused = [json.loads(line) for line in server.log().splitlines() if '"model_refused"' in line]
    assert [(one["version"], one["file"]) for one in refused] == [("3", "small-3-00000000.blob")]
    assert refused[0]["message"] == index(server, "small")[0][2] and refused[0]["message"].startswith("file-open: ")


def test_rollback_stays_until_the_next_load(start, published, expected):
    server = start("--poll", "50ms", folder=published.folder)
    assert change(server, "rollback", "small")[0] == 200
    time.sleep(0.3)  # six looks at `current`, which still names generation 2
    assert answer_of(server)[0] == 1 and same_bits(answer_of(server)[1], expected(1))
    assert index(server, "small")[0][:2] == ("1", "READY") and "rolled back" in index(server, "small")[0][2]
    assert change(server, "rollback", "small")[0] == 404  # nothing is older
    for version in ("7", '"7"'):
        assert change(server, "rollback", "small", b'{"parameters":{"version":%s}}' % version.encode())[0] == 404
    for version in ('"1x"', '""', '" 1"', "-1", "1.5", "null", '"18446744073709551616"'):
        status, _, body = change(server, "rollback", "small", b'{"parameters":{"version":%s}}' % version.encode())
        assert status == 400 and f"version {version}: expected" in json.loads(body)["error"]
    assert change(server, "load", "small")[0] == 200 and answer_of(server)[0] == 2


@pytest.mark.parametrize("version", [b'"1"', b"1"])
def test_rollback_to_a_version(start, published, version):
    """A text, as the protocol writes versions, or a number."""
    body = b'{"parameters":{"version":%s}}' % version
    rollback = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"][
        "/v2/repository/models/{model}/rollback"]["post"]
    jsonschema.validate(json.loads(body), rollback["requestBody"]["content"]["application/json"]["schema"])
    server = start("--poll", "50ms", folder=published.folder)
    assert change(server, "rollback", "small", body)[0] == 200 and answer_of(server)[0] == 1
