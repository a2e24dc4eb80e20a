# SPDX-License-Identifier: Apache-2.0
"""What a publication puts into the folder, and what is refused by name."""
import os
import stat
import subprocess

import numpy
import pytest
from published import ANY_BUDGET, published_name
from small_models import ROOT, export, network


def test_first_publication(published, blobs):
    blob = blobs(1)
    outcome = published.done(blob)
    name = published_name(blob, 1)
    assert published.files() == {name: blob.read_bytes(), "current": f"{name}\n".encode()}
    assert outcome["file"] == name and outcome["previous"] is None and outcome["generation"] == 1
    for path in published.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_the_mask_does_not_take_the_readers_rights(published, blobs):
    """Readers are other users."""
    published.publish(blobs(1), preexec_fn=lambda: os.umask(0o077))
    assert {stat.S_IMODE(path.stat().st_mode) for path in published.folder.iterdir()} == {0o644}


def test_second_publication_keeps_the_first(published, blobs):
    published.done(blobs(1))
    outcome = published.done(blobs(2))
    assert outcome["previous"] == published_name(blobs(1), 1) and published.generation() == 2
    assert published_name(blobs(1), 1) in published.names()


def test_signature(published, blobs):
    signature = blobs.signature(1)
    assert published.done(blobs(1), "--signature", signature)["signed"] is True
    assert (published.folder / (published_name(blobs(1), 1) + ".minisig")).read_bytes() == signature.read_bytes()


@pytest.mark.parametrize("comment, algorithm, word", [
    ("name=small generation=2", b"ED", "generation=2"), ("name=other generation=1", b"ED", "name=other"),
    ("name=small generation=11", b"ED", "generation=11"), ("", b"ED", "trusted comment: "),
    ("timestamp:1 name=small generation=1", b"ED", "timestamp"), (None, b"Ed", "prehashed")])
def test_signatures_of_something_else(published, blobs, comment, algorithm, word):
    signature = blobs.signature(1, comment=comment, algorithm=algorithm)
    published.refused(blobs(1), "--signature", signature, name="wrong-signature", code=29, words=[word])


def test_an_unsigned_one_after_a_signed_one(published, blobs):
    assert published.done(blobs(1), "--signature", blobs.signature(1))["warnings"] == []
    assert "not signed" in published.done(blobs(2))["warnings"][0]
    assert published.done(blobs(3))["warnings"] == []


def test_only_temporary_files_of_its_own_are_removed(published, blobs):
    (published.folder / ".tmp-notes").mkdir()
    for name in (".tmp-12-0", ".tmp-9-1"):
        (published.folder / name).write_bytes(b"half")
    assert published.done(blobs(1))["leftovers"] == 2
    assert published.leftovers() == [".tmp-notes"]


def test_further_words_of_a_trusted_comment(published, blobs):
    published.done(blobs(1), "--signature", blobs.signature(1, comment="name=small generation=1 run=7"))


@pytest.mark.parametrize("damage", [lambda text: "", lambda text: text[:40], lambda text: text + "more\n",
                                    lambda text: text.replace("untrusted", "trusted"),
                                    lambda text: text.replace("AAAA", "A?AA"), lambda text: text * 100])
def test_damaged_signatures(published, blobs, tmp_path, damage):
    path = tmp_path / "s.minisig"
    path.write_text(damage(blobs.signature(1).read_text()))
    published.refused(blobs(1), "--signature", path, name="wrong-signature", code=29)


def test_generations_only_rise(published, blobs):
    published.done(blobs(7))
    published.refused(blobs(7), name="already-current", code=21)
    published.refused(blobs(7, seed=6), name="generation-too-low", code=20, words=["at least 8"])
    published.refused(blobs(3), name="generation-too-low", code=20, words=["generation 3", "at least 8"])
    published.done(blobs(8))


def test_generations_of_64_bits(published, blobs):
    published.done(blobs(0))
    published.done(blobs(2**64 - 1))
    assert published.generation() == 2**64 - 1
    published.refused(blobs(1), name="generation-too-low", code=20)


def test_without_current_the_files_count(published, blobs):
    """Somebody removed it: what was current is unknown, so nothing below the newest is accepted."""
    published.done(blobs(4))
    (published.folder / "current").unlink()
    published.refused(blobs(3), name="generation-too-low", code=20)
    published.done(blobs(4))
    assert published.generation() == 4


@pytest.mark.parametrize("content", ["", "x", "small-1-00000000.blob", "small-01-00000000.blob\n",
                                     "../x-1-00000000.blob\n", "small-4-00000000.blob rollback-from 4\n",
                                     "a" * 600 + "\n", "\0" * 30 + "\n"])
def test_damaged_current(published, blobs, content):
    published.done(blobs(4))
    (published.folder / "current").write_text(content)
    published.refused(blobs(5), name="damaged-folder", code=27, words=["current", "--repair"])
    published.refused(blobs(4), "--repair", "--expect", "x", name="race-lost", code=22)
    published.refused(blobs(3), "--repair", name="generation-too-low", code=20)
    published.done(blobs(5), "--repair")
    assert published.generation() == 5


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink("/dev/zero", path)],
                         ids=["directory", "fifo", "link"])
def test_current_that_is_no_file(published, blobs, make):
    make(published.folder / "current")
    published.refused(blobs(1), name="damaged-folder", code=27)


def test_current_names_a_file_that_is_gone_or_damaged(published, blobs):
    """Its generation is known all the same, so a new publication mends the folder."""
    published.done(blobs(4))
    (published.folder / published_name(blobs(4), 4)).unlink()
    published.refused(blobs(4, seed=6), name="generation-too-low", code=20)
    assert "not compared" in published.done(blobs(5))["warnings"][0]
    (published.folder / published_name(blobs(5), 5)).write_bytes(b"damaged")
    assert "not compared" in published.done(blobs(6))["warnings"][0]


def test_other_bytes_under_the_final_name(published, blobs):
    name = published_name(blobs(1), 1)
    (published.folder / name).write_bytes(b"something else")
    published.refused(blobs(1), name="damaged-folder", code=27, words=[name])


def test_other_models(published, blobs, tmp_path):
    published.done(blobs(1))
    published.refused(blobs(2, name="another"), name="other-model", code=24, words=["another", "small"])
    other = export(tmp_path, "small", network(inputs=16), "--window", "4x4", "--generation", "2", *ANY_BUDGET)
    published.refused(other, name="other-model", code=24, words=["16 inputs", "12 inputs"])
    windowless = export(tmp_path, "small", network(), "--generation", "2", *ANY_BUDGET)
    published.refused(windowless, name="other-model", code=24, words=["window 0x0", "window 4x3"])


@pytest.mark.parametrize("name", ["two words", "a/b", ".hidden", "näme", "-dash"])
def test_names_that_no_file_can_have(published, blobs, name):
    blob = blobs.folder / "odd.blob"
    blob.write_bytes(blobs.with_name(name))
    published.refused(blob, name="other-model", code=24, words=["expected letters"])


def test_blobs_that_the_loader_refuses(published, blobs, tmp_path):
    data = blobs(1).read_bytes()
    for number, bad in enumerate([b"", data[:-1], data + b"x", data[:900] + b"\xff" + data[901:], b"PK\3\4" + data]):
        path = tmp_path / f"{number}.blob"
        path.write_bytes(bad)
        published.refused(path, name="refused-input", code=4, words=["blob-" if bad else "file-size"])
    os.mkfifo(tmp_path / "fifo")
    published.refused(tmp_path / "fifo", name="refused-input", code=4, words=["file-kind"])
    published.refused(tmp_path / "none", name="refused-input", code=4, words=["file-open"])
    published.refused(blobs(1), "--signature", tmp_path / "none", name="refused-input", code=4)


def test_expected_current(published, blobs):
    published.done(blobs(1), "--expect", "none")
    published.refused(blobs(2), "--expect", "none", name="race-lost", code=22, words=["expected none"])
    published.done(blobs(2), "--expect", published_name(blobs(1), 1))


def test_missing_folder_and_usage(published, blobs, program, tmp_path):
    published.folder = tmp_path / "nowhere"
    answer = published.publish(blobs(1))
    assert answer.returncode == 25 and "error cannot-write" in answer.stderr
    for words in ([], ["x"], ["x", "y", "--wait", "-1"], ["x", "y", "--keep", "-1"], ["x", "y", "--what"]):
        answer = subprocess.run([program, *words], capture_output=True, text=True)
        assert answer.returncode == 2 and "error usage" in answer.stderr, words
    assert subprocess.run([program, "--help"], capture_output=True).returncode == 0


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_a_lost_outcome_is_told_and_undoes_nothing(published, blobs, full_device, options):
    for generation, output in ((1, full_device), (2, None)):
        closed = (lambda: os.close(1)) if output is None else None
        done = subprocess.run(published.words(blobs(generation), *options), stdout=output, stderr=subprocess.PIPE,
                              text=True, preexec_fn=closed)
        name = published_name(blobs(generation), generation)
        assert done.returncode == 31 and done.stderr.count("\n") == 1, done
        assert done.stderr.startswith(f"tickmlp-publish: error outcome-lost: {name} is current"), done.stderr
        assert published.generation() == generation and published.leftovers() == []


def test_bundled_models(published):
    for name in ("tactical-int8", "tactical-float32", "strategic-int8", "strategic-float32"):
        blob = ROOT / "weights" / f"{name}.blob"
        folder = published.folder / name
        folder.mkdir()
        published.folder = folder
        published.done(blob)
        assert numpy.array_equal(list((folder / published.line.strip()).read_bytes()), list(blob.read_bytes()))
        published.folder = folder.parent
