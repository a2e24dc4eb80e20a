# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import stat

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]


def pytest_configure(config):
    """What a thread raises fails the test that was running; by itself pytest warns of it."""
    config.addinivalue_line("filterwarnings", "error::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.fixture(scope="session")
def binary():
    path = pathlib.Path(os.environ.get("TICKMLP_BINARY", ROOT / "build" / "tickmlp"))
    if not path.is_file():
        pytest.skip(f"no binary at {path}: build it, or set TICKMLP_BINARY")
    return str(path.resolve())


@pytest.fixture
def full_device():
    """A descriptor on which every write fails for want of space. Never creates the device, nor opens a file there."""
    if not os.path.exists("/dev/full") or not stat.S_ISCHR(os.stat("/dev/full").st_mode):
        pytest.skip("/dev/full is no device here")
    descriptor = os.open("/dev/full", os.O_WRONLY)
    yield descriptor
    os.close(descriptor)
