# SPDX-License-Identifier: Apache-2.0
"""Entry of `python3 tools/weight_export`, from any working directory."""

import os
import sys

if not __package__:
    # Run as a folder: the interpreter put the folder itself first on the path. Its parent goes there instead, so
    # that the modules are `weight_export.blob` and never shadow one of the standard library.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from weight_export import signals  # noqa: E402  first: numpy takes 0.1 s to import, and a signal may come by then

signals.install()

from weight_export.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
