# SPDX-License-Identifier: Apache-2.0
"""A test whose client thread raises has failed (tests/conftest.py); by itself pytest only warns."""
import shutil
import subprocess
import sys

from repository import ROOT

TEST = """import threading
def test():
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
"""


def test_what_a_thread_raises_fails_its_test(tmp_path):
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_client.py").write_text(TEST)
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path], cwd=tmp_path,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "ZeroDivisionError" in done.stdout and "1 failed" in done.stdout, done
