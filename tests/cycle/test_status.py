# SPDX-License-Identifier: Apache-2.0
"""status and rollback on empty, good and damaged folders."""
import os
import threading

import pytest
from published import ANY_BUDGET
from small_models import export, network


@pytest.fixture
def status(after_training, published):
    def run(code=0):
        done = after_training("status", "--folder", published.folder, "--json")
        assert done.code == code and done.errors == "", done.errors
        return done.json
    return run


def test_empty(status, after_training, published):
    report = status()
    assert report["current"] is None and report["generations"] == [] and report["next_generation"] == 1
    assert "nothing published yet" in after_training("status", "--folder", published.folder).text


def test_what_is_no_folder(three, after_training, published):
    """Reading is refused as reading; what would write says so."""
    file, missing = published.folder / "current", published.folder / "none"
    for path, words in ((file, "Not a directory, expected a folder\n"), (missing, "(mkdir it once)\n")):
        for command in (["status"], ["diff", "1", "2"]):
            done = after_training(*command, "--folder", path)
            assert done.code == 4 and f"error refused-input: {path}: " in done.errors and words in done.errors
        done = after_training("rollback", "--folder", path)
        assert done.code == 25 and f"error cannot-write: {path}: " in done.errors and words in done.errors


def test_good(status, three, after_training, published):
    report = status()
    assert report["current"] == three[2] and report["next_generation"] == 4 and report["problems"] == []
    assert [(row["generation"], row["state"], row["run_id"]) for row in report["generations"]] == [
        (1, "kept", "run-5"), (2, "kept", "run-6"), (3, "current", "run-7")]
    lines = after_training("status", "--folder", published.folder).text.splitlines()
    assert lines[0].split()[:2] == ["generation", "state"] and lines[1].split()[:2] == ["3", "current"]


def test_rollback(status, three, after_training, published):
    done = after_training("rollback", "--folder", published.folder, "--json")
    assert done.code == 0 and done.json["published"]["file"] == three[1]
    report = status()
    assert report["rollback_from"] == 3 and report["next_generation"] == 4
    assert [row["state"] for row in report["generations"]] == ["kept", "current", "given up"]


def test_rollback_goes_past_what_was_given_up(status, three, after_training, cycle, published):
    """3 was bad and given up for 2; 4 is bad too: back to 2, not to 3."""
    assert after_training("rollback", "--folder", published.folder).code == 0
    assert cycle(seed=8).code == 0 and published.generation() == 4
    done = after_training("rollback", "--folder", published.folder, "--json")
    assert done.json["published"]["generation"] == 2 and done.json["published"]["rollback_from"] == 4
    assert after_training("rollback", "--folder", published.folder, "--to", "3").code == 0
    assert published.generation() == 3


def test_rollback_and_forward(three, after_training, published):
    before = published.line
    assert after_training("rollback", "--folder", published.folder, "--to", "1").code == 0
    assert published.generation() == 1
    assert after_training("rollback", "--folder", published.folder, "--to", "3").code == 0
    assert published.line == before


def test_rollbacks_that_are_refused(three, after_training, published):
    before = published.files()
    for words, code, name in ((["--to", "9"], 28, "no-such-generation"), (["--to", "3"], 21, "already-current"),
                              (["--to", "x"], 2, "usage")):
        done = after_training("rollback", "--folder", published.folder, *words)
        assert done.code == code and f"error {name}: " in done.errors
    assert published.files() == before


def test_nothing_to_go_back_to(cycle, after_training, published):
    assert after_training("rollback", "--folder", published.folder).code == 28
    assert cycle().code == 0
    done = after_training("rollback", "--folder", published.folder, "--json")
    assert done.code == 28 and done.json["error"]["name"] == "no-such-generation"


def test_rollback_to_a_damaged_generation(three, after_training, published):
    path = published.folder / three[1]
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    done = after_training("rollback", "--folder", published.folder)
    assert done.code == 27 and "SHA-256" in done.errors and published.generation() == 3
    path.write_bytes((published.folder / three[0]).read_bytes())
    assert after_training("rollback", "--folder", published.folder).code == 27 and published.generation() == 3
    path.unlink()
    path.mkdir()
    assert after_training("rollback", "--folder", published.folder).code == 4 and published.generation() == 3


def damage_bit(folder, names):
    data = (folder / names[0]).read_bytes()
    (folder / names[0]).write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])


@pytest.mark.parametrize("damage, word", [
    (lambda folder, names: (folder / "current").write_text("x\n"), "current holds 'x\\n'"),
    (lambda folder, names: (folder / "current").write_bytes(b"\xff\n"), "current holds"),
    (lambda folder, names: (folder / "current").write_text("a" * 2000), "current"),
    (lambda folder, names: (folder / "current").unlink(), "there is no current"),
    (lambda folder, names: [(folder / "current").unlink(), os.mkfifo(folder / "current")], "current is not a regular"),
    (lambda folder, names: [(folder / "current").unlink(), os.symlink(names[0], folder / "current")], "is a link"),
    (lambda folder, names: (folder / names[2]).unlink(), "which is not there"),
    (damage_bit, "SHA-256"),
    (lambda folder, names: (folder / names[0]).write_bytes(b""), "SHA-256"),
    (lambda folder, names: [(folder / names[0]).unlink(), (folder / names[0]).mkdir()], "not a regular file"),
    (lambda folder, names: (folder / names[0]).rename(folder / names[0].replace("-1-", "-9-")), "generation 1"),
    (lambda folder, names: (folder / names[0]).rename(folder / names[0].replace("small", "other")), "several names"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_damaged(status, three, published, damage, word):
    damage(published.folder, three)
    report = status(code=27)
    assert any(word in problem for problem in report["problems"]), report["problems"]


def test_status_beside_a_publisher(three, after_training, published):
    """Generations come and go while it looks: that is no damage."""
    blobs = [export(published.folder.parent, f"g{generation}", network(generation), "--window", "4x3", *ANY_BUDGET,
                    "--name", "small", "--generation", str(generation)) for generation in range(4, 16)]
    running = threading.Thread(target=lambda: [published.publish(blob, "--keep", "2") for blob in blobs])
    running.start()
    codes = set()
    while running.is_alive():
        codes.add(after_training("status", "--folder", published.folder).code)
    running.join()
    assert codes == {0} and published.generation() == 15


def test_leftovers_and_strangers_are_no_damage(status, three, published):
    (published.folder / ".tmp-1-0").write_bytes(b"half")
    (published.folder / "README").write_text("ours")
    report = status()
    assert report["leftovers"] == [".tmp-1-0"] and report["strangers"] == ["README"]
