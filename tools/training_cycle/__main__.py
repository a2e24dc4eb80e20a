# SPDX-License-Identifier: Apache-2.0
"""Entry of scripts/after_training, which finds a python3 with numpy and builds what is missing."""

import os
import sys

if not __package__:
    # Run as a folder: its parent goes on the path instead of it, so that modules are `training_cycle.status`.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from training_cycle import interrupts  # noqa: E402  first: numpy takes 0.1 s to import, and a signal may come by then

interrupts.install()

from training_cycle.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
