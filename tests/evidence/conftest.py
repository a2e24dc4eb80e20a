# SPDX-License-Identifier: Apache-2.0
"""A log with its tables, written by us, and what hdr-histogram-js reads in it."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = "hdr-histogram-js@3.0.1"
# Beside the build folder, which meson may wipe.
FILES = ROOT / "build-evidence-files"


def run(*command, **options):
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=300, check=False, **options)


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """(folder of sample.hlog and a .hgrm of each series, our own figures)"""
    program = pathlib.Path(os.environ.get("TICKMLP_BUILD", ROOT / "build")) / "tests" / "evidence_files"
    if not program.is_file():
        pytest.skip("no build/tests/evidence_files: ninja -C build")
    folder = tmp_path_factory.mktemp("evidence")
    done = run(program, folder)
    assert done.returncode == 0, done.stderr
    return folder, json.loads((folder / "sample.json").read_text())


def installed():
    """The version of the package below FILES, None without one."""
    description = FILES / "node_modules" / "hdr-histogram-js" / "package.json"
    return json.loads(description.read_text())["version"] if description.is_file() else None


@pytest.fixture(scope="session")
def node_modules():
    """hdr-histogram-js, installed by npm where it is not there yet. Scripts of packages are not run."""
    if shutil.which("node") is None:
        pytest.skip("no node: scripts/bootstrap --for npm")
    if installed() != PACKAGE.split("@")[1]:
        if shutil.which("npm") is None:
            pytest.skip("no npm: scripts/bootstrap --for npm")
        FILES.mkdir(exist_ok=True)
        done = run("npm", "install", "--ignore-scripts", "--no-save", "--no-audit", "--no-fund", "--prefix", ".",
                   PACKAGE, cwd=FILES)
        if done.returncode != 0:
            pytest.skip(f"npm cannot install {PACKAGE}: {(done.stderr.strip().splitlines() or ['no reason'])[-1]}")
    return FILES / "node_modules"


@pytest.fixture(scope="session")
def theirs(sample, node_modules):
    """What hdr-histogram-js sees in the log."""
    done = run("node", pathlib.Path(__file__).with_name("read_log.js"), sample[0] / "sample.hlog",
               env={**os.environ, "NODE_PATH": str(node_modules)})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
