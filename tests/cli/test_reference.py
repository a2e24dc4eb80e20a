# SPDX-License-Identifier: Apache-2.0
"""`tickmlp certify --reference`: errors against the float32 blob of the same model, computed again here in numpy."""
import hashlib
import json
import math
import pathlib
import shutil

import numpy
import pytest

from small_models import export, network

LOOSE = ("--budget", "probability=1,value=1,argmax=0")


@pytest.fixture(scope="module")
def pair(folder):
    """The same model in both element types."""
    return [export(folder, f"pair-{dtype}", network(), "--dtype", dtype, "--window", "4x3", *LOOSE)
            for dtype in ("int8", "float32")]


@pytest.fixture
def certify(tickmlp, tmp_path):
    def run(blob, *options):
        done = tickmlp("certify", blob, "--scenario", "hot", "--samples", 100, "--runs", 1, "--epochs", 1, "--warm-up",
                       0, "--json", tmp_path / "c.json", *options)
        return done, json.loads((tmp_path / "c.json").read_text()) if done.returncode in (0, 1, 3) else None
    return run


def scores(tickmlp, tmp_path, blob, states):
    done = tickmlp("run", blob, "--input", states, "--output", tmp_path / "out.npy")
    assert done.returncode == 0, done.stderr
    return numpy.load(tmp_path / "out.npy").astype(float)


def billionths(error):
    return math.ceil(error * 1e9 * (1 - 1e-12))


def test_errors_and_agreement(tickmlp, certify, pair, states, tmp_path):
    int8, float32 = pair
    done, document = certify(int8, "--input", states, "--reference", float32)
    found = document["correctness"]["reference"]
    assert found["blob_sha256"] == hashlib.sha256(float32.read_bytes()).hexdigest()
    assert (found["name"], found["states"], found["same_source"]) == ("pair-float32", 300, True)
    seen, expected = (scores(tickmlp, tmp_path, blob, states) for blob in pair)
    side, value = found["heads"]
    differences = numpy.abs(seen - expected).max(axis=0)
    assert 0 < side["largest_error_ppb"] == billionths(differences[:3].max())
    assert value["largest_error_ppb"] == billionths(differences[3] / numpy.abs(expected[:, 3]).max())
    agreement = (seen[:, :3].argmax(axis=1) == expected[:, :3].argmax(axis=1)).sum()
    assert side["argmax_agreement_ppm"] == 1_000_000 * int(agreement) // 300 and value["argmax_agreement_ppm"] is None
    assert [head["activation"] for head in found["heads"]] == ["softmax", "identity"]
    assert "300 states against pair-float32, float32" in done.stdout


def test_the_model_itself_as_its_reference(certify, pair):
    _, document = certify(pair[1], "--reference", pair[1])
    found = document["correctness"]["reference"]
    assert found["same_source"] is True
    assert [head["largest_error_ppb"] for head in found["heads"]] == [0, 0]
    assert found["heads"][0]["argmax_agreement_ppm"] == 1_000_000


def test_the_float32_blob_beside_the_model_is_the_reference_by_default(certify, pair):
    _, given = certify(pair[0], "--reference", pair[1])
    done, document = certify(pair[0])
    found = document["correctness"]
    assert found["reference"] == given["correctness"]["reference"] and found["why_not_compared"] is None
    assert "8 states against pair-float32, float32" in done.stdout
    _, document = certify(pair[1])
    assert document["correctness"]["reference"] is None
    assert document["correctness"]["why_not_compared"] == "the model is float32 itself"


@pytest.mark.parametrize("beside, words", [
    (None, "no float32 blob of the same model beside it; --reference FLOAT32.blob names one"),
    ("other", "m-float32.blob was exported from another source"), ("five", "reference-shape: has 5 inputs"),
    ("int8", "reference-type: is int8"), ("garbage", "m-float32.blob")])
def test_what_lies_beside_and_is_no_reference_is_named(certify, pair, folder, tmp_path, beside, words):
    shutil.copy(pair[0], tmp_path / "m-int8.blob")
    make = {"other": lambda: export(folder, "beside", network(seed=6), "--dtype", "float32", "--window", "4x3"),
            "five": lambda: export(folder, "beside-5", network(inputs=5), "--dtype", "float32"),
            "int8": lambda: pair[0]}
    if beside == "garbage":
        (tmp_path / "m-float32.blob").write_bytes(b"no blob")
    elif beside is not None:
        shutil.copy(make[beside](), tmp_path / "m-float32.blob")
    done, document = certify(tmp_path / "m-int8.blob")
    assert document["correctness"]["reference"] is None and words in document["correctness"]["why_not_compared"]
    assert "not compared with a float32 model: " in done.stdout
    assert " ".join(words.split()) in " ".join(done.stdout.split()) or beside


def test_a_report_does_not_replace_what_lies_beside(tickmlp, pair):
    before = pair[1].read_bytes()
    done = tickmlp("certify", pair[0], "--html", pair[1])
    assert done.returncode in (2, 4) and pair[1].read_bytes() == before


def test_the_shape_of_each_head(tickmlp, certify, pair):
    _, document = certify(pair[0])
    inspected = json.loads(tickmlp("inspect", pair[0], "--json").stdout)["heads"]
    assert document["model"]["shapes"] == [{key: head[key] for key in ("name", "activation", "hidden", "outputs")}
                                           for head in inspected]


def test_what_the_exporter_measured_is_there_without_a_reference(tickmlp, certify, pair):
    _, document = certify(pair[0])
    stored = json.loads(tickmlp("inspect", pair[0], "--json").stdout)["accuracy"]
    accuracy = document["model"]["accuracy"]
    assert accuracy["states"] == stored["states"] and accuracy["clipped_inputs"] == stored["clipped_inputs"]
    for seen, expected in zip(accuracy["heads"], stored["heads"], strict=True):
        assert seen["name"] == expected["name"]
        assert seen["largest_error_ppb"] == billionths(expected["largest_error"])
        assert seen["mean_error_ppb"] == billionths(expected["mean_error"])
    assert accuracy["heads"][0]["largest_error_ppb"] > 0


def test_another_model_of_the_same_form_is_seen(certify, pair, folder):
    other = export(folder, "other-weights", network(seed=6), "--dtype", "float32", "--window", "4x3")
    done, document = certify(pair[0], "--reference", other)
    found = document["correctness"]["reference"]
    assert found["same_source"] is False and "WARNING: exported from another source" in done.stdout
    assert found["heads"][0]["largest_error_ppb"] > 10_000_000


@pytest.mark.parametrize("case, words", [
    ("int8", ["reference-type: is int8; expected a float32 model"]),
    ("shape", ["reference-shape: has 5 inputs, side 3 softmax, value 1 identity", "12 inputs"]),
    ("head", ["reference-shape", "other 3 softmax", "side 3 softmax"]),
    ("missing", ["cannot load", "none.blob"])])
def test_refused_by_name(tickmlp, pair, folder, tmp_path, case, words):
    renamed = {name.replace("side.", "other."): array for name, array in network().items()}
    reference = {"int8": lambda: pair[0], "missing": lambda: pathlib.Path("none.blob"),
                 "shape": lambda: export(folder, "five", network(inputs=5), "--dtype", "float32"),
                 "head": lambda: export(folder, "renamed", renamed, "--dtype", "float32")}[case]()
    done = tickmlp("certify", pair[0], "--reference", reference, "--json", tmp_path / "c.json")
    assert done.returncode == 4 and all(word in done.stderr for word in words), done.stderr
    assert not (tmp_path / "c.json").exists()


def test_a_state_without_an_output_is_refused(tickmlp, pair, tmp_path):
    values = numpy.zeros((3, 12), numpy.float32)
    values[1, 4] = numpy.nan
    numpy.save(tmp_path / "nan.npy", values)
    done = tickmlp("certify", pair[0], "--reference", pair[1], "--input", tmp_path / "nan.npy")
    assert done.returncode == 4 and "input state 1: non-finite-input" in done.stderr


def test_a_reference_that_overflows_is_refused(tickmlp, folder, tmp_path):
    """Unbounded hidden units: the float32 model leaves the range where the int8 one clips its inputs first."""
    arrays = {"value.w1": numpy.full((2, 4), 1e18, numpy.float32), "value.w2": numpy.full((4, 1), 1e18, numpy.float32),
              "value.clamp": numpy.array([0, numpy.inf], numpy.float32), "value.activation": numpy.array("identity")}
    blobs = [export(folder, f"large-{dtype}", arrays, "--dtype", dtype, "--ranges=-1e-3,1e-3", *LOOSE)
             for dtype in ("int8", "float32")]
    numpy.save(tmp_path / "s.npy", numpy.full((2, 2), 1e3, numpy.float32))
    done = tickmlp("certify", blobs[0], "--reference", blobs[1], "--input", tmp_path / "s.npy")
    assert done.returncode == 4 and "the reference" in done.stderr and "state 0: non-finite-output" in done.stderr


def test_a_report_does_not_replace_its_reference(tickmlp, pair):
    before = pair[1].read_bytes()
    done = tickmlp("certify", pair[0], "--reference", pair[1], "--json", pair[1])
    assert done.returncode in (2, 4) and pair[1].read_bytes() == before
