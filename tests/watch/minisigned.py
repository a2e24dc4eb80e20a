# SPDX-License-Identifier: Apache-2.0
"""minisign as its users call it."""
import subprocess


def minisign(*words: object) -> subprocess.CompletedProcess:
    return subprocess.run(["minisign", *map(str, words)], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=60, check=False)
