# SPDX-License-Identifier: Apache-2.0
"""Entry of `python3 tools/weight_export`, from any working directory."""

import importlib.util
import os
import sys

if not __package__:
    # Run as a folder: the interpreter put the folder itself first on the path. Its parent goes there instead, so
    # that the modules are `weight_export.blob` and never shadow one of the standard library.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

TRIED = "TICKMLP_PYTHONS_TRIED"


def _with_numpy() -> None:
    """The first python3 on a PATH may be one without numpy (a pyenv's, a virtual environment's): hands over to the
    first that has it, Debian's last. Exit 4, as for refused input, when none has: 1 would mean "over budget"."""
    if importlib.util.find_spec("numpy") is not None:
        return
    tried = [*filter(None, os.environ.get(TRIED, "").split(os.pathsep)), os.path.realpath(sys.executable)]
    for folder in [*os.environ.get("PATH", "").split(os.pathsep), "/usr/bin"]:
        python = os.path.join(folder or ".", "python3")
        if os.access(python, os.X_OK) and python not in tried and os.path.realpath(python) not in tried:
            # The candidate too: it may be a script that starts yet another python, this one even.
            os.environ[TRIED] = os.pathsep.join([*tried, python])
            os.execv(python, [python, *sys.orig_argv[1:]])
    print(f"weight_export: error no-numpy: {sys.executable} has no numpy and neither has another python3 on the PATH, "
          "expected one that has it (Debian package python3-numpy)", file=sys.stderr)
    sys.exit(4)


_with_numpy()

from weight_export import signals  # noqa: E402  first: numpy takes 0.1 s to import, and a signal may come by then

signals.install()

from weight_export.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
