# SPDX-License-Identifier: Apache-2.0
"""The disk refuses, at every call there is: a non-zero exit, and what was current still is."""
import os
import re
import resource
import shutil
import subprocess
import tempfile

import pytest
from published import Published, published_name

NOT_DURABLE = 26
PUBLISHED = (0, NOT_DURABLE, 31)  # the last: its outcome could not be printed
# What a publication and its loading call. Each is made to fail at its 1st, 2nd, ... call until there is none.
CALLS = ["openat", "newfstatat", "flock", "getdents64", "read", "pread64", "fchmod", "write", "fsync", "close",
         "linkat", "unlinkat", "renameat"]
WRITING = ["openat", "fchmod", "write", "fsync", "linkat", "renameat"]


@pytest.fixture
def old(published, blobs):
    """Three generations and a dead publisher's temporary file; the next publication removes one of each."""
    for generation in (1, 2, 3):
        published.done(blobs(generation), "--signature", blobs.signature(generation))
    (published.folder / ".tmp-1-0").write_bytes(b"half")
    return published


def traced(published, blobs, call, error, number, log):
    """(exit code, whether the call was made to fail)."""
    words = published.words(blobs(4), "--signature", blobs.signature(4), "--keep", 3)
    trace = ["strace", "-qq", "-o", str(log), "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={number}"]
    done = subprocess.run([*trace, *words], capture_output=True, text=True, timeout=60)
    seen = log.read_text()
    if "Operation not permitted" in done.stderr and not seen:
        pytest.skip(f"strace may not trace here: {done.stderr.strip()}")
    return done.returncode, "(INJECTED)" in seen


@pytest.mark.parametrize("call, error", [(call, "EIO") for call in CALLS] + [(call, "ENOSPC") for call in WRITING])
def test_every_call_fails_once(old, blobs, tmp_path, call, error):
    if shutil.which("strace") is None:
        pytest.skip("no strace (scripts/bootstrap --for test)")
    failures = 0
    for number in range(1, 200):
        copy = old.copy_to(tmp_path / f"{call}-{error}-{number}")
        code, injected = traced(copy, blobs, call, error, number, tmp_path / "log")
        if not injected:
            break
        failures += code != 0
        assert copy.generation() == (4 if code in PUBLISHED else 3), (number, code)
        copy.check_all_whole()
        if code in PUBLISHED:  # a later publication mends what this one left
            copy.done(blobs(5))
        else:
            copy.done(blobs(4), "--signature", blobs.signature(4))
        assert copy.leftovers() == []
        shutil.rmtree(copy.folder)
    assert number > 1 and code == 0, f"{call} was never called, or fails without a fault"
    print(f"{call} {error}: {number - 1} calls, {failures} of them end it")
    assert failures or call in ("close", "unlinkat", "getdents64"), f"{call}: no failure was noticed"


def test_not_durable_is_told_apart(old, blobs, tmp_path):
    """The last fsync is the folder's, after `current`."""
    if shutil.which("strace") is None:
        pytest.skip("no strace (scripts/bootstrap --for test)")
    codes = []
    for number in range(1, 7):
        copy = old.copy_to(tmp_path / str(number))
        codes.append(traced(copy, blobs, "fsync", "EIO", number, tmp_path / "log")[0])
    # Blob, signature, folder, `current`, folder; then there is none.
    assert codes == [25, 25, 25, 25, NOT_DURABLE, 0]


@pytest.fixture
def tmpfs(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("pages", range(4))
def test_full_disk(program, blobs, tmpfs, pages):
    """So many pages are left: for nothing, for the blob, for the signature too, for `current` too."""
    published = Published(program, blobs, tmpfs)
    published.done(blobs(1))
    space = os.statvfs(tmpfs)
    (tmpfs / "filler").write_bytes(bytes((space.f_bavail - pages) * space.f_bsize))
    done = published.publish(blobs(2), "--signature", blobs.signature(2))
    assert blobs(2).stat().st_size <= space.f_bsize  # a page each
    if pages < 3:
        assert done.returncode == 25 and "No space left" in done.stderr and "as it was" in done.stderr, done.stderr
    assert published.generation() == (1 if pages < 3 else 2) and published.leftovers() == []
    published.check_all_whole()
    (tmpfs / "filler").unlink()
    published.done(blobs(3))


def test_disk_without_files_left(program, blobs, tmpfs):
    """Space, but no inode, for a new name."""
    subprocess.run(["mount", "-o", "remount,nr_inodes=4", tmpfs], check=True)
    published = Published(program, blobs, tmpfs)
    published.done(blobs(1))
    published.refused(blobs(2), name="cannot-write", code=25, words=["No space left"])


def test_file_size_limit(published, blobs):
    published.done(blobs(1))
    done = published.publish(blobs(2), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))
    assert done.returncode == 25 and "File too large" in done.stderr
    assert published.generation() == 1 and published.leftovers() == []


def test_read_only_mount(program, blobs, tmpfs):
    published = Published(program, blobs, tmpfs)
    published.done(blobs(1))
    subprocess.run(["mount", "-o", "remount,ro", tmpfs], check=True)
    published.refused(blobs(2), name="cannot-write", code=25, words=["Read-only file system"])


def test_read_only_folder(program, blobs):
    """As an ordinary user: root may write everywhere."""
    with tempfile.TemporaryDirectory() as opened:
        os.chmod(opened, 0o755)
        folder = f"{opened}/published"
        os.mkdir(folder)
        published = Published(program, blobs, type(blobs.folder)(folder))
        published.done(blobs(1))
        copy = shutil.copy(blobs(2), opened)
        os.chmod(folder, 0o555)
        ordinary = {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}
        try:
            done = published.publish(copy, **ordinary)
        except PermissionError as error:
            pytest.skip(f"another user cannot run the publisher here: {error}")
        assert done.returncode == 25 and re.search("error cannot-write: .*Permission denied", done.stderr), done.stderr
        assert published.generation() == 1 and published_name(blobs(2), 2) not in published.names()
        os.chmod(folder, 0o755)
