# SPDX-License-Identifier: Apache-2.0
"""Signatures by minisign, and that `minisign -V` takes what was published."""
import subprocess

import pytest


def verify(minisign, public, blob):
    return subprocess.run([minisign, "-V", "-p", public, "-m", blob, "-H"], capture_output=True, text=True)


def test_minisign_verifies_what_was_published(cycle, published, key, minisign):
    ours = key()
    done = cycle("--sign", f"{ours}.key", "--public-key", f"{ours}.pub", "--json")
    assert done.code == 0 and done.json["published"]["signed"], done.errors
    blob = published.folder / published.line.strip()
    answer = verify(minisign, f"{ours}.pub", blob)
    assert answer.returncode == 0 and "Trusted comment: name=small generation=1\n" in answer.stdout
    assert verify(minisign, f"{key('theirs')}.pub", blob).returncode != 0


def test_rollback_keeps_the_signature(cycle, after_training, published, key, minisign):
    ours = key()
    for seed in (5, 6):
        assert cycle("--sign", f"{ours}.key", seed=seed).code == 0
    assert after_training("rollback", "--folder", published.folder).code == 0
    file = published.line.split()[0]
    answer = verify(minisign, f"{ours}.pub", published.folder / file)
    assert answer.returncode == 0 and "generation=1" in answer.stdout


def test_public_key_as_text(cycle, published, key):
    ours = key()
    text = (ours.parent / "ours.pub").read_text().splitlines()[1]
    assert cycle("--sign", f"{ours}.key", "--public-key", text).code == 0


def test_password(cycle, refused, key, tmp_path):
    """Three times minisign turns it into a key, which takes a second and 1 GB by design."""
    ours = key(password="secret")
    refused("signing-failed", 18, "--sign", f"{ours}.key", words=["--password-file"])
    (tmp_path / "wrong").write_text("other\n")
    refused("signing-failed", 18, "--sign", f"{ours}.key", "--password-file", tmp_path / "wrong")
    refused("signing-failed", 18, "--sign", f"{ours}.key", "--password-file", tmp_path / "none", words=["none"])
    (tmp_path / "right").write_text("secret\n")
    right = ["--password-file", tmp_path / "right", "--public-key", f"{ours}.pub"]
    assert cycle("--sign", f"{ours}.key", *right).code == 0


def test_keys_that_do_not_sign(refused, key, tmp_path):
    ours, theirs = key(), key("theirs")
    refused("signing-failed", 18, "--sign", tmp_path / "none.key", words=["none.key"])
    refused("signing-failed", 18, "--sign", f"{ours}.pub")
    refused("signing-failed", 18, "--sign", f"{ours}.key", "--public-key", f"{theirs}.pub", words=["theirs.pub"])
    refused("signing-failed", 18, "--sign", f"{ours}.key", "--public-key", "RW" + 54 * "A")


def test_a_public_key_that_is_not_there(refused, after_training, three, published, key, tmp_path):
    """Told before the work: nothing is exported; a status does not call the folder damaged."""
    for word in (tmp_path / "none.pub", "RWshort", "no key", ""):
        refused("refused-input", 4, "--sign", f"{key()}.key", "--public-key", word, source=tmp_path / "none.npz",
                words=[f"public key {word}: no file of that name", "56 characters"])
        done = after_training("status", "--folder", published.folder, "--public-key", word)
        assert done.code == 4 and f"refused-input: public key {word}: no file of that name" in done.errors


def test_without_minisign(refused, key, tmp_path):
    """A PATH that has all but minisign."""
    import os
    import shutil
    ours, tools = key(), tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "awk", "dirname", "sh", "env", "tr", "python3"):
        if path := shutil.which(name):
            (tools / name).symlink_to(path)
    assert os.path.exists(tools / "bash")
    refused("missing-program", 4, "--sign", f"{ours}.key", PATH=str(tools), words=["minisign", "--for signature"])


@pytest.mark.parametrize("damage", ["file", "signature"])
def test_status_verifies(cycle, after_training, published, key, damage):
    ours = key()
    assert cycle("--sign", f"{ours}.key").code == 0
    good = after_training("status", "--folder", published.folder, "--public-key", f"{ours}.pub", "--json")
    assert good.code == 0 and good.json["generations"][0]["signed"] and not good.json["problems"]
    theirs = after_training("status", "--folder", published.folder, "--public-key", f"{key('theirs')}.pub", "--json")
    assert theirs.code == 27 and "minisign -V" in theirs.json["problems"][0]
    path = published.folder / (published.line.strip() + (".minisig" if damage == "signature" else ""))
    path.write_bytes(path.read_bytes()[:-9] + b"AAAAAAAA\n")
    assert after_training("status", "--folder", published.folder, "--public-key", f"{ours}.pub").code == 27
