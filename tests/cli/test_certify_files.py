# SPDX-License-Identifier: Apache-2.0
"""`tickmlp certify` where its files cannot be written: a clear error, the old files as they were, nothing left over."""
import json
import os
import resource
import shutil
import subprocess
import time

import pytest

HOT = ["--samples", 500, "--scenario", "hot", "--epochs", 1, "--warm-up", 10]
FOREVER = ["--samples", 10**10]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def old(tickmlp, blob, keys, tmp_path):
    """A folder with a signed certificate and its page."""
    done = tickmlp("certify", blob, *HOT, "--json", tmp_path / "c.json", "--html", tmp_path / "c.html", "--sign",
                   keys / "ours.pem")
    assert done.returncode == 3 and len(contents(tmp_path)) == 6
    return tmp_path


@pytest.mark.parametrize("most_bytes", [1, 2000, 30_000])
def test_a_file_size_limit(tickmlp, blob, old, most_bytes):
    before = contents(old)
    done = tickmlp("certify", blob, *HOT, "--json", old / "c.json", "--html", old / "c.html",
                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes)))
    assert done.returncode == 4 and "cannot write" in done.stderr and "File too large" in done.stderr
    assert contents(old) == before


def test_a_full_disk(tickmlp, blob, old, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        (disk / "c.json").write_text("old")
        done = tickmlp("certify", blob, *HOT, "--json", disk / "c.json", "--html", disk / "c.html")
        assert done.returncode == 4 and "No space left on device" in done.stderr
        assert contents(disk) == {"c.json": b"old"}
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_folder_that_is_read_only_or_missing(tickmlp, blob, tmp_path):
    for place in ("/proc/c", str(tmp_path / "none" / "c")):
        for option, name in (("--json", place + ".json"), ("--html", place + ".html")):
            done = tickmlp("certify", blob, *FOREVER, option, name)
            assert done.returncode == 4 and "cannot write " + name in done.stderr and done.stdout == ""


def test_a_folder_that_vanishes_meanwhile(binary, blob, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    process = subprocess.Popen([binary, "certify", blob, "--samples", "100000000", "--json", folder / "c.json"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    shutil.rmtree(folder)
    process.terminate()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 4 and "c.hlog: creating a temporary file beside it: No such file" in errors
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["c.json", "c.html", "c.hlog", "c.full-hot.hgrm", "c.tick-hot.hgrm", "c.json.sig"])
def test_a_target_that_is_a_folder(tickmlp, blob, tmp_path, name):
    (tmp_path / name).mkdir()
    done = tickmlp("certify", blob, *FOREVER, "--json", tmp_path / "c.json", "--html", tmp_path / "c.html")
    assert done.returncode == 4 and f"{name}: it is there and is not a regular file" in done.stderr
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("json_name, html_name", [("c.json", "c.json"), ("c.json", "x/../c.json"), ("c", "c.hlog"),
                                                  ("c.json", "./c.full-hot.hgrm"), ("link.json", "c.json")])
def test_two_files_of_one_name(tickmlp, blob, tmp_path, json_name, html_name):
    (tmp_path / "x").mkdir()
    if json_name == "link.json":
        (tmp_path / "c.json").write_text("old")
        (tmp_path / "link.json").symlink_to("c.json")
    before = contents(tmp_path)
    done = tickmlp("certify", blob, *FOREVER, "--json", f"{tmp_path}/{json_name}", "--html", f"{tmp_path}/{html_name}")
    assert done.returncode == 2 and "two files of this certificate would be" in done.stderr
    assert contents(tmp_path) == before


def test_a_file_that_is_read_is_never_written(tickmlp, blob, states, keys, tmp_path):
    model, key = shutil.copy(blob, tmp_path / "c.hlog"), shutil.copy(keys / "ours.pem", tmp_path / "d.json.sig")
    before = contents(tmp_path)
    for options in (["--json", tmp_path / "c.json"], ["--json", tmp_path / "d.json", "--sign", key],
                    ["--html", model], ["--html", states, "--input", states]):
        done = tickmlp("certify", model, *FOREVER, *options)
        assert done.returncode == 2 and "is the input" in done.stderr
    assert contents(tmp_path) == before


def test_standard_output_that_is_full_or_closed(tickmlp, blob, tmp_path, full_device):
    """The files are there by then, whole."""
    for name, options in (("full", {"stdout": full_device}), ("closed", {"stdout": None,
                                                                         "preexec_fn": lambda: os.close(1)})):
        report = tmp_path / f"{name}.json"
        done = tickmlp("certify", blob, *HOT, "--json", report, **options)
        assert done.returncode == 4 and "cannot write to standard output" in done.stderr
        assert json.loads(report.read_text())["complete"] is True
        assert tickmlp("verify", report).returncode == 0
        assert tickmlp("verify", report, **options).returncode == 4


def test_an_old_signature_goes_with_the_text_that_it_fitted(tickmlp, blob, old, keys):
    done = tickmlp("certify", blob, *HOT, "--json", old / "c.json")
    assert done.returncode == 3 and not (old / "c.json.sig").exists()
    assert tickmlp("verify", old / "c.json").returncode == 0
    assert tickmlp("certify", blob, *HOT, "--json", old / "c.json", "--sign", keys / "ours.pem").returncode == 3
    assert tickmlp("verify", old / "c.json", "--public-key", keys / "ours.public.pem").returncode == 0


@pytest.mark.parametrize("options, words", [
    (["--suite", "slow"], "--suite"), (["--runs", 0], "--runs"), (["--runs", 1001], "--runs"),
    (["--epochs", 0], "--epochs"), (["--samples", 0], "--samples"), (["--samples", "many"], "--samples"),
    (["--scenario", "response-poisson-999"], "1k to 1m a second"), (["--scenario", "sessions-1024"], "may run on"),
    (["--scenario", "response-constant-1000001"], "1k to 1m a second"), (["--scenario", "sessions-1"], "sessions-N"),
    (["--scenario", ""], 'expected one or more of'), (["--core", -1], "--core"), (["--warm-up", -1], "--warm-up"),
    (["--budget", "p98=1us"], 'unknown figure "p98"'), (["--budget", "p99=1"], "is no time"),
    (["--path", "short"], "--path"), (["--sign", "key.pem"], "--sign needs --json"),
    (["--kernel", "abacus"], "abacus"), (["--json"], "--json"), (["more"], "more")])
def test_wrong_usage(tickmlp, blob, options, words):
    done = tickmlp("certify", blob, *options)
    assert done.returncode == 2 and words in done.stderr and done.stdout == "" and len(done.stderr) > 20
