# SPDX-License-Identifier: Apache-2.0
"""diff on changes that are known."""
import numpy
import pytest
from published import ANY_BUDGET
from small_models import export, network
from training_cycle.diff import real_weights
from weight_export.read_blob import read_blob

OPTIONS = ("--window", "4x3", *ANY_BUDGET)


@pytest.fixture
def diff(after_training):
    def run(a, b, *options):
        done = after_training("diff", a, b, "--json", *options)
        assert done.code == 0, done.errors
        return done.json
    return run


def blob(folder, name, change=lambda arrays: None, *options, seed=5):
    arrays = network(seed)
    change(arrays)
    return export(folder, name, arrays, *OPTIONS, "--name", "small", *options)


def test_the_same(diff, after_training, tmp_path):
    a, b = blob(tmp_path, "a"), blob(tmp_path, "b")
    report = diff(a, b)
    assert report["same"] is True and report["header"] == []
    for head in report["heads"]:
        assert head["outputs"]["largest"] == 0 and not any(part["changed"] for part in head["weights"].values())
    assert "the same weights and header" in after_training("diff", a, b).text


def test_one_weight_of_layer_2(diff, tmp_path):
    def change(arrays):
        arrays["side.w2"][3, 1] += numpy.float32(0.25)
    report = diff(blob(tmp_path, "a"), blob(tmp_path, "b", change))
    side, value = report["heads"]
    assert side["weights"]["w2"]["changed"] == 1 and side["weights"]["w2"]["largest"] == pytest.approx(0.25, rel=1e-6)
    assert side["weights"]["w2"]["mean"] == pytest.approx(0.25 / 60, rel=1e-6)
    assert side["weights"]["w1"]["changed"] == 0 and side["outputs"]["largest"] > 0
    assert value["outputs"]["largest"] == 0 and not any(part["changed"] for part in value["weights"].values())
    assert report["header"] == ["source_sha256"] and report["same"] is False


def test_float32_weights_come_back_as_they_were_given(tmp_path):
    packed = read_blob(str(blob(tmp_path, "a", lambda arrays: None, "--dtype", "float32"))).packed
    weights, arrays = real_weights(packed, packed.heads[0]), network(5)
    assert numpy.array_equal(weights["w1"], arrays["side.w1"]) and numpy.array_equal(weights["b1"], arrays["side.b1"])
    assert numpy.array_equal(weights["w2"], arrays["side.w2"].T) and not weights["b2"].any()


def test_int8_weights_are_within_half_a_step(tmp_path):
    """Undone: scale, folded input scale, shift compensation. A carried rounding error adds up to three quarters."""
    packed = read_blob(str(blob(tmp_path, "a"))).packed
    weights, arrays = real_weights(packed, packed.heads[0]), network(5)
    step = packed.lane_scale[:20].astype(float)
    steps = step * packed.input_scale.astype(float)[:, None]
    assert numpy.all(numpy.abs(weights["w1"] - arrays["side.w1"]) <= 1.25 * steps * (1 + 1e-6))
    assert numpy.all(numpy.abs(weights["b1"] - arrays["side.b1"]) <= 0.5 * step * (1 + 1e-6))


def test_twice_the_scale(diff, tmp_path):
    """Weights of layer 1 doubled: the same codes, lane scales twice as large."""
    def change(arrays):
        arrays["side.w1"] *= 2
        arrays["side.b1"] *= 2
    report = diff(blob(tmp_path, "a"), blob(tmp_path, "b", change))
    assert report["scales"]["lane_scale"] == pytest.approx(2, rel=1e-6) and report["scales"]["input_scale"] == 1
    assert report["heads"][0]["weights"]["w1"]["relative"] == pytest.approx(1, rel=1e-6)


def test_ranges(diff, tmp_path):
    report = diff(blob(tmp_path, "a"), blob(tmp_path, "b", lambda arrays: None, "--ranges", "-4,4"))
    assert report["scales"]["input_scale"] == pytest.approx(4) and "ranges" in report["header"]


def test_between_element_types(diff, tmp_path):
    """float32 against int8: what quantisation changed."""
    report = diff(blob(tmp_path, "a", lambda arrays: None, "--dtype", "float32"), blob(tmp_path, "b"))
    assert "dtype" in report["header"] and report["scales"] == {"input_scale": None, "lane_scale": None}
    assert 0 < report["heads"][0]["weights"]["w1"]["relative"] < 0.02
    assert report["heads"][0]["outputs"]["argmax_agreement"] == 1


def test_outputs_are_those_of_the_golden_states_of_both(diff, tmp_path):
    a, b = blob(tmp_path, "a"), blob(tmp_path, "b", seed=6)
    report = diff(a, b)
    one, other = read_blob(str(a)), read_blob(str(b))
    assert numpy.array_equal(one.golden_inputs, other.golden_inputs)
    expected = numpy.abs(one.golden_outputs.astype(float) - other.golden_outputs)[:, :3]
    assert report["heads"][0]["outputs"]["largest"] == expected.max() and report["heads"][0]["outputs"]["states"] == 8


def test_other_hidden_units_and_other_outputs(diff, after_training, tmp_path):
    a = blob(tmp_path, "a")
    smaller = network()
    for key in ("side.w1", "side.b1"):
        smaller[key] = smaller[key][..., :16]
    smaller["side.w2"] = smaller["side.w2"][:16]
    report = diff(a, export(tmp_path, "b", smaller, *OPTIONS))
    assert report["heads"][0]["weights"] is None and report["heads"][0]["outputs"]["largest"] > 0
    assert "another shape" in after_training("diff", a, tmp_path / "b.blob").text
    wider = export(tmp_path, "c", network(inputs=16), *ANY_BUDGET)
    done = after_training("diff", a, wider)
    assert done.code == 30 and "error not-comparable: " in done.errors


def test_generations_of_a_folder(diff, cycle, after_training, published):
    for seed in (5, 6):
        assert cycle(seed=seed).code == 0
    report = diff("previous", "current", "--folder", published.folder)
    assert [report[side]["generation"] for side in "ab"] == [1, 2]
    assert diff(1, 2, "--folder", published.folder) == report
    assert after_training("diff", 1, 7, "--folder", published.folder).code == 28


def test_files_that_are_no_blobs(after_training, tmp_path):
    """The one of the two that is none is named, once."""
    good, damaged = blob(tmp_path, "good"), tmp_path / "damaged"
    (tmp_path / "x").write_text("x")
    damaged.write_bytes(good.read_bytes()[:-1] + b"x")
    for path in (tmp_path / "x", tmp_path / "none", tmp_path, damaged):
        for words in ((good, path), (path, good)):
            done = after_training("diff", *words)
            assert done.code == 4 and done.errors.startswith("after_training: error refused-input: "), done.errors
            assert done.errors.count(str(path)) == 1 and str(good) not in done.errors, done.errors
