# SPDX-License-Identifier: Apache-2.0
"""Links and commands in the documents lead somewhere."""
import re

import pytest
from repository import ROOT, complain, files, text

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)(?: \"[^\"]*\")?\)")
CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`[^`\n]*`")
# A script of ours as it is typed in a document: ./scripts/name or scripts/name. Capitals stand for a name to fill in.
SCRIPT = re.compile(r"(?<![\w/])(?:\./)?(scripts/[\w./-]*[\w-])")
PLACEHOLDER = re.compile(r"\b[A-Z]+\b")


def documents():
    return [path for path in files() if path.suffix == ".md"]


def anchors(path):
    """The fragment of every heading, as GitHub makes it."""
    headings = re.findall(r"^#+ +(.+?) *$", CODE_BLOCK.sub("", text(path)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-") for heading in headings}


def broken(path, target):
    name, _, fragment = target.partition("#")
    file = (ROOT / path).parent / name if name else ROOT / path
    if not file.exists():
        return f"{path}: link to {target}, which does not exist"
    if fragment and file.suffix == ".md" and fragment not in anchors(file.resolve().relative_to(ROOT.resolve())):
        return f"{path}: link to {target}, and no heading there has that name"
    return None


def test_relative_links_lead_to_files_and_headings():
    problems = []
    for path in documents():
        prose = INLINE_CODE.sub("", CODE_BLOCK.sub("", text(path)))
        problems += [broken(path, target) for target in LINK.findall(prose)
                     if not re.match(r"[a-z]+:", target)]
    complain([problem for problem in problems if problem])


def test_scripts_named_in_documents_exist():
    if not documents():
        pytest.skip("no document yet")
    complain([f"{path}: names {name}, which does not exist" for path in documents()
              for name in SCRIPT.findall(text(path)) if not (ROOT / name).exists() and not PLACEHOLDER.search(name)])


def test_the_meson_suites_of_the_house_are_the_declared_ones():
    declared = re.findall(r"\bsuite: '(\w+)'", "".join(text(path) for path in files() if path.name == "meson.build"))
    described = re.findall(r"meson suites? `(\w+)`", text("docs/HACKING.md"))
    assert declared and set(described) == set(declared)
