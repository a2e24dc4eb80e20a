# SPDX-License-Identifier: Apache-2.0
"""System calls that fail while a blob is loaded, injected by strace: a named error or stated degradation, no crash."""
import json
import shutil
import subprocess

import pytest


@pytest.fixture(scope="session")
def inject(binary):
    """inject(fault, *arguments, path=None): the program under strace, which makes the calls fail that `fault` names;
    with a path only those on that file, since the dynamic linker reads and opens too."""
    if shutil.which("strace") is None:
        pytest.skip("no strace (Debian package strace)")
    if subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True).returncode != 0:
        pytest.skip("strace may not trace here (ptrace is forbidden)")

    def run(fault, *arguments, path=None):
        only = ["-P", str(path)] if path is not None else []
        return subprocess.run(["strace", "-qq", "-f", "-o", "/dev/null", *only, "-e", f"inject={fault}", binary,
                               *map(str, arguments)], capture_output=True, text=True, timeout=60)
    return run


@pytest.mark.parametrize("error", ["EIO", "EISDIR", "EBADF"])
def test_a_read_that_fails_is_named(inject, blob, error):
    done = inject(f"pread64:error={error}", "inspect", blob, path=blob)
    assert done.returncode == 4 and "file-read" in done.stderr, (done.returncode, done.stderr)


def test_a_read_that_is_interrupted_is_repeated(inject, blob):
    done = inject("pread64:error=EINTR:when=1", "inspect", blob, "--json", path=blob)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["inputs"] > 0


def test_a_file_that_ends_early_is_named(inject, blob):
    done = inject("pread64:retval=0:when=1", "inspect", blob, path=blob)
    assert done.returncode == 4 and "file-read" in done.stderr and "ended" in done.stderr, done.stderr


@pytest.mark.parametrize("call", ["madvise", "mlock"])
def test_no_huge_page_and_no_lock_degrade_and_are_said(inject, blob, call):
    done = inject(f"{call}:error=ENOMEM", "inspect", blob, "--json")
    assert done.returncode == 0, done.stderr
    if call == "mlock":
        assert "unlocked" in done.stdout.replace("not-locked", "unlocked"), done.stdout


def test_protection_that_fails_is_named(inject, blob):
    """mprotect is called by the dynamic linker too, once for each library and more: the last that fails is ours."""
    for number in range(200, 0, -1):
        done = inject(f"mprotect:error=ENOMEM:when={number}", "inspect", blob)
        if "write-protecting" in done.stderr:
            assert done.returncode == 4 and "out-of-memory" in done.stderr
            return
    pytest.fail("no mprotect call was the loader's")


@pytest.mark.parametrize("error", ["EMFILE", "EACCES", "ELOOP", "EIO"])
def test_an_open_that_fails_is_named(inject, blob, error):
    done = inject(f"openat:error={error}", "inspect", blob, path=blob)
    assert done.returncode == 4 and "file-open" in done.stderr, (done.returncode, done.stderr)
