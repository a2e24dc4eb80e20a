# SPDX-License-Identifier: Apache-2.0
"""What cannot start says so in one line, before it serves."""
import os
import pathlib
import shutil
import signal
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


@pytest.mark.parametrize("option, values, expected", [
    ("--port", ("70000", "-1", "x", "65536"), "a whole number from 0 to 65535"),
    ("--grpc-port", ("70000", "1.5"), "a whole number from 0 to 65535"),
    ("--poll", ("0", "0s", "5", "x", "2h", "99999s", "\n"), "a time from 1ms to 3600s, with its unit")])
def test_numbers_out_of_range_are_wrong_usage(binary, option, values, expected):
    for value in values:
        done = subprocess.run([binary, "serve", "--repository", ROOT / "weights", option, value], capture_output=True,
                              text=True, timeout=30)
        shown = value.replace("\n", "\\x0a")
        assert done.returncode == 2 and f'{option}: "{shown}": expected {expected}' in done.stderr, done


def test_a_hangup_during_the_start_waits(binary, tmp_path):
    """logrotate's, for the log that is open already."""
    log = tmp_path / "log"
    with open(log, "w") as errors:
        server = subprocess.Popen([binary, "serve", "--repository", ROOT / "weights", "--port", "0", "--threads", "16"],
                                  stderr=errors)
        try:
            status = pathlib.Path(f"/proc/{server.pid}/status")
            while int(status.read_text().partition("SigBlk:")[2].split()[0], 16) & 1 == 0:  # SIGHUP
                assert server.poll() is None and "listening" not in log.read_text(), "it never waits"
            while "listening" not in log.read_text():
                assert server.poll() is None
                server.send_signal(signal.SIGHUP)
            server.terminate()
            assert server.wait(30) == 0
        finally:
            server.kill()


@pytest.mark.parametrize("more", [["--threads", "2", "--shadow", "tactical-float32=tactical-int8", "--shared-memory"],
                                  ["--grpc-port", "0", "--grpc-threads", "12"]], ids=["shared", "grpc"])
def test_threads_that_the_system_refuses(binary, shared_path, more):
    """With one more at a time, until it serves: each that the server cannot make is named."""
    if os.getuid() != 0 or not shutil.which("setpriv") or not shutil.which("prlimit"):
        pytest.skip("needs root, to become a user without processes, setpriv and prlimit")
    if "--grpc-port" in more and "was built without gRPC" in subprocess.run(
            [binary, "serve", "--help"], capture_output=True, text=True, timeout=30).stdout:
        pytest.skip("this program was built without gRPC")
    if "--shared-memory" in more:
        more = [*more, str(shared_path)]
        shared_path.parent.chmod(0o777)
    refused_ones = []
    for most in range(1, 100):
        command = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "prlimit", f"--nproc={most}",
                   "--core=0", binary, "serve", "--repository", ROOT / "weights", "--port", "0", *more]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            try:
                line = process.communicate(timeout=5)[1].splitlines()[-1]
            except subprocess.TimeoutExpired as expired:
                process.terminate()
                assert b"listening on http" in expired.stderr, (most, expired.stderr)
                assert process.wait(30) == 0
                break
        if "Permission denied" in line:
            pytest.skip(f"another user may not read the program here: {line}")
        words = f"Resource temporarily unavailable: expected fewer threads of this user than ulimit -u ({most})"
        assert process.returncode == 4 and words in line, line
        refused_ones.append(line.split(": ")[1])
    assert refused_ones[:2] == ["thread of the log", "thread of the jobs"]
    if "--grpc-port" in more:  # which makes some of its own when it likes: how many are counted where is chance
        assert any(name.endswith("threads that gRPC may want") for name in refused_ones)
        assert any(name.startswith("gRPC thread ") for name in refused_ones), refused_ones
    else:
        assert refused_ones[2:] == ["thread of the shadows", "thread of the rings",
                                    "thread of the shared memory's socket", "serving thread 0", "serving thread 1",
                                    "thread that waits for the others"]


def test_limits_and_tls_files(binary, tmp_path):
    for options in (["--header-bytes", "0"], ["--connections", "-1"], ["--queue-limit", "x"], ["--tls-key", "k"]):
        assert subprocess.run([binary, "serve", "--repository", "weights", *options], cwd=ROOT, capture_output=True,
                              timeout=30).returncode == 2
    none = str(tmp_path / "none")
    assert f"certificate {none}: expected" in refused(binary, "--tls-certificate", none, "--tls-key", none)
