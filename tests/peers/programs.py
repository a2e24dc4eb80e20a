# SPDX-License-Identifier: Apache-2.0
"""Where the comparison's programs and files are, and how to run one."""
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = ROOT / "build-peers-files"
PROGRAMS = ROOT / "build-peers" / "bench" / "peers"
SYSTEMS = {"torchscript", "onnxruntime", "onednn", "libxsmm", "eigen", "plain-c"}


def run(*command, **options):
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=900, check=False, **options)
