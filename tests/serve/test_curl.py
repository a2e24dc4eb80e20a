# SPDX-License-Identifier: Apache-2.0
"""What the documents tell people to type, and other ways in which curl sends a body."""
import json
import re
import shutil
import subprocess

import numpy
import pytest

from served import ROOT, TOKEN, binary_outputs, outputs_of, run_model, same_bits

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: scripts/bootstrap --for serve")
RAW = "Inference-Header-Content-Length: 0"
URL = "/v2/models/tactical-int8/infer"


def curl(server, *words):
    url = f"http://127.0.0.1:{server.port}{words[-1]}"
    done = subprocess.run(["curl", "-sS", "-D", "/dev/stderr", *words[:-1], url], capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    heads = [head for head in done.stderr.decode().split("\r\n\r\n") if head.startswith("HTTP/")]
    lines = heads[-1].splitlines()
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return int(lines[0].split()[1]), fields, done.stdout


@pytest.mark.parametrize("page", ["README.md", "docs/SERVING.md"])
def test_the_command_of_the_documents(server, binary, page, tmp_path):
    text = (ROOT / page).read_text()
    [command] = re.findall(r"^(curl -s localhost:8080/v2/models/strategic-int8/infer -d '.*?')$", text, re.M | re.S)
    done = subprocess.run(["sh", "-c", command.replace("localhost:8080", f"127.0.0.1:{server.port}")],
                          capture_output=True, text=True, timeout=30)
    data = json.loads(re.search(r"'(.*)'", command, re.S)[1])["inputs"][0]["data"]
    state = numpy.array([data], numpy.float64).astype(numpy.float32)
    expected = run_model(binary, ROOT / "weights" / "strategic-int8.blob", state, tmp_path)
    assert done.returncode == 0 and same_bits(outputs_of(json.loads(done.stdout)), expected)


@pytest.mark.parametrize("more", [(), ("-H", "Transfer-Encoding: chunked"), ("-H", "Expect: 100-continue"), ("-0",),
                                  ("--compressed",)])
def test_raw_bodies(server, binary, tmp_path, more):
    states = numpy.random.default_rng(2).uniform(-1, 1, (100, 420)).astype(numpy.float32)
    (tmp_path / "body").write_bytes(states.tobytes())
    expected = run_model(binary, ROOT / "weights" / "tactical-int8.blob", states, tmp_path)
    status, fields, body = curl(server, "-H", RAW, *more, "--data-binary", f"@{tmp_path / 'body'}", URL)
    assert status == 200 and same_bits(binary_outputs(fields, body)[1], expected)


def test_head_and_options(server):
    status, fields, _ = curl(server, "-I", "/v2")
    assert status == 200 and int(fields["content-length"]) > 50
    assert curl(server, "-X", "OPTIONS", "/v2")[0] == 405


def test_the_load_of_the_documents(server):
    line = next(line for line in (ROOT / "docs" / "SERVING.md").read_text().splitlines() if "/load -H" in line)
    command = line.replace("localhost:8080", f"127.0.0.1:{server.port}").replace("tactical/load", "tactical-int8/load")
    done = subprocess.run(["sh", "-c", command.replace("$(cat token)", TOKEN)], capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 0 and done.stdout == "{}"
