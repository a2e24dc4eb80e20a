# SPDX-License-Identifier: Apache-2.0
"""`tickmlp watch`: one look, many looks, and what it refuses to do."""
import json
import signal
import subprocess

import pytest


def test_refusals_have_their_names(published, look):
    assert look()[1]["status"] == "file-open"
    published.publish(2)
    code, report = look("--running", published.blobs[2])
    assert (code, report["event"], report["running"]) == (0, "same", 2)
    assert look("--running", published.blobs[3])[1]["status"] == "old-generation"
    assert look("--least-generation", 3)[1]["status"] == "old-generation"
    code, report = look("--running", published.blobs[1], "--drift", "probability=0.000001")
    assert code == 4 and report["status"] == "drift" and report["drift"]["probability"] > 1e-6
    assert look("--running", published.blobs[1], "--drift", "probability=1,value=1,argmax=0")[0] == 0
    published.publish(1, " rollback-from 3")
    code, report = look("--running", published.blobs[3])
    assert code == 0 and report["rollback"] is True and report["running"] == 1
    assert look("--running", published.blobs[3], "--forbid-rollback")[1]["status"] == "old-generation"
    published.replace("current", b"nonsense\n")
    assert look()[1]["status"] == "bad-publication"


def test_it_goes_on_looking_until_it_is_interrupted(binary, published):
    process = subprocess.Popen([binary, "watch", str(published.path), "--json", "--period", "10ms"],
                               stdout=subprocess.PIPE, text=True)
    try:
        next_report = lambda: json.loads(process.stdout.readline())
        assert next_report()["status"] == "file-open"
        published.publish(1)
        assert next_report()["event"] == "taken"
        published.publish(2)
        report = next_report()
        assert (report["event"], report["running"]) == ("taken", 2)
        published.publish(1)
        report = next_report()
        assert (report["event"], report["status"], report["running"]) == ("refused", "old-generation", 2)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 128 + signal.SIGINT
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("words, says", [
    ([], "folder is required"),
    (["--drift", "probability"], "expected probability=X"),
    (["--drift", "argmax=1.1"], "expected 1 at most"),
    (["--drift", "other=1"], "expected probability=X"),
    (["--drift", "value=-1"], "expected probability=X"),
    (["--drift", "value=nan"], "expected probability=X"),
    (["--period", "5"], "unit"),
    (["--least-generation", "-1"], "least-generation"),
    (["--kernel", "none"], "kernel-unknown"),
])
def test_wrong_usage(binary, published, words, says):
    published.publish(1)
    folder = [str(published.path)] if words else []
    done = subprocess.run([binary, "watch", *folder, "--once", *words], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 2 and says in done.stderr, done


def test_a_public_key_that_is_none(binary, published, tmp_path):
    published.publish(1)
    (tmp_path / "empty.pub").write_text("untrusted comment: nothing\n")
    missing = "no file of that name, and not a key line"
    for key, says in (("RWshort", missing), (str(tmp_path / "none.pub"), missing), ("RW" + 54 * "!", "public key"),
                      (str(tmp_path / "empty.pub"), "no public key in")):
        done = subprocess.run([binary, "watch", str(published.path), "--once", "--public-key", key], timeout=60,
                              capture_output=True, text=True, check=False)
        assert done.returncode == 4 and says in done.stderr, done
