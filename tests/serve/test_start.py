# SPDX-License-Identifier: Apache-2.0
"""What cannot start says so in one line, before it serves."""
import os
import shutil
import socket
import subprocess

import pytest

from served import ROOT


def refused(binary, *options, prefix=(), repository=ROOT / "weights") -> str:
    port = () if "--port" in options else ("--port", "0")
    result = subprocess.run([*prefix, binary, "serve", "--repository", str(repository), *port, *options],
                            capture_output=True, text=True, timeout=30)
    assert result.returncode == 4, result
    lines = [line for line in result.stderr.splitlines() if not line.startswith("{")]  # not the log
    assert len(lines) == 1 and lines[0].startswith("tickmlp: "), result.stderr
    return lines[0]


def test_port_taken(binary):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert "another process listens there" in refused(binary, "--port", str(other.getsockname()[1]))


def test_port_of_another_server(binary, server):
    assert "another process listens there" in refused(binary, "--port", str(server.port))


def test_host(binary):
    assert "host nonsense: expected an IP address" in refused(binary, "--host", "nonsense")
    assert "no address of this machine" in refused(binary, "--host", "192.0.2.1")


def test_privileged_port(binary):
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as file:
        first = int(file.read())
    if first <= 80 or os.getuid() != 0 or not shutil.which("setpriv"):
        pytest.skip(f"needs root to give it up, setpriv, and ports below 80 that are root's (here: below {first})")
    nobody = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "--no-new-privs"]
    assert "ports below 1024 are root's" in refused(binary, "--port", "80", prefix=nobody)


@pytest.mark.parametrize("core", ["4000", str(os.cpu_count())])
def test_core_that_is_not_there(binary, core):
    assert f"core {core}" in refused(binary, "--cores", core)


def test_core_that_is_not_allowed_or_stands_twice(binary):
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        pytest.skip("one core only")
    line = refused(binary, "--cores", str(allowed[1]), prefix=["taskset", "-c", str(allowed[0])])
    assert "not among those that this process was given" in line
    assert "stands twice" in refused(binary, "--cores", f"{allowed[0]},{allowed[0]}")


def test_repository(binary, tmp_path):
    assert "no such folder" in refused(binary, repository=tmp_path / "none")
    assert "no model" in refused(binary, repository=tmp_path)
    file = tmp_path / "file"
    file.touch()
    assert "no folder" in refused(binary, repository=file)


def test_limits_and_tls_files(binary, tmp_path):
    for options in (["--header-bytes", "0"], ["--connections", "-1"], ["--queue-limit", "x"], ["--tls-key", "k"]):
        assert subprocess.run([binary, "serve", "--repository", "weights", *options], cwd=ROOT, capture_output=True,
                              timeout=30).returncode == 2
    none = str(tmp_path / "none")
    assert f"certificate {none}: expected" in refused(binary, "--tls-certificate", none, "--tls-key", none)
