# SPDX-License-Identifier: Apache-2.0
"""Evidence logs in the eyes of the first HdrHistogram, the one in Java (Debian's libhdrhistogram-java)."""
import pathlib
import shutil

import pytest

from conftest import run

JAR = pathlib.Path("/usr/share/java/hdrhistogram.jar")
# Series of one run: the tool adds up one tag.
SERIES = ["empty", "one-sample", "zero-ns", "above-32-bits", "ties", "beyond", "many-slots"]


@pytest.fixture(scope="session")
def log_processor(sample):
    """log_processor(option...): what HistogramLogProcessor prints about the log, in ns."""
    if shutil.which("java") is None or not JAR.is_file():
        pytest.skip("no java with libhdrhistogram-java: scripts/bootstrap --for java")

    def start(*options):
        done = run("java", "-cp", JAR, "org.HdrHistogram.HistogramLogProcessor", "-i", sample[0] / "sample.hlog",
                   "-outputValueUnitRatio", "1", *options)
        assert done.returncode == 0, done.stderr
        return done.stdout
    return start


def test_every_tag_is_listed(sample, log_processor):
    listed = log_processor("-listtags").split("\n", 1)[1].split()
    assert sorted(listed) == sorted({line["tag"] for line in sample[1]["lines"]})


@pytest.mark.parametrize("name", SERIES)
def test_the_table_of_a_run_has_our_bytes(sample, log_processor, name):
    start_time, table = log_processor("-tag", f"{name}.run-1").split("\n", 1)
    assert start_time.startswith(f"#[StartTime: {sample[1]['started']}.000 (seconds since epoch), ")
    assert table == (sample[0] / f"{name}.hgrm").read_text()
