# SPDX-License-Identifier: Apache-2.0
"""Debian's Prometheus and node exporter, each started by the test on a free port of the loopback, and ended by it."""
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "monitoring"
sys.path.insert(0, str(ROOT / "tests" / "cli"))


def tool(name):
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"no {name} (scripts/bootstrap --for monitoring)")
    return path


@pytest.fixture(scope="session")
def promtool():
    def run(*arguments, **options):
        return subprocess.run([tool("promtool"), *map(str, arguments)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60, check=False, **options)
    return run


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Processes:
    """Started under nice, each with its output in a file; every one is ended at the end."""
    def __init__(self, folder):
        self.folder, self.running = folder, {}

    def start(self, name, *command):
        with (self.folder / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(["nice", "-n", "10", *map(str, command)], stdout=log,
                                                  stderr=subprocess.STDOUT, cwd=self.folder)

    def stop(self, name):
        process = self.running.pop(name)
        process.terminate()
        try:
            return process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait(20)

    def stop_all(self):
        for name in list(self.running):
            self.stop(name)

    def logs(self):
        return "\n".join(f"{log.name}: {log.read_text(errors='replace')[-2000:]}" for log in self.folder.glob("*.log"))


def get(url):
    """The body, or None while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read().decode()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


def wait_for(what, seconds, probe):
    """The first true answer of the probe."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = probe()
        if answer:
            return answer
        time.sleep(0.2)
    raise AssertionError(f"{what}: not within {seconds} s")


class Prometheus:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def api(self, path, **parameters):
        body = get(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}")
        return json.loads(body)["data"] if body else None

    def query(self, expression):
        return (self.api("query", query=expression) or {}).get("result", [])

    def firing(self):
        """(alert, process or model) of all that fire."""
        alerts = (self.api("alerts") or {}).get("alerts", [])
        return {(alert["labels"]["alertname"], alert["labels"].get("process", alert["labels"].get("model")))
                for alert in alerts if alert["state"] == "firing"}
