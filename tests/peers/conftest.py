# SPDX-License-Identifier: Apache-2.0
"""scripts/compare_peers run once, and the program behind it run on altered weights."""
import json
import os
import sys

import pytest

from programs import FILES, PROGRAMS, ROOT, run


@pytest.fixture(scope="session")
def comparison(tmp_path_factory):
    """(the finished process, its report), of both models and few samples."""
    if not (PROGRAMS / "compare_peers").is_file():
        pytest.skip("no build-peers/: scripts/compare_peers --list builds it")
    out = tmp_path_factory.mktemp("comparison") / "peers.json"
    done = run(ROOT / "scripts" / "compare_peers", "--samples", 200, "--json", out)
    assert done.returncode == 0, done.stdout + done.stderr
    return done, json.loads(out.read_text())


@pytest.fixture
def compare(comparison, tmp_path):
    """Runs a program on a folder of models; returns the finished process and its report."""
    def start(models, program="compare_peers", *words):
        out = tmp_path / "peers.json"
        done = run(PROGRAMS / program, "--models", models, "--states", FILES / "states", "--weights",
                   ROOT / "weights", "--samples", 100, "--json", out, *words)
        return done, json.loads(out.read_text()) if out.is_file() else None
    return start


@pytest.fixture
def onnxruntime():
    return next(FILES.glob("node_modules/onnxruntime-node/bin/*/linux/x64/libonnxruntime.so.1"), "")


@pytest.fixture
def tampered_models(tmp_path):
    """Models of every peer in which one weight of layer 1 differs."""
    script = ("import dataclasses, pathlib, sys; from peer_models import dense, make\n"
              "model = dense.load('tactical', pathlib.Path(sys.argv[1]))\n"
              "model.heads[0].w1 = model.heads[0].w1.copy(); model.heads[0].w1[419, 5] += 0.25\n"
              "model.codes = model.codes.copy(); model.codes[413:, :64] *= -1\n"
              "make.make(model, pathlib.Path(sys.argv[2]) / 'tactical')\n")
    done = run(sys.executable, "-c", script, ROOT / "weights", tmp_path / "models",
               env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")})
    assert done.returncode == 0, done.stderr
    return tmp_path / "models"
