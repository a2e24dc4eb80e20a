# SPDX-License-Identifier: Apache-2.0
"""One thread records, others read: plain moves, no locked instruction, no fence and no call on the hot path."""
import re
import shutil
import subprocess

import pytest

from test_binary import LIBRARY, ROOT, code, addressed, pytestmark, x86_only  # pylint: disable=unused-import

LOCKED = re.compile(r"^lock |^xchg .*\(|^[lms]fence")


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """What a host's compiler makes of tickmlp_recorder_record()."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("record")
    (folder / "record.c").write_text('#include "tickmlp.h"\n'
                                     "void record(tickmlp_recorder* r, uint64_t ns) {\n"
                                     "  tickmlp_recorder_record(r, ns);\n}\n")
    subprocess.run([compiler, "-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I", ROOT / "runtime",
                    "-c", folder / "record.c", "-o", folder / "record.o"], check=True)
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", folder / "record.o"], check=True,
                          capture_output=True, text=True).stdout
    return [line.split("\t", 1)[1] for line in text.splitlines() if re.match(r"^ +[0-9a-f]+:\t", line)]


@x86_only
def test_a_record_is_plain_moves(record):
    assert 20 < len(record) < 60
    assert not [line for line in record if LOCKED.match(line) or line.startswith("call")], record


@x86_only
def test_counters_are_plain_moves(code):
    for name in ("tickmlp_infer", "tickmlp_window_tick", "tickmlp_sparse_update", "tickmlp_session_counters",
                 "tickmlp_window_counters", "tickmlp_recorder_read", "tickmlp_reader_take", "tickmlp_reader_release",
                 "tickmlp_shadow_offer", "tickmlp_split_choose"):
        assert code[name] and not [line for line in code[name] if LOCKED.match(line)], name
