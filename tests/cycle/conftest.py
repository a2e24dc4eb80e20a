# SPDX-License-Identifier: Apache-2.0
"""scripts/after_training as the training team starts it, on a small model."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass

import numpy
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "cli"), str(ROOT / "tests" / "publish")]
BUILD = pathlib.Path(os.environ.get("TICKMLP_BUILD", ROOT / "build"))

from published import Published  # noqa: E402
from small_models import export, network  # noqa: E402
from training_cycle import interrupts  # noqa: E402
from training_cycle.cli import main  # noqa: E402

# Any accuracy, no certificate: for tests of something else.
PLAIN = ("--budget", "probability=1,value=1,argmax=0", "--certify", "none", "--window", "4x3")


@dataclass
class Done:
    code: int
    text: str
    errors: str

    @property
    def json(self):
        return json.loads(self.text)


def require_programs():
    for name in ("tickmlp", "tickmlp-publish"):
        if not (BUILD / name).is_file():
            pytest.skip(f"no {name} in {BUILD}: build it, or set TICKMLP_BUILD")


@pytest.fixture
def after_training(capfd, monkeypatch):
    """(word ...) -> Done, in this process. PyTorch is left out: test_torch_after_training.py has it."""
    require_programs()

    def run(*words, **environment):
        for name, value in {"TICKMLP_BUILD": str(BUILD), "TICKMLP_TORCH_PYTHON": "", **environment}.items():
            monkeypatch.setenv(name, value)
        capfd.readouterr()
        code = main([str(word) for word in words])
        signal.pthread_sigmask(signal.SIG_UNBLOCK, interrupts.HANDLED)
        return Done(code, *capfd.readouterr())
    return run


@pytest.fixture(scope="session")
def script():
    """The same as its users start it."""
    require_programs()

    def run(*words, **environment):
        variables = {**os.environ, "TICKMLP_BUILD": str(BUILD), "TICKMLP_PYTHON": sys.executable,
                     "TICKMLP_TORCH_PYTHON": "", **environment}
        done = subprocess.run([str(ROOT / "scripts" / "after_training"), *map(str, words)], capture_output=True,
                              text=True, timeout=120, env=variables)
        return Done(done.returncode, done.stdout, done.stderr)
    return run


@pytest.fixture
def checkpoint(tmp_path):
    """(seed) -> an npz of two heads over a window of 4 x 3."""
    def make(seed=5, **changes):
        path = tmp_path / f"checkpoint-{seed}.npz"
        numpy.savez(path, **{**network(seed), **changes})
        return path
    return make


@pytest.fixture
def published(tmp_path):
    folder = tmp_path / "published"
    folder.mkdir()
    return Published(str(BUILD / "tickmlp-publish"), None, folder)


@pytest.fixture(scope="session")
def three_generations(tmp_path_factory):
    """A folder of three, which the cycle would publish; made once."""
    require_programs()
    folder = tmp_path_factory.mktemp("three") / "published"
    folder.mkdir()
    for generation, seed in enumerate((5, 6, 7), 1):
        blob = export(folder.parent, f"g{generation}", network(seed), "--name", "small", "--window", "4x3",
                      "--generation", str(generation), "--run-id", f"run-{seed}", *PLAIN[:2])
        Published(str(BUILD / "tickmlp-publish"), None, folder).done(blob)
    return folder


@pytest.fixture
def three(three_generations, published):
    """The file names of three published generations."""
    shutil.copytree(three_generations, published.folder, dirs_exist_ok=True)
    return [name for name in published.names() if name.endswith(".blob")]


@pytest.fixture
def cycle(after_training, checkpoint, published):
    """(seed, option ...) -> Done: one whole cycle into the folder."""
    def run(*options, seed=5, source=None, **environment):
        return after_training(source or checkpoint(seed), "--folder", published.folder, "--name", "small", *PLAIN, *options,
                              **environment)
    return run


@pytest.fixture
def refused(cycle, published):
    """One whole cycle that must end with this cause and change nothing."""
    def run(name, code, *options, words=(), **more):
        before = published.files()
        done = cycle(*options, **more)
        complaint = done.errors.splitlines()[-1]
        assert done.code == code and complaint.startswith(f"after_training: error {name}: "), done.errors
        assert "Traceback" not in done.errors and published.files() == before
        for word in words:
            assert word in complaint, (word, complaint)
    return run


@pytest.fixture
def programs(tmp_path):
    """A build folder whose `tickmlp` is a Python script around the real one: make(text) -> the folder's name."""
    def make(text):
        folder = tmp_path / "programs"
        if not folder.exists():
            folder.mkdir()
            (folder / "tickmlp-publish").symlink_to(BUILD / "tickmlp-publish")
        script = folder / "tickmlp"
        script.write_text(f"#!{sys.executable}\nimport os, subprocess, sys\nimport numpy\n"
                          f"real = {str(BUILD)!r} + '/tickmlp'\nwords = sys.argv[1:]\n{text}\nos.execv(real, [real, *words])\n")
        script.chmod(0o755)
        return str(folder)
    return make


@pytest.fixture(scope="session")
def minisign():
    path = shutil.which("minisign")
    if path is None:
        pytest.skip("no minisign (scripts/bootstrap --for signature)")
    return path


@pytest.fixture
def key(minisign, tmp_path):
    """(name, password) -> the path without suffix of NAME.key and NAME.pub."""
    def make(name="ours", password=None):
        path = tmp_path / name
        words = [minisign, "-G", "-f", "-p", f"{path}.pub", "-s", f"{path}.key", *([] if password else ["-W"])]
        subprocess.run(words, check=True, capture_output=True, text=True,
                       input=f"{password}\n{password}\n" if password else "")
        return path
    return make
