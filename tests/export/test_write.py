# SPDX-License-Identifier: Apache-2.0
"""Files appear whole or not at all: full disk, read-only targets, signals at any instant, two exporters at once."""

import os
import random
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

import pytest
from helpers import TOOL, run_tool, save_npz, small_head

from weight_export import write
from weight_export.read_blob import read_blob


@pytest.fixture
def source(tmp_path):
    """40 KB of weights, small enough that int8 is within the default budget."""
    head = {key: array / 5 for key, array in small_head("a", inputs=200, hidden=200).items()}
    return save_npz(tmp_path / "m.npz", head)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "weights"
    folder.mkdir()
    return folder


def test_mode_and_no_leftovers(export, source, folder):
    export(source, output=folder / "m.blob").succeeded()
    assert os.listdir(folder) == ["m.blob"]
    assert stat.S_IMODE((folder / "m.blob").stat().st_mode) & 0o022 == 0


def test_full_disk_keeps_the_old_blob(source, folder):
    """A file size limit stops the write in the middle, as a full disk does."""
    assert run_tool(source, "-o", folder / "m.blob").returncode == 0
    old = (folder / "m.blob").read_bytes()
    done = run_tool(source, "-o", folder / "m.blob", "--generation", 2,
                    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)))
    assert done.returncode == 4 and "error cannot-write" in done.stderr, done.stderr
    assert (folder / "m.blob").read_bytes() == old and os.listdir(folder) == ["m.blob"]


def test_full_tmpfs(source, tmp_path):
    """A real full disk, where this user may mount one."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", small], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted: {mounted.stderr.strip()}")
    try:
        done = run_tool(source, "-o", small / "m.blob")
        assert done.returncode == 4 and "No space left" in done.stderr
        assert os.listdir(small) == []
    finally:
        subprocess.run(["umount", small], check=True)


def test_report_that_cannot_be_written_leaves_no_blob(export, source, folder):
    result = export(source, "--report", folder / "none" / "r.json", output=folder / "m.blob")
    result.refused("cannot-write", "none")
    assert os.listdir(folder) == []


@pytest.mark.parametrize("target", ["none/m.blob", "m.npz/m.blob", ".", "pipe", "/proc/m.blob", ""])
def test_targets_that_take_no_file(export, source, tmp_path, target):
    """A pipe stands for devices too: with /dev/full here, root and a broken exporter would replace the device."""
    os.mkfifo(tmp_path / "pipe")
    before = sorted(os.listdir(tmp_path))
    result = export(source, output=os.path.join(tmp_path, target) if target else "")
    result.refused("cannot-write")
    assert sorted(os.listdir(tmp_path)) == before and stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode)


def test_read_only_folder(source):
    """As an ordinary user: root may write everywhere."""
    with tempfile.TemporaryDirectory() as opened:
        os.chmod(opened, 0o755)
        shutil.copy(source, opened)
        os.mkdir(f"{opened}/weights", 0o555)
        command = [sys.executable, str(TOOL), f"{opened}/m.npz", "-o", f"{opened}/weights/m.blob"]
        ordinary = {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}
        done = subprocess.run(command, capture_output=True, text=True, **ordinary)
        if "Permission denied" not in done.stderr or str(TOOL) in done.stderr:
            pytest.skip(f"another user cannot run the exporter here: {done.stderr.strip()[-200:]}")
        assert done.returncode == 4 and "error cannot-write" in done.stderr, done.stderr
        assert os.listdir(f"{opened}/weights") == []


def test_link_is_followed(export, source, folder):
    (folder / "current.blob").symlink_to("v1.blob")
    export(source, output=folder / "current.blob").succeeded()
    assert (folder / "current.blob").is_symlink() and read_blob(folder / "v1.blob").name == "m"


def test_without_unnamed_files(export, source, folder, monkeypatch):
    """File systems without O_TMPFILE get a named temporary file, removed after success and failure alike."""
    monkeypatch.setattr(write, "UNNAMED", 0)
    export(source, output=folder / "m.blob").succeeded()
    assert os.listdir(folder) == ["m.blob"]
    old = (folder / "m.blob").read_bytes()
    monkeypatch.setattr(write.os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    export(source, "--generation", 2, output=folder / "m.blob").refused("cannot-write", "Input/output error")
    assert os.listdir(folder) == ["m.blob"] and (folder / "m.blob").read_bytes() == old


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_killed_at_random_instants(source, folder, number):
    """Whenever it comes: the blob is the old one or the new one, and nothing lies beside it."""
    assert run_tool(source, "-o", folder / "m.blob").returncode == 0
    started = time.monotonic()
    assert run_tool(source, "-o", folder / "m.blob", "--generation", 2).returncode == 0
    whole_run = time.monotonic() - started
    chance = random.Random(int(number))
    generations, codes = set(), set()
    for attempt in range(6):
        process = subprocess.Popen([sys.executable, str(TOOL), str(source), "-o", str(folder / "m.blob"),
                                    "--generation", str(attempt)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(chance.uniform(0.3, 1.05) * whole_run)
        process.send_signal(number)
        codes.add(process.wait())
        process.stderr.close()
        assert os.listdir(folder) == ["m.blob"]
        generations.add(read_blob(folder / "m.blob").generation)
    assert generations <= {2, *range(6)}
    # Before the handler is installed (the interpreter's own start) the signal ends the process directly.
    assert codes <= {0, 128 + number, -number}, codes


def test_exit_code_of_an_interruption():
    """With the handler installed for certain: its exit code and message."""
    program = ("import sys, time; sys.path.insert(0, %r); from weight_export import signals; signals.install();"
               "print('ready', flush=True); time.sleep(30)" % str(TOOL.parent))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
        assert process.returncode == 128 + number
        assert errors.startswith("weight_export: error interrupted: ") and errors.count("\n") == 1


def test_ignored_signals_stay_ignored():
    program = ("import signal, sys; sys.path.insert(0, %r); signal.signal(signal.SIGHUP, signal.SIG_IGN);"
               "from weight_export import signals; signals.install();"
               "print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)" % str(TOOL.parent))
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "True\n"


def test_two_exporters_at_once(source, folder):
    """One file, many writers: it is always one of theirs, whole."""
    running = [subprocess.Popen([sys.executable, str(TOOL), str(source), "-o", str(folder / "m.blob"),
                                 "--generation", str(n)], stdout=subprocess.DEVNULL) for n in range(4)]
    while any(process.poll() is None for process in running):
        if (folder / "m.blob").exists():
            read_blob(folder / "m.blob")
        time.sleep(0.01)
    assert [process.returncode for process in running] == [0] * 4
    assert os.listdir(folder) == ["m.blob"] and read_blob(folder / "m.blob").generation in range(4)
