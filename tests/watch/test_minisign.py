# SPDX-License-Identifier: Apache-2.0
"""What minisign signs is taken, what it would not verify is refused, and it agrees with us."""
import pytest

from minisigned import minisign


def public_line(keys) -> str:
    return (keys / "ours.pub").read_text().splitlines()[1]


def test_minisign_s_signature_is_taken_and_minisign_verifies_it_too(published, look, keys):
    file = published.publish(2)
    assert look("--public-key", keys / "ours.pub")[1]["status"] == "signature-missing"
    published.sign(file, keys / "ours.key")
    code, report = look("--public-key", keys / "ours.pub", "--running", published.blobs[1])
    assert code == 0 and report["event"] == "taken" and report["signature"] is True
    assert report["running"] == 2 and report["drift"]["states"] == 16
    assert look("--public-key", public_line(keys))[0] == 0
    assert minisign("-V", "-p", keys / "ours.pub", "-m", file).returncode == 0


def test_without_a_key_signatures_are_not_looked_at(published, look, keys):
    published.sign(published.publish(2), keys / "theirs.key")
    code, report = look()
    assert code == 0 and report["signature"] is False


@pytest.mark.parametrize("damage, words", [
    (lambda published, file, keys: published.sign(file, keys / "theirs.key"), "signed with key"),
    (lambda published, file, keys: published.sign(file, keys / "ours.key", "-l"), "legacy"),
    (lambda published, file, keys: published.sign(file, keys / "ours.key", comment="another comment"), "is for"),
    (lambda published, file, keys: published.sign(file, keys / "ours.key",
                                                  comment="name=small-model generation=1"), "is for"),
])
def test_signatures_that_minisign_makes_and_we_refuse(published, look, keys, damage, words):
    damage(published, published.publish(2), keys)
    code, report = look("--public-key", keys / "ours.pub", "--running", published.blobs[1])
    assert code == 4 and report["status"] == "signature-wrong" and words in report["message"], report
    assert report["running"] == 1


def test_every_byte_of_a_signature_changed_is_refused_wherever_minisign_refuses_it(published, look, keys):
    """minisign and we answer alike for damage in the last three lines; the first is a comment that nobody signs."""
    file = published.publish(2)
    published.sign(file, keys / "ours.key")
    signature = file.with_name(file.name + ".minisig")
    good = signature.read_bytes()
    first = good.index(b"\n") + 1
    disagreed = []
    for at in range(first, len(good) - 1, 9):
        published.replace(signature.name, good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
        ours = look("--public-key", keys / "ours.pub")[1]["status"]
        theirs = minisign("-V", "-p", keys / "ours.pub", "-m", file).returncode
        if ours != "signature-wrong" or theirs == 0:
            disagreed.append((at, ours, theirs))
    assert not disagreed
    published.replace(signature.name, good)
    assert look("--public-key", keys / "ours.pub")[0] == 0


def test_a_signature_of_another_file(published, look, keys):
    old = published.publish(1)
    published.sign(old, keys / "ours.key")
    new = published.publish(2)
    published.replace(new.name + ".minisig", old.with_name(old.name + ".minisig").read_bytes())
    assert look("--public-key", keys / "ours.pub")[1]["status"] == "signature-wrong"
    assert minisign("-V", "-p", keys / "ours.pub", "-m", new).returncode != 0
