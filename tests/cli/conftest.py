# SPDX-License-Identifier: Apache-2.0
"""The built binary, and small models made through the exporter."""
import json
import os
import shutil
import subprocess
import sys

import numpy
import pytest

from small_models import ROOT, export, network


@pytest.fixture(scope="session")
def tickmlp(binary):
    """Runs the binary; nothing that is meant to end may take longer than a minute."""
    def run(*arguments, **options):
        options.setdefault("timeout", 60)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        return subprocess.run([binary, *map(os.fsdecode, map(os.fsencode, map(os.fspath, map(_text, arguments))))],
                              text=True, errors="replace", **options)
    return run


def _text(argument):
    return str(argument) if isinstance(argument, (int, float)) else argument


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session", params=["int8", "float32"])
def blob(request, folder):
    """A model with a window, in both element types."""
    return export(folder, f"small-{request.param}", network(), "--dtype", request.param, "--window", "4x3",
                  "--generation", "7", "--run-id", "run-42", "--budget", "probability=1,value=1,argmax=0")


@pytest.fixture(scope="session")
def flat_blob(folder):
    """A model without a window."""
    return export(folder, "flat", network(inputs=5), "--dtype", "float32")


@pytest.fixture(scope="session")
def states(folder):
    path = folder / "states.npy"
    numpy.save(path, numpy.random.default_rng(1).uniform(-1, 1, (300, 12)).astype(numpy.float32))
    return path


@pytest.fixture(scope="session")
def small(folder):
    return export(folder, "verified", network(), "--window", "4x3", "--budget", "probability=1,value=1,argmax=0")


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """Ed25519 and other keys, made by openssl."""
    folder = tmp_path_factory.mktemp("keys")

    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=folder)
    for name, options in {"ours": ["ed25519"], "theirs": ["ed25519"], "rsa": ["rsa"],
                          "locked": ["ed25519", "-aes-256-cbc", "-pass", "pass:secret"]}.items():
        openssl("genpkey", "-algorithm", *options, "-out", f"{name}.pem")
        if name != "locked":
            openssl("pkey", "-in", f"{name}.pem", "-pubout", "-out", f"{name}.public.pem")
    return folder


@pytest.fixture(scope="session")
def signed(tickmlp, small, keys, tmp_path_factory):
    """The folder of a certificate, c.json, with budgets and a signature."""
    folder = tmp_path_factory.mktemp("verified")
    done = tickmlp("certify", small, "--samples", 4000, "--runs", 5, "--epochs", 2, "--warm-up", 100, "--scenario",
                   "spaced-10us,evicted,response-constant-10k", "--budget", "p99=900s,tick-hot:mean=1ns",
                   "--json", folder / "c.json", "--sign", keys / "ours.pem")
    assert done.returncode == 1, done.stderr  # no call takes 1 ns
    return folder


@pytest.fixture
def copy(signed, tmp_path):
    shutil.copytree(signed, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def verify(tickmlp):
    """(certificate, option ...) -> (exit code, {check: good})"""
    def run(certificate, *options):
        done = tickmlp("verify", certificate, "--json", *options)
        assert done.returncode in (0, 1), done.stderr
        report = json.loads(done.stdout)
        assert report["schema"] == "tickmlp-verify/1" and report["valid"] == (done.returncode == 0)
        return done.returncode, {check["name"]: check["good"] for check in report["checks"]}
    return run
