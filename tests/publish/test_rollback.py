# SPDX-License-Identifier: Apache-2.0
"""Going back, going forward again, and which generations stay."""
from published import published_name


def publish_all(published, blobs, last, *options):
    for generation in range(1, last + 1):
        published.done(blobs(generation), "--signature", blobs.signature(generation), *options)


def kept(published):
    return sorted(int(name.split("-")[1]) for name in published.names() if name.endswith(".blob"))


def test_rollback(published, blobs):
    publish_all(published, blobs, 3)
    outcome = published.done(blobs(2), "--rollback-from", 3)
    assert published.line == f"{published_name(blobs(2), 2)} rollback-from 3\n"
    assert outcome["rollback_from"] == 3 and outcome["previous"] == published_name(blobs(3), 3) and outcome["signed"]
    assert published_name(blobs(3), 3) + ".withdrawn" in published.names()


def test_after_a_rollback_generations_rise_above_what_was_given_up(published, blobs):
    publish_all(published, blobs, 3)
    published.done(blobs(1), "--rollback-from", 3)
    published.refused(blobs(3, seed=6), name="generation-too-low", code=20, words=["at least 4"])
    published.done(blobs(4))
    assert published.line == f"{published_name(blobs(4), 4)}\n"


def test_further_back_still_names_the_highest(published, blobs):
    """A process that missed the first rollback still runs 3."""
    publish_all(published, blobs, 3)
    published.done(blobs(2), "--rollback-from", 3)
    published.done(blobs(1), "--rollback-from", 3)
    assert published.line == f"{published_name(blobs(1), 1)} rollback-from 3\n"


def test_forward_again(published, blobs):
    publish_all(published, blobs, 3)
    published.done(blobs(1), "--rollback-from", 3)
    published.done(blobs(2), "--rollback-from", 3)
    assert published.line == f"{published_name(blobs(2), 2)} rollback-from 3\n"
    published.done(blobs(3), "--rollback-from", 3)
    assert published.line == f"{published_name(blobs(3), 3)}\n"
    assert not [name for name in published.names() if name.endswith(".withdrawn")]


def test_rollbacks_that_are_refused(published, blobs):
    published.refused(blobs(1), "--rollback-from", 3, name="race-lost", code=22, words=["none"])
    publish_all(published, blobs, 3)
    published.refused(blobs(2), "--rollback-from", 2, name="race-lost", code=22, words=["highest generation", "3"])
    published.refused(blobs(3), "--rollback-from", 3, name="already-current", code=21)
    published.refused(blobs(4), "--rollback-from", 3, name="usage", code=2, words=["above 3"])
    published.refused(blobs(2), name="generation-too-low", code=20, words=["--rollback-from"])


def test_keep(published, blobs):
    publish_all(published, blobs, 7, "--keep", 3)
    assert kept(published) == [5, 6, 7]
    assert len([name for name in published.names() if name.endswith(".minisig")]) == 3
    published.done(blobs(8))
    assert kept(published) == [5, 6, 7, 8]


def test_keep_never_removes_what_a_rollback_needs(published, blobs):
    publish_all(published, blobs, 3)
    published.done(blobs(2), "--rollback-from", 3)
    published.done(blobs(4), "--keep", 1)
    # 3 was given up: to go back from 4 leads to 2. One alone would leave nothing to go back to.
    assert kept(published) == [2, 3, 4] and published.generation() == 4
    published.done(blobs(2), "--rollback-from", 4, "--keep", 2)
    assert kept(published) == [2, 3, 4] and published.generation() == 2


def test_keep_counts_from_the_current_one(published, blobs):
    publish_all(published, blobs, 6)
    published.done(blobs(3), "--rollback-from", 6, "--keep", 2)
    assert kept(published) == [2, 3, 4, 5, 6] and published.generation() == 3


def test_what_lost_its_blob_goes_too(published, blobs):
    publish_all(published, blobs, 3)
    (published.folder / published_name(blobs(1), 1)).unlink()
    (published.folder / "notes.txt").write_text("somebody's own")
    published.done(blobs(4))
    assert published_name(blobs(1), 1) + ".minisig" not in published.names() and "notes.txt" in published.names()


def test_a_blob_that_never_was_current_is_marked(published, blobs):
    """A publisher died before `current`: nobody may go back to what nobody ever ran."""
    published.done(blobs(1))
    name = published_name(blobs(2, seed=6), 2)
    (published.folder / name).write_bytes(blobs(2, seed=6).read_bytes())
    published.done(blobs(2))
    assert name + ".withdrawn" in published.names() and published.generation() == 2
    assert published_name(blobs(2), 2) + ".withdrawn" not in published.names()
