# SPDX-License-Identifier: Apache-2.0
"""Signatures of certificates, in both directions with openssl's own program."""
import json
import os
import subprocess

import pytest

from certificates import digest, document_of


def test_openssl_verifies_our_signature_and_we_verify_its(verify, tickmlp, copy, keys):
    certificate, signature = copy / "c.json", copy / "c.json.sig"
    subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", keys / "ours.public.pem", "-rawin", "-in",
                    certificate, "-sigfile", signature], check=True, capture_output=True)
    assert verify(certificate, "--public-key", keys / "theirs.public.pem")[0] == 1
    subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", keys / "theirs.pem", "-rawin", "-in", certificate, "-out",
                    signature], check=True)
    assert verify(certificate, "--public-key", keys / "theirs.public.pem")[0] == 0
    code, checks = verify(certificate, "--public-key", keys / "ours.public.pem")
    assert code == 1 and not checks["signature"] and checks["figures"]
    certificate.write_bytes(certificate.read_bytes() + b"\n")  # the same document, other bytes
    code, checks = verify(certificate, "--public-key", keys / "theirs.public.pem")
    assert code == 1 and not checks["signature"] and checks["digest"]
    signature.unlink()
    assert not verify(certificate, "--public-key", keys / "theirs.public.pem")[1]["signature"]


def test_the_last_line_says_whether_it_is_signed(tickmlp, copy, keys):
    def last(*options):
        done = tickmlp("verify", copy / "c.json", *options)
        report = json.loads(tickmlp("verify", copy / "c.json", "--json", *options).stdout)
        return done.stdout.splitlines()[-1].split(":")[0], report["signature"]
    ours, theirs = ["--public-key", keys / "ours.public.pem"], ["--public-key", keys / "theirs.public.pem"]
    assert last(*ours) == (f"valid, signed by the owner of {ours[1]}", "fits")
    assert last(*theirs) == ("INVALID", "does not fit")
    assert last() == ("valid, signature not checked", "not checked")
    (copy / "c.json.sig").unlink()
    assert last() == ("valid, unsigned", "none")
    assert last(*ours) == ("INVALID", "missing")


def test_another_versions_certificate_names_both_versions(tickmlp, verify, copy):
    document = document_of(copy)
    document["tool"]["version"] = "9.8.7"
    document["digest"] = digest(document)
    (copy / "c.json").write_text(json.dumps(document))
    done = tickmlp("verify", copy / "c.json")
    ours = tickmlp("--version").stdout.split()[-1]
    assert done.returncode == 0 and "made by  tickmlp 9.8.7, commit" in done.stdout
    assert f"This is tickmlp {ours}" in " ".join(done.stdout.split())
    report = json.loads(tickmlp("verify", copy / "c.json", "--json").stdout)
    assert report["tool"]["version"] == "9.8.7" and report["certificate_schema"] == "tickmlp-certificate/1"


@pytest.mark.parametrize("key, words", [("rsa.public.pem", "key of another kind: expected Ed25519"),
                                        ("ours.pem", "no public key that can be read"), ("none.pem", "cannot read")])
def test_keys_that_verify_nothing(tickmlp, signed, keys, key, words):
    done = tickmlp("verify", signed / "c.json", "--public-key", keys / key)
    assert done.returncode == 4 and words in done.stderr and done.stdout == ""


@pytest.mark.parametrize("options", [["verify", "c.json", "--public-key", "pipe"],
                                     ["certify", "MODEL", "--json", "d.json", "--sign", "pipe"]],
                         ids=["verify", "sign"])
def test_a_key_that_is_a_pipe_is_refused_and_not_waited_for(tickmlp, small, copy, options):
    os.mkfifo(copy / "pipe")
    done = tickmlp(*[small if word == "MODEL" else word for word in options], cwd=copy, timeout=20)
    assert done.returncode == 4 and "pipe: it is not a regular file" in done.stderr


@pytest.mark.parametrize("key, words", [("rsa.pem", "key of another kind: expected Ed25519"),
                                        ("ours.public.pem", "no private key"), ("locked.pem", "not encrypted"),
                                        ("none.pem", "cannot read")])
def test_keys_that_sign_nothing_are_refused_before_measuring(tickmlp, small, keys, tmp_path, key, words):
    done = tickmlp("certify", small, "--samples", 10**9, "--json", tmp_path / "c.json", "--sign", keys / key,
                   stdin=subprocess.DEVNULL)
    assert done.returncode == 4 and words in done.stderr and list(tmp_path.iterdir()) == []
