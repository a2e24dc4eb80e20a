# SPDX-License-Identifier: Apache-2.0
"""The whole cycle: what it publishes, and each cause that stops it, with its exit code."""
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import tempfile

import numpy
import pytest
import small_models
import training_cycle.cycle
from published import ANY_BUDGET, PLAIN
from training_cycle.causes import CAUSES
from weight_export.read_blob import read_blob

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_one_command(script, checkpoint, published):
    done = script(checkpoint(), "--folder", published.folder, "--name", "small", *PLAIN, "--run-id", "run-1")
    assert done.code == 0, done.errors
    assert published.generation() == 1 and done.text.startswith(published.line.strip() + " is current")
    assert read_blob(str(published.folder / published.line.strip())).run_id == "run-1"
    stages = re.findall(r"^\[(\d)/6\] ([\w-]+) ...$", done.errors, re.MULTILINE)
    assert stages == [(str(i + 1), name) for i, name in
                      enumerate(["export", "prove", "cross-check", "certify", "sign", "publish"])]


def test_json(cycle, published):
    report = cycle("--json", "--dtype", "float32").json
    assert report["ok"] is True and report["exit_code"] == 0 and report["dtype"] == "float32"
    assert report["published"]["file"] == published.line.strip() and report["generation"] == 1
    assert [stage["stage"] for stage in report["stages"]][2] == "cross-check"
    assert re.search(r"^\d+ kernels \(full and tick path\) give the integer model's bits on 256 states",
                     report["stages"][2]["result"])
    failed = cycle("--json", "--generation", "1")
    assert failed.json["error"]["name"] == "generation-too-low" and failed.json["exit_code"] == failed.code == 20


def test_generations_count_upwards(cycle, published):
    assert [cycle("--quiet", seed=seed).code for seed in (5, 6, 7)] == [0, 0, 0]
    assert published.generation() == 3
    assert cycle("--generation", "9").code == 0 and published.generation() == 9


def test_quiet(cycle):
    done = cycle("--quiet")
    assert done.code == 0 and done.errors == ""


def test_calibration_states_are_cross_checked_too(cycle, tmp_path):
    path = tmp_path / "states.npy"
    numpy.save(path, numpy.random.default_rng(2).uniform(-1, 1, (500, 12)).astype(numpy.float32))
    done = cycle("--json", "--calibration", path)
    assert done.code == 0 and done.json["stages"][2]["states"] == 1024


def test_keep(cycle, published):
    for seed in range(5, 9):
        assert cycle("--keep", "2", seed=seed).code == 0
    assert sorted(name.split("-")[1] for name in published.names() if name.endswith(".blob")) == ["3", "4"]


def test_without_publication(cycle, published):
    done = cycle("--no-publish")
    assert done.code == 0 and published.names() == [] and "not published as asked" in done.text


@pytest.mark.parametrize("words", [
    ["--keep", "1"], ["--keep", "-1"], ["--generation", "x"], ["--name", "a b"], ["--what"], ["--certify", "some"],
    ["--window", "4by3"], ["--certify", "smoke", "--core", "9999"]])
def test_wrong_usage(refused, words):
    refused("usage", 2, *words)


def test_bad_checkpoints(refused, checkpoint, tmp_path):
    bad = checkpoint(9, **{"side.w1": numpy.full((12, 20), numpy.nan, numpy.float32)})
    refused("bad-checkpoint", 10, source=bad, words=["weights-not-finite", "side.w1"])
    refused("bad-checkpoint", 10, source=tmp_path / "none.npz", words=["cannot-read"])
    refused("bad-checkpoint", 10, "--model", tmp_path / "none.json", words=["unused-description"])
    refused("bad-checkpoint", 10, "--calibration", tmp_path / "none.npy", words=["cannot-read", "none.npy"])
    refused("bad-checkpoint", 10, "--features", "a,b", words=["bad-features"])


def test_over_the_budget(refused):
    refused("over-budget", 11, "--budget", "probability=1e-9", words=["largest error", "1e-09"])


FLIP = """
done = subprocess.run([real, *words])
if words[0] == 'run' and {condition}:
    path = words[words.index('--output') + 1]
    outputs = numpy.load(path)
    outputs.view(numpy.uint32)[{place}] ^= 1
    numpy.save(path, outputs)
sys.exit(done.returncode)
"""


@pytest.mark.parametrize("condition, words", [
    ("True", ["int8-", "full path"]), ("'tick' in words", ["tick path"]), ("'int8-scalar' in words", ["int8-scalar"])])
def test_one_bit_of_one_kernel(refused, programs, condition, words):
    folder = programs(FLIP.format(condition=condition, place="700, 2"))
    refused("kernel-mismatch", 13, TICKMLP_BUILD=folder, words=["state 700, output 2", "(1 of 4096 outputs", *words])


def test_a_kernel_that_dies_or_gives_too_few(refused, programs):
    folder = programs("if 'int8-scalar' in words: os.kill(os.getpid(), 9)")
    refused("kernel-mismatch", 13, TICKMLP_BUILD=folder, words=["int8-scalar", "signal 9"])
    folder = programs("if words[0] == 'run':\n    numpy.save(words[words.index('--output') + 1], numpy.zeros((3, 4), "
                      "'f4'))\n    sys.exit(0)")
    refused("kernel-mismatch", 13, TICKMLP_BUILD=folder, words=["[3, 4]", "[1024, 4]"])


def test_a_wrong_blob_is_not_proven(refused, monkeypatch):
    """The exporter's own file, damaged before the next stage reads it."""
    whole = training_cycle.cycle.read_blob

    def damaged(path):
        data = bytearray(pathlib.Path(path).read_bytes())
        data[-1] ^= 1
        pathlib.Path(path).write_bytes(data)
        return whole(path)
    monkeypatch.setattr(training_cycle.cycle, "read_blob", damaged)
    refused("unproven-blob", 12, words=["digest"])


def test_certificate(cycle, published, tmp_path):
    """Not a machine set up for timing: INCONCLUSIVE is recorded and stops nothing."""
    done = cycle("--certify", "smoke", "--json", "--certificate", tmp_path / "c.json")
    assert done.code == 0, done.errors
    stage = done.json["stages"][3]
    certificate = json.loads((tmp_path / "c.json").read_text())
    assert stage["verdict"] == certificate["verdict"] == "INCONCLUSIVE" and stage["reasons"] == certificate["reasons"]
    assert certificate["model"]["blob_sha256"] == done.json["blob_sha256"]
    assert published.generation() == 1


def test_verdicts_that_stop_it(refused):
    refused("certify-failed", 16, "--certify", "smoke", "--latency-budget", "p99=1ns", words=["FAIL"])
    refused("certify-inconclusive", 17, "--certify", "smoke", "--require-pass", words=["no budget declared"])


def test_certify_that_ends_otherwise(refused, programs):
    folder = programs("if words[0] == 'certify': sys.exit('cannot read the clock')")
    refused("certify-failed", 16, "--certify", "smoke", TICKMLP_BUILD=folder, words=["cannot read the clock"])


def test_generation_too_low(refused, cycle):
    assert cycle("--generation", "4").code == 0
    refused("generation-too-low", 20, "--generation", "4", seed=6, words=["at least 5"])
    refused("generation-too-low", 20, "--generation", "3", words=["at least 5"])


def test_other_model(refused, cycle):
    assert cycle().code == 0
    refused("other-model", 24, "--name", "another", words=["another"])
    refused("other-model", 24, "--window", "3x4", words=["window 3x4"])


def test_race_lost(cycle, published, programs):
    """Somebody publishes while this cycle is at its cross-check."""
    assert cycle().code == 0
    other = published.folder.parent / "other.blob"
    small_models.export(other.parent, "other", small_models.network(8), "--name", "small", "--generation", "2",
                        "--window", "4x3", *ANY_BUDGET)
    folder = programs(f"if words[0] == 'kernels': subprocess.run([{published.program!r}, "
                      f"{str(published.folder)!r}, {str(other)!r}], stdout=subprocess.DEVNULL)")
    done = cycle(seed=9, TICKMLP_BUILD=folder)
    assert done.code == 22 and "error race-lost: " in done.errors
    assert published.generation() == 2
    assert (published.folder / published.line.strip()).read_bytes() == other.read_bytes()


def test_damaged_folder(refused, cycle, published):
    assert cycle().code == 0
    (published.folder / "current").write_text("nonsense\n")
    refused("damaged-folder", 27, words=["nonsense", "--repair"])
    assert cycle("--repair", seed=6).code == 0 and published.generation() == 2


def test_missing_folder_and_programs(cycle, published, tmp_path, refused, script):
    refused("missing-program", 4, TICKMLP_BUILD=str(tmp_path), words=["tickmlp is not there"])
    done = script("status", "--folder", published.folder, TICKMLP_BUILD=str(tmp_path))
    assert done.code == 4 and "tickmlp-publish in" in done.errors
    published.folder.rmdir()
    done = cycle()
    assert done.code == 25 and "error cannot-write: " in done.errors and "mkdir" in done.errors


@pytest.fixture
def full_disk(tmp_path):
    folder = tmp_path / "full"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", folder], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_full_disks(refused, cycle, published, full_disk, monkeypatch):
    """The published folder's, and the one where the stages keep their files."""
    assert cycle().code == 0
    monkeypatch.setattr(tempfile, "tempdir", str(full_disk))
    refused("cannot-write", 25)  # 16 KB hold the blob and not the states; numpy says how much was written
    (full_disk / "filler").write_bytes(bytes(16384))
    refused("cannot-write", 25, words=["No space left"])
    assert os.listdir(full_disk) == ["filler"]
    (full_disk / "filler").unlink()
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(published, "folder", full_disk)
    assert cycle().code == 0
    (full_disk / "filler").write_bytes(bytes(8192))
    refused("cannot-write", 25, seed=6, words=["No space left"])
    assert published.generation() == 1


def test_two_cycles_at_once(script, checkpoint, published):
    """Both begin with generation 1: one is whole, the other says that it came too late."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda seed: script(checkpoint(seed), "--folder", published.folder, "--name", "small",
                                                 *PLAIN), (5, 6)))
    codes = sorted(done.code for done in both)
    # They can also come one after the other, on a busy machine.
    assert codes in ([0, 22], [0, 0]), [done.errors for done in both]
    assert published.generation() == 1 + codes.count(0) - 1 and published.leftovers() == []


def test_causes_are_documented():
    """docs/TRAINING_CYCLE.md lists each with its exit code, and the C++ program's agree."""
    page = (ROOT / "docs" / "TRAINING_CYCLE.md").read_text()
    table = dict((name, int(code)) for code, name in re.findall(r"^\| (\d+) \| `([a-z-]+)` \|", page, re.MULTILINE))
    assert table == {name: code for name, (code, _) in CAUSES.items()}
    header = (ROOT / "tools" / "publish" / "cause.h").read_text()
    native = {name: int(code) for code, name in re.findall(r'Cause k\w+\{(\d+), "([a-z-]+)"\}', header)}
    assert len(native) == 12 and native.items() <= table.items()
