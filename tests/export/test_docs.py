# SPDX-License-Identifier: Apache-2.0
"""The page lists every error name and option."""

import re
import subprocess
import sys
from pathlib import Path

from helpers import TOOL

from weight_export import description
from weight_export.errors import CAUSES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "EXPORT.md").read_text(encoding="utf-8")


def test_every_error_is_on_the_page():
    listed = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \|$", PAGE.partition("## What is refused")[2], re.MULTILINE))
    assert listed == CAUSES


def test_every_error_name_in_the_code_is_listed_and_used():
    text = "".join(path.read_text() for path in TOOL.glob("*.py") if path.name != "errors.py")
    used = set(re.findall(r'ExportError\(\s*"([a-z0-9-]+)"', text))
    assert used <= set(CAUSES)
    for name in CAUSES:
        assert f'"{name}"' in text or name in ("usage", "interrupted", "no-numpy"), name


def test_every_option_is_on_the_page():
    for option in re.findall(r"--[a-z-]+", subprocess.run([sys.executable, str(TOOL), "--help"], capture_output=True,
                                                          text=True).stdout):
        assert option in PAGE or option in ("--help", "--version", "--output"), option


def test_every_key_of_a_description_is_on_the_page():
    for key in description.MODEL_KEYS | description.HEAD_KEYS:
        assert f"`{key}`" in PAGE, key
