# SPDX-License-Identifier: Apache-2.0
"""`tickmlp run`: the same bits from every kernel, and inputs that are refused by name."""
import os
import resource

import numpy
import pytest

from small_models import export, network


def names_of_kernels(tickmlp, dtype):
    import json
    kernels = json.loads(tickmlp("kernels", "--json").stdout)["kernels"]
    return [kernel["name"] for kernel in kernels if kernel["dtype"] == dtype and kernel["available"]]


def test_every_kernel_and_mode_gives_the_same_bits(tickmlp, blob, states, tmp_path):
    out = tmp_path / "out.npy"
    results = []
    for kernel in names_of_kernels(tickmlp, blob.stem.split("-")[1]):
        for mode in ("copy", "mapped"):
            done = tickmlp("run", blob, "--input", states, "--output", out, "--kernel", kernel, "--mode", mode)
            assert done.returncode == 0, done.stderr
            assert "300 states" in done.stdout and "ns/state" in done.stdout and kernel in done.stdout
            results.append(numpy.load(out))
    assert results[0].shape == (300, 4) and results[0].dtype == numpy.float32
    assert all(result.tobytes() == results[0].tobytes() for result in results)
    assert numpy.allclose(results[0][:, :3].sum(axis=1), 1, atol=1e-6)


def test_against_numpy(tickmlp, folder, states, tmp_path):
    arrays = network()
    blob = export(folder, "check", arrays, "--dtype", "float32")
    assert tickmlp("run", blob, "--input", states, "--output", tmp_path / "out.npy").returncode == 0
    x = numpy.load(states).astype(numpy.float64)
    logits = numpy.clip(x @ arrays["side.w1"] + arrays["side.b1"], 0, 6) @ arrays["side.w2"]
    odds = numpy.exp(logits - logits.max(axis=1, keepdims=True))
    value = numpy.clip(x @ arrays["value.w1"], 0, 6) @ arrays["value.w2"]
    expected = numpy.hstack([odds / odds.sum(axis=1, keepdims=True), value])
    # Chains of 12 and 20 fused operations on magnitudes below 4: 32 half-ulps of 4 are 8e-6.
    assert numpy.abs(numpy.load(tmp_path / "out.npy") - expected).max() < 8e-6


def test_clipped_inputs_are_counted(tickmlp, folder, tmp_path):
    blob = export(folder, "clipped", network(), "--dtype", "int8", "--budget", "probability=1,value=1,argmax=0")
    numpy.save(tmp_path / "in.npy", numpy.full((5, 12), 3, numpy.float32))
    done = tickmlp("run", blob, "--input", tmp_path / "in.npy", "--output", tmp_path / "out.npy")
    assert done.returncode == 0 and "60 inputs clipped" in done.stdout


def test_non_finite(tickmlp, blob, tmp_path):
    values = numpy.zeros((2000, 12), numpy.float32)
    values[1500, 3] = numpy.nan
    values[1501, 0] = numpy.inf
    numpy.save(tmp_path / "in.npy", values)
    run = ["run", blob, "--input", tmp_path / "in.npy", "--output", tmp_path / "out.npy"]
    done = tickmlp(*run)
    assert done.returncode == 4 and "state 1500: non-finite-input" in done.stderr
    assert not (tmp_path / "out.npy").exists()
    assert tickmlp("certify", blob, "--input", tmp_path / "in.npy").returncode == 4
    if "int8" in blob.stem:  # in float32 the largest float may well overflow a logit: another named error
        done = tickmlp(*run, "--non-finite", "flush")
        assert done.returncode == 0 and "2 flushed" in done.stdout


@pytest.mark.parametrize("make, words", [
    (lambda a: a.astype(numpy.float64), "float64"),
    (lambda a: a.astype(">f4"), "big-endian"),
    (lambda a: numpy.asfortranarray(a), "Fortran"),
    (lambda a: a[:, :11].copy(), "(300, 11)"),
    (lambda a: a.reshape(100, 3, 12), "(100, 3, 12)"),
    (lambda a: a[:0], "no states"),
    (lambda a: a.reshape(-1), "(3600,)"),
])
def test_wrong_arrays(tickmlp, blob, states, tmp_path, make, words):
    numpy.save(tmp_path / "in.npy", make(numpy.load(states)))
    done = tickmlp("run", blob, "--input", tmp_path / "in.npy", "--output", tmp_path / "out.npy")
    assert done.returncode == 4 and words in done.stderr and "expected" in done.stderr
    assert os.listdir(tmp_path) == ["in.npy"]


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b + b"x", lambda b: b[:9], lambda b: b"",
                                    lambda b: b"PK" + b[2:]])
def test_damaged_files(tickmlp, blob, states, tmp_path, change):
    (tmp_path / "in.npy").write_bytes(change(states.read_bytes()))
    done = tickmlp("run", blob, "--input", tmp_path / "in.npy", "--output", tmp_path / "out.npy")
    assert done.returncode == 4 and "expected" in done.stderr


def test_things_that_are_no_files(tickmlp, blob, states, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for source in (tmp_path, tmp_path / "fifo", tmp_path / "missing", "/dev/zero"):
        assert tickmlp("run", blob, "--input", source, "--output", tmp_path / "out.npy").returncode == 4
    for target in (tmp_path, tmp_path / "fifo", tmp_path / "missing" / "out.npy", "/dev/null"):
        assert tickmlp("run", blob, "--input", states, "--output", target).returncode == 4
    assert os.listdir(tmp_path) == ["fifo"]


def test_a_full_disk_keeps_the_old_output(tickmlp, blob, states, tmp_path):
    """A file size limit stands in for it: writing ends with an error in the middle."""
    out = tmp_path / "out.npy"
    out.write_bytes(b"old")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    done = tickmlp("run", blob, "--input", states, "--output", out, preexec_fn=limit)
    assert done.returncode == 4 and "cannot write" in done.stderr
    assert out.read_bytes() == b"old" and os.listdir(tmp_path) == ["out.npy"]
    report = tmp_path / "report.json"
    done = tickmlp("certify", blob, "--samples", 100, "--json", report, preexec_fn=limit)
    assert done.returncode == 4 and not report.exists()


def test_a_link_stays_a_link(tickmlp, blob, states, tmp_path):
    (tmp_path / "real.npy").write_bytes(b"old")
    (tmp_path / "link.npy").symlink_to("real.npy")
    assert tickmlp("run", blob, "--input", states, "--output", tmp_path / "link.npy").returncode == 0
    assert (tmp_path / "link.npy").is_symlink() and numpy.load(tmp_path / "real.npy").shape == (300, 4)


def test_the_tick_path_gives_the_bits_of_the_full_path(tickmlp, blob, flat_blob, states, tmp_path):
    dtype = blob.stem.split("-")[1]
    for kernel in names_of_kernels(tickmlp, dtype):
        for path in ("full", "tick"):
            done = tickmlp("run", blob, "--input", states, "--output", tmp_path / path, "--path", path,
                           "--kernel", kernel)
            assert done.returncode == 0, done.stderr
        assert (tmp_path / "full").read_bytes() == (tmp_path / "tick").read_bytes()
    done = tickmlp("run", flat_blob, "--input", states, "--output", tmp_path / "out.npy", "--path", "tick")
    assert done.returncode == 4 and "no-window" in done.stderr and "--window" in done.stderr


def test_the_output_must_not_be_the_input(tickmlp, blob, states, tmp_path):
    before = states.read_bytes()
    done = tickmlp("run", blob, "--input", states, "--output", states)
    assert done.returncode == 2 and "is the input" in done.stderr and states.read_bytes() == before
    done = tickmlp("certify", blob, "--input", states, "--json", states)
    assert done.returncode == 2 and "is the input" in done.stderr and states.read_bytes() == before


@pytest.mark.parametrize("header", [b"", b"{'descr': '<f4', 'fortran_order': False, 'shape': (22906492245, 12), }"])
def test_a_sparse_file_of_a_tebibyte_is_refused(tickmlp, blob, tmp_path, header):
    """Once with nothing in it, once with a header whose shape is what the size says."""
    path = tmp_path / "sparse.npy"
    text = b"\x93NUMPY\x01\x00" + (246).to_bytes(2, "little") + header.ljust(246) if header else b""
    path.write_bytes(text)
    os.truncate(path, 256 + 22906492245 * 12 * 4)
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    done = tickmlp("run", blob, "--input", path, "--output", tmp_path / "out.npy", preexec_fn=limit)
    assert done.returncode == 4 and ("at most" if header else "not a .npy") in done.stderr, done.stderr
