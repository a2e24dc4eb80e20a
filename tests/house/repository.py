# SPDX-License-Identifier: Apache-2.0
"""The files of this repository, as the house checks see them."""
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(os.environ.get("TICKMLP_HOUSE_ROOT", Path(__file__).resolve().parents[2]))
CODE = {".h", ".c", ".cc", ".py", ".sh", ".ini", ".proto"}


def _from_git():
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        return None
    answer = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    return answer.stdout.decode().split("\0") if answer.returncode == 0 else None


def _from_disk():
    """Without git (an unpacked archive, a machine that has none): everything but hidden and build folders."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [f for f in folders if not (f in (".git", "__pycache__", ".pytest_cache", "build")
                                                 or f.startswith("build-"))]
        yield from (os.path.relpath(os.path.join(folder, name), ROOT) for name in names)


def files():
    """Every file that is or would be committed, relative to the root, sorted."""
    names = _from_git()
    names = list(_from_disk()) if names is None else names
    return sorted({Path(name) for name in names if name and (ROOT / name).is_file()})


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def is_script(path):
    with (ROOT / path).open("rb") as file:
        return file.read(2) == b"#!"


def sources():
    """What people write code in: known suffixes, meson's files, and scripts with an interpreter line."""
    return [path for path in files()
            if path.suffix in CODE or path.name in ("meson.build", "meson_options.txt") or is_script(path)]


def cpp_files():
    return [path for path in files() if path.suffix in (".h", ".c", ".cc")]


def complain(problems):
    """One assertion for a whole list, so that a failure shows all of it."""
    assert not problems, "\n" + "\n".join(problems)
