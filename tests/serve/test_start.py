# SPDX-License-Identifier: Apache-2.0
"""What cannot start says so in one line, before it serves."""
import os
import shutil
import socket
import subprocess
import urllib.request

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


def without_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return True
    return False


@pytest.mark.skipif(without_ipv6(), reason="no IPv6 here")
def test_an_ipv6_address_stands_in_brackets(binary, start):
    server = start("--host", "::1")
    assert f"listening on http://[::1]:{server.port}\"" in server.log()
    assert f"cannot listen on [::1]:{server.port}: " in refused(binary, "--host", "::1", "--port", str(server.port))
    url = server.log().split("listening on ")[1].split("\"")[0]
    with urllib.request.urlopen(url + "/v2/health/live", timeout=30) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("option, value, needs", [
    ("--shared-core", "0", "--shared-memory"), ("--shared-clients", "1", "--shared-memory"),
    ("--shared-windows", "1", "--shared-memory"), ("--shared-ring-bytes", "4096", "--shared-memory"),
    ("--shared-sleep-ns", "1", "--shared-memory"), ("--grpc-cores", "0", "--grpc-port"),
    ("--grpc-threads", "1", "--grpc-port"), ("--cache-ttl", "1", "--cache")])
def test_an_option_that_means_nothing_alone_is_wrong_usage(binary, option, value, needs):
    done = subprocess.run([binary, "serve", "--repository", ROOT / "weights", "--port", "99", option, value, "--host",
                           "nonsense"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2 and f"{option} requires {needs}" in done.stderr, done


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
