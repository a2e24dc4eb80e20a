# SPDX-License-Identifier: Apache-2.0
"""Arrays, errors, lifetimes and threads of the Python module; its structures against the C header."""
import ctypes
import gc
import re
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
import tickmlp
from tickmlp import library

from conftest import BLOBS, ROOT


def test_contiguous_float32_is_not_copied(model):
    from tickmlp.values import floats  # pylint: disable=import-outside-toplevel
    states = np.zeros((8, 420), np.float32)
    assert np.shares_memory(floats(states, 420, "states")[0], states)
    assert np.shares_memory(floats(states[2:5], 420, "states")[0], states)
    out = np.empty((8, 10), np.float32)
    assert model.infer(states, out) is out and np.isfinite(out).all()


def test_other_arrays_are_converted_and_give_the_same(model):
    states = np.random.default_rng(5).uniform(-1, 1, (9, 420)).astype(np.float32)
    expected = model.infer(states).tobytes()
    misaligned = np.frombuffer(b"\0" + states.tobytes(), np.uint8)[1:].view(np.float32).reshape(states.shape)
    assert not misaligned.flags.aligned
    for other in (np.asfortranarray(states), states.astype(np.float64), states.tolist(), misaligned,
                  states.astype(">f4"), np.repeat(states, 2, axis=0)[::2]):
        assert model.infer(other).tobytes() == expected
    assert model.infer(np.empty((0, 420), np.float32)).shape == (0, 10)


def test_an_output_may_lie_over_the_input(model):
    states = np.random.default_rng(6).uniform(-1, 1, (64, 420)).astype(np.float32)
    expected = model.infer(states).tobytes()
    out = states.reshape(-1)[:640].reshape(64, 10)
    assert model.infer(states, out).tobytes() == expected


@pytest.mark.parametrize("shape", [(), (419,), (3, 421), (2, 3, 420), (420, 3)])
def test_wrong_shapes_are_refused(shape, model):
    with pytest.raises(tickmlp.Error) as refused:
        model.infer(np.zeros(shape, np.float32))
    assert refused.value.status == "input-count" and "expected [420]" in str(refused.value)


@pytest.mark.parametrize("out", [np.empty((2, 9), np.float32), np.empty((2, 10)), np.empty((2, 20), np.float32)[:, ::2],
                                 np.frombuffer(bytes(80), np.float32).reshape(2, 10)])
def test_wrong_outputs_are_refused(out, model):
    with pytest.raises(tickmlp.Error) as refused:
        model.infer(np.zeros((2, 420), np.float32), out)
    assert refused.value.status == "output-count"


def test_the_state_that_is_refused_is_named(model):
    states = np.zeros((50, 420), np.float32)
    states[33, 5] = np.nan
    out = np.full((50, 10), 7, np.float32)
    with pytest.raises(tickmlp.Error) as refused:
        model.infer(states, out)
    assert refused.value.status == "non-finite-input" and refused.value.index == 33
    assert refused.value.message == "state 33 has nan as input 5, expected finite numbers; those before it are done"
    assert (out[:33] != 7).all() and (out[33:] == 7).all()
    with model.session(non_finite="flush") as session:
        assert np.isfinite(session.infer(states)).all() and session.counters.flushed == 1
    bars = np.zeros((3000, 7), np.float32)
    bars[2500, 3] = np.inf
    with pytest.raises(tickmlp.Error) as refused:
        model.replay(bars)
    assert refused.value.index == 2500 - 59 and refused.value.status == "non-finite-input"
    assert refused.value.message.startswith("window 2441 has inf as input 416, expected finite numbers")
    with pytest.raises(tickmlp.Error):
        model.replay(bars[:59])


def test_refusals_have_the_library_s_names(model, tmp_path):
    blob = bytearray(BLOBS[0].read_bytes())
    blob[5000] ^= 1
    (tmp_path / "empty").touch()
    for source, status in ((bytes(blob), "blob-digest"), (tmp_path / "none", "file-open"), (tmp_path, "file-kind"),
                           (tmp_path / "empty", "file-size"), (b"PK\3\4" + bytes(900), "blob-magic")):
        with pytest.raises(tickmlp.Error) as refused:
            tickmlp.Model(source)
        assert refused.value.status == status and refused.value.message
    with pytest.raises(tickmlp.Error, match="kernel-unknown"):
        tickmlp.Model(BLOBS[0], kernel="int8-abacus")
    for wrong in ({"mode": "borrowed"}, {"kernel": 3}):
        with pytest.raises((ValueError, AttributeError)):
            tickmlp.Model(BLOBS[0], **wrong)
    with pytest.raises(ValueError, match="expected one of strict, flush"):
        model.session(non_finite="ignore")
    for name, wrong in (("blob", (f"{BLOBS[0]}\0x", None)), ("kernel", (BLOBS[0], "int8-avx2\0zz"))):
        with pytest.raises(ValueError, match=f"{name} is b'.*; expected no NUL"):
            tickmlp.Model(*wrong)


@pytest.mark.parametrize("call, status, sentence", [
    (lambda model, window: window.tick(np.zeros(7)), "window-empty", "no rows yet; expected reset() first"),
    (lambda model, window: window.advance(), "window-empty", "no rows yet; expected reset() first"),
    (lambda model, window: window.tick(np.zeros(6)), "input-count", "row of shape (6,); expected [7]"),
    (lambda model, window: window.reset(np.zeros((59, 7))), "input-count",
     "state of shape (59, 7); expected [420] or [60, 7]"),
    (lambda model, window: window.reset(np.full(420, np.nan)), "non-finite-input",
     'NaN or infinity among the inputs; expected finite ones or a "flush" window'),
    *((lambda model, window, shape=shape: model.replay(np.zeros(shape)), "input-count",
       f"bars of shape {shape}; expected [60 or more, 7]") for shape in ((60, 6), (7,), (59, 7), (1, 60, 7), ())),
])
def test_windows_say_what_was_seen_and_expected(model, call, status, sentence):
    with model.window() as window, pytest.raises(tickmlp.Error) as refused:
        call(model, window)
    assert (refused.value.status, refused.value.message) == (status, sentence)


def test_closed_objects_say_so():
    model = tickmlp.Model(BLOBS[0])
    session = model.session()
    model.close()
    model.close()
    for call in (lambda: model.infer(np.zeros(13)), lambda: session.infer(np.zeros(model.info.inputs)), model.session):
        with pytest.raises((ValueError, tickmlp.Error)):
            call()
    assert model.info.name


def test_a_session_keeps_its_model_and_nothing_is_left_behind():
    def locked_and_resident():
        with open("/proc/self/status", encoding="ascii") as file:
            return [line for line in file if line.startswith("VmLck")]
    before = locked_and_resident()
    session = tickmlp.Model(BLOBS[0]).session()
    gc.collect()
    assert locked_and_resident() != before or "unlocked" in str(tickmlp.Model(BLOBS[0]).info.lock)
    assert np.isfinite(session.infer(np.zeros(session._info.inputs))).all()
    del session
    for _ in range(50):
        tickmlp.Model(BLOBS[0])
    gc.collect()
    assert locked_and_resident() == before


def test_threads_share_a_session_safely(model):
    states = np.random.default_rng(9).uniform(-1, 1, (4, 200, 420)).astype(np.float32)
    expected = [model.infer(part).tobytes() for part in states]
    wrong = []
    def work(part):
        for _ in range(50):
            if model.infer(states[part]).tobytes() != expected[part]:
                wrong.append(part)
    threads = [threading.Thread(target=work, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_program_of_the_page_runs():
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / "PYTHON.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", blocks[0]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("tactical int8-") and done.stdout.endswith("non-finite-input 0\n")


def test_the_structures_are_the_header_s(tmp_path):
    """Size of each, offset of each field; and that of every function the header has a declaration."""
    if shutil.which("cc") is None:
        pytest.skip("no cc")
    mirrors = {"tickmlp_error": library.CError, "tickmlp_kernel_info": library.CKernelInfo,
               "tickmlp_load_options": library.CLoadOptions, "tickmlp_head_info": library.CHeadInfo,
               "tickmlp_model_info": library.CModelInfo, "tickmlp_session_options": library.CSessionOptions,
               "tickmlp_counters": library.CCounters}
    lines = ['#include <stdio.h>', '#include "tickmlp.h"', "int main(void) {"]
    expected = []
    for name, mirror in mirrors.items():
        lines.append(f'  printf("%zu\\n", sizeof({name}));')
        expected.append(ctypes.sizeof(mirror))
        for field, _ in mirror._fields_:
            lines.append(f'  printf("%zu\\n", offsetof({name}, {field}));')
            expected.append(getattr(mirror, field).offset)
    (tmp_path / "sizes.c").write_text("\n".join(lines) + "\n  return 0;\n}\n")
    subprocess.run(["cc", "-I", ROOT / "runtime", tmp_path / "sizes.c", "-o", tmp_path / "sizes"], check=True)
    printed = subprocess.run([tmp_path / "sizes"], check=True, capture_output=True, text=True).stdout.split()
    assert [int(value) for value in printed] == expected and len(expected) > 50
