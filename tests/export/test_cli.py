# SPDX-License-Identifier: Apache-2.0
"""The command line as a user meets it: usage errors, defaults, texts, exit codes, same bytes twice."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from helpers import TOOL, run_tool, save_npz, small_head

from weight_export.read_blob import read_blob


@pytest.fixture
def source(tmp_path):
    return save_npz(tmp_path / "net.npz", small_head("actor") | small_head("critic", outputs=1))


USAGE = [
    [], ["SOURCE"], ["-o", "OUT"], ["SOURCE", "-o"], ["SOURCE", "SOURCE", "-o", "OUT"], ["SOURCE", "-o", "SOURCE"],
    ["SOURCE", "-o", "OUT", "--dtype", "int4"], ["SOURCE", "-o", "OUT", "--unknown"],
    ["SOURCE", "-o", "OUT", "--dty", "int8"], ["SOURCE", "-o", "OUT", "--report", "OUT"],
    *(["SOURCE", "-o", "OUT", "--generation", text] for text in ("-1", "1.5", "x", "", "18446744073709551616", "1e3")),
    *(["SOURCE", "-o", "OUT", "--window", text] for text in ("60", "60x", "x7", "0x7", "-6x-7", "6x7x1", "60 x 7")),
    *(["SOURCE", "-o", "OUT", f"--ranges={text}"] for text in (
        "1", "1,-1", "0,0", "nan,1", "-1,inf", "a,b", "-1,1,2", "0,1e-40", "-1e39,1", "1_0,2_0", "-1, 1")),
    *(["SOURCE", "-o", "OUT", "--budget", text] for text in (
        "", "probability", "probability=", "p=1", "value=-1", "argmax=1.1", "value=nan", "value=1,value=2")),
    *(["SOURCE", "-o", "OUT", "--features", text] for text in ("", "a,,b", "a,a")),
    ["SOURCE", "-o", "OUT", "--ranges=-1,1", "--calibration", "C"],
]


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_usage(tmp_path, source, capfd, arguments):
    from weight_export.cli import main
    out = tmp_path / "out.blob"
    places = {"SOURCE": str(source), "OUT": str(out)}
    code = main([places.get(argument, argument) for argument in arguments])
    errors = capfd.readouterr().err
    assert code == 2 and errors.startswith("weight_export: error usage: ") and errors.count("\n") == 1, errors
    assert not out.exists()


def test_negative_range_as_its_own_word(export, source):
    export(source, "--ranges", "-1,1").succeeded()


def test_defaults(export, source):
    result = export(source)
    result.succeeded()
    blob = read_blob(result.blob)
    assert (blob.name, blob.generation, blob.run_id, blob.packed.element_type) == ("net", 1, "", 1)
    assert blob.source_sha256 == hashlib.sha256(source.read_bytes()).digest()
    assert blob.calibration_sha256 == bytes(32) and blob.packed.window == (0, 0)
    assert blob.packed.ranges.tolist() == [[-1, 1]] * 12


def test_provenance(export, source):
    result = export(source, "--name", "ünï", "--generation", 2**64 - 1, "--run-id", "run 7", "--window", "4x3",
                    "--features", "open,high,low", "--ranges=-2,0.5")
    result.succeeded()
    blob = read_blob(result.blob)
    assert (blob.name, blob.generation, blob.run_id) == ("ünï", 2**64 - 1, "run 7")
    assert blob.packed.feature_names == ["open", "high", "low"] and blob.packed.window == (4, 3)
    assert blob.packed.ranges.tolist() == [[-2, 0.5]] * 3


@pytest.mark.parametrize("options, name", [
    (["--name", ""], "bad-name"), (["--name", "n" * 64], "bad-name"), (["--name", "a\nb"], "bad-name"),
    (["--run-id", "r" * 64], "bad-name"), (["--name", "\udcff"], "bad-name"), (["--window", "5x3"], "bad-window"),
    (["--features", "a,b"], "bad-features"), (["--features", "a,b", "--window", "4x3"], "bad-features"),
    (["--features", ",".join("f" * 32 + str(i) for i in range(12))], "bad-name")])
def test_refused_values(export, source, options, name):
    export(source, *options).refused(name)


def test_table_and_report(export, source, tmp_path):
    result = export(source, "--report", tmp_path / "r.json")
    result.succeeded()
    digest = hashlib.sha256(result.blob.read_bytes()).hexdigest()
    for word in ("actor", "critic", "softmax", "identity", "0 .. 6", "largest error", "mean error", "clipped",
                 digest, str(result.blob.stat().st_size), "4096 states"):
        assert word in result.text, word
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["blob_sha256"] == digest and report["blob"] == str(result.blob) and report["dtype"] == "int8"
    heads = read_blob(result.blob).accuracy
    assert [head["accuracy"]["largest_error"] for head in report["heads"]] == [head.largest_error for head in heads]


def test_over_budget(export, source, tmp_path):
    result = export(source, "--budget", "probability=0.000001", "--report", tmp_path / "r.json")
    result.refused("over-budget", "'actor'", "largest error", code=1)
    assert not result.blob.exists()
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["within_budget"] is False and report["blob"] is None
    export(source, "--budget", "value=0").refused("over-budget", "'critic'", "value", code=1)
    export(source, "--budget", "argmax=1").refused("over-budget", "argmax", code=1)
    export(source, "--budget", "probability=1,value=1,argmax=0").succeeded()


def test_over_budget_keeps_the_old_blob(export, source):
    export(source).succeeded()
    old = export(source).blob.read_bytes()
    assert export(source, "--budget", "value=0").blob.read_bytes() == old


def test_same_bytes_twice(tmp_path, source):
    outputs = []
    for i, threads in enumerate(("1", "2")):
        out, report = tmp_path / "same.blob", tmp_path / "same.json"
        done = run_tool(source, "-o", out, "--report", report, cwd=[tmp_path, "/"][i],
                        env=os.environ | {"OPENBLAS_NUM_THREADS": threads, "PYTHONHASHSEED": str(i)})
        assert done.returncode == 0, done.stderr
        outputs.append((out.read_bytes(), report.read_bytes(), done.stdout))
    assert outputs[0] == outputs[1]


def test_runs_from_any_directory_by_relative_name(tmp_path, source):
    relative = os.path.relpath(TOOL, tmp_path)
    done = subprocess.run([sys.executable, relative, "net.npz", "-o", "net.blob"], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0 and (tmp_path / "net.blob").exists(), done.stderr


def test_help_and_version():
    assert run_tool("--help").returncode == 0
    assert "weight_export" in run_tool("--version").stdout


def test_layout_is_json():
    layout = json.loads(run_tool("--print-layout").stdout)
    assert layout["header_bytes"] == 512 and layout["header"][0]["name"] == "magic"


def test_closed_stdout(tmp_path, source):
    """The table cannot be printed; the blob is complete, and the exit code says that something went wrong."""
    command = f"{sys.executable} {TOOL} {source} -o {tmp_path}/out.blob >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.returncode == 4 and "closed-output" in done.stderr and "Traceback" not in done.stderr, done.stderr
    read_blob(str(tmp_path / "out.blob"))


def test_full_stdout(tmp_path, source, full_device):
    done = subprocess.run([sys.executable, TOOL, source, "-o", tmp_path / "out.blob"], stdout=full_device,
                          stderr=subprocess.PIPE, text=True)
    assert done.returncode == 4 and "closed-output" in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_path_that_is_not_utf8(tmp_path, source):
    odd = os.fsencode(tmp_path) + b"/\xff.npz"
    os.link(source, odd)
    done = subprocess.run([sys.executable, TOOL, odd, "-o", os.fsencode(tmp_path) + b"/\xfe.blob", "--name", "n"],
                          capture_output=True)
    assert done.returncode == 0, done.stderr
    done = subprocess.run([sys.executable, TOOL, odd, "-o", os.fsencode(tmp_path) + b"/o.blob"], capture_output=True)
    assert done.returncode == 4 and b"bad-name" in done.stderr


def test_no_module_besides_numpy_and_the_standard_library(tmp_path, source):
    code = ("import sys; sys.argv = ['x']; sys.path.insert(0, %r)\nfrom weight_export.cli import main\n"
            "main([%r, '-o', %r])\n"
            "roots = {name.partition('.')[0] for name in sys.modules}\n"
            "print(sorted(roots - set(sys.stdlib_module_names) - {'numpy', 'weight_export', 'mtrand'}))")
    done = subprocess.run([sys.executable, "-S", "-c", "import site; site.main()\n" + code % (
        str(TOOL.parent), str(source), str(tmp_path / "o.blob"))], capture_output=True, text=True)
    extra = [name for name in eval(done.stdout.splitlines()[-1]) if not name.startswith(("_", "sitecustomize"))]
    assert "torch" not in extra and "scipy" not in extra, extra


def test_big_generation_is_exact(export, source):
    result = export(source, "--generation", 2**63 + 1)
    assert read_blob(result.blob).generation == 2**63 + 1
    assert np.frombuffer(result.blob.read_bytes(), "<u8", 1, 56)[0] == 2**63 + 1


def test_inputs_that_nothing_reads_are_noted(export, tmp_path):
    heads = small_head("actor") | small_head("critic", outputs=1)
    heads["actor.w1"][[2, 5, 7]] = 0
    heads["critic.w1"][[2, 5, 8]] = 0
    result = export(save_npz(tmp_path / "pruned.npz", heads))
    result.succeeded()
    assert "2 of 12 inputs have no weight in any head" in result.text
    assert "no weight" not in export(save_npz(tmp_path / "whole.npz", small_head("actor"))).text
