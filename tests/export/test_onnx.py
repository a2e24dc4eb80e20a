# SPDX-License-Identifier: Apache-2.0
"""ONNX models written with the onnx package: what they fold to, the ways to spell it, what is refused."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="python3-onnx is not installed: the models are written with it")

from onnx import TensorProto, helper  # noqa: E402
from onnx_files import B1, B2, LAYERS, W1, W2, WEIGHTS, model, node  # noqa: E402
from weight_export.errors import ExportError  # noqa: E402
from weight_export.onnx_graph import model_from_onnx  # noqa: E402
from weight_export.read_blob import read_blob  # noqa: E402


def ints(*numbers):
    return np.array(numbers, np.int64)


def folds_to(data, w1=W1, b1=B1, w2=W2, b2=B2, clamp=np.inf, activation="softmax", **more):
    """One head of exactly these weights (float32 as they are)."""
    (head,) = model_from_onnx(data, "m.onnx", **more).heads
    assert (head.clamp_high, head.activation) == (clamp, activation)
    for seen, wanted in ((head.w1, w1), (head.b1, b1), (head.w2, w2.T), (head.b2, b2)):
        assert np.array_equal(seen, wanted)


def test_export(export, tmp_path):
    path = tmp_path / "net.onnx"
    model(LAYERS, WEIGHTS, path)
    result = export(path, "--dtype", "float32", "--name", "net")
    result.succeeded()
    packed = read_blob(result.blob).packed
    assert np.array_equal(packed.w1[:, :20], W1) and np.array_equal(packed.start[:20], B1)
    assert np.array_equal(packed.heads[0].w2[:, :20], W2.T) and np.array_equal(packed.heads[0].start2, B2)


ZERO, SIX = np.float32(0), np.float32(6)
# name: (nodes, weights beside the four, opset, expected clamp)
SPELLINGS = {
    "MatMul and Add": ([("MatMul", "x w1", "m"), ("Add", "b1 m", "h"), *LAYERS[1:]], {}, 13, np.inf),
    "Gemm transposed, scaled": ([("Gemm", "x w1t b1h", "h", {"transB": 1, "beta": 2.0}), *LAYERS[1:]],
                                {"w1t": W1.T, "b1h": B1 / 2}, 13, np.inf),
    "Gemm with alpha": ([("Gemm", "x w1h b1", "h", {"alpha": 2.0}), *LAYERS[1:]], {"w1h": W1 / 2}, 13, np.inf),
    "Transpose of a constant": ([("Transpose", "w1t", "w", {"perm": [1, 0]}), ("Gemm", "x w b1", "h"), *LAYERS[1:]],
                                {"w1t": W1.T}, 13, np.inf),
    "Clip by inputs": ([LAYERS[0], ("Clip", "h low high", "r"), *LAYERS[2:]], {"low": ZERO, "high": SIX}, 13, 6),
    "Clip by attributes": ([LAYERS[0], ("Clip", "h", "r", {"min": 0.0, "max": 6.0}), *LAYERS[2:]], {}, 9, 6),
    "Clip without an upper bound": ([LAYERS[0], ("Clip", "h low", "r"), *LAYERS[2:]], {"low": ZERO}, 13, np.inf),
    "Max and Min": ([LAYERS[0], ("Max", "low h", "s"), ("Min", "s high", "r"), *LAYERS[2:]],
                    {"low": ZERO, "high": SIX}, 13, 6),
    "Relu and Clip": ([LAYERS[0], ("Relu", "h", "s"), ("Clip", "s . high", "r"), *LAYERS[2:]], {"high": SIX}, 13, 6),
    "Constants and Identity": ([("Constant", "", "w", {"value": onnx.numpy_helper.from_array(W1)}),
                                ("Identity", "w", "v"), ("Identity", "x", "u"), ("Gemm", "u v b1", "h"), *LAYERS[1:]],
                               {}, 13, np.inf),
    "Reshape, Flatten": ([("Reshape", "x to3", "a"), ("Flatten", "a", "b"), ("Reshape", "b to0", "c"),
                          ("Gemm", "c w1 b1", "h"), *LAYERS[1:]], {"to3": ints(-1, 3, 4), "to0": ints(0, 12)}, 13,
                         np.inf),
    "Split and Concat": ([("Split", "x sizes", "a b", {"axis": 1}), ("Concat", "a b", "c", {"axis": -1}),
                          ("Gemm", "c w1 b1", "h"), *LAYERS[1:]], {"sizes": ints(5, 7)}, 13, np.inf),
    "Split evenly": ([("Split", "x", "a b c", {"axis": 1}), ("Concat", "a b c", "d", {"axis": 1}),
                      ("Gemm", "d w1 b1", "h"), *LAYERS[1:]], {}, 11, np.inf),
    "Slice to the end": ([("Slice", "x zero end one", "a"), ("Slice", "a zero end one one", "b"),
                          ("Gemm", "b w1 b1", "h"), *LAYERS[1:]],
                         {"zero": ints(0), "end": ints(2**63 - 1), "one": ints(1)}, 13, np.inf),
    "Slice backwards, twice": (
        [("Slice", "x last first one back", "a"), ("Slice", "a last first one back", "b"), ("Gemm", "b w1 b1", "h"),
         *LAYERS[1:]], {"last": ints(-1), "first": ints(-2**63), "one": ints(1), "back": ints(-1)}, 13, np.inf),
    "Gather, Unsqueeze, Squeeze": (
        [("Unsqueeze", "x one", "a"), ("Gather", "a all", "b", {"axis": 2}), ("Squeeze", "b one", "c"),
         ("Gemm", "c w1 b1", "h"), *LAYERS[1:]], {"one": ints(1), "all": np.arange(12)}, 13, np.inf),
    "sizes that are calculated": (
        [("Shape", "x", "s"), ("Gather", "s zero", "n"), ("Mul", "n three", "n3"), ("Div", "n3 three", "n1"),
         ("Unsqueeze", "n1 axis", "n0"), ("Concat", "n0 rest", "t", {"axis": 0}), ("Cast", "t", "t7", {"to": 7}),
         ("Reshape", "x t7", "a"), ("Gemm", "a w1 b1", "h"), *LAYERS[1:]],
        {"zero": np.array(0), "three": np.array(3), "axis": ints(0), "rest": ints(-1)}, 13, np.inf),
    "softmax spelled out": (
        [*LAYERS[:3], ("ReduceMax", "z", "top", {"axes": [1]}), ("Sub", "z top", "d"), ("Exp", "d", "e"),
         ("ReduceSum", "e one", "t", {"keepdims": 1}), ("Div", "e t", "y")], {"one": ints(1)}, 13, np.inf),
    "Softmax of an old version": ([*LAYERS[:3], ("Softmax", "z", "y")], {}, 11, np.inf),
    "Dropout": ([*LAYERS[:2], ("Dropout", "r", "q"), ("Gemm", "q w2 b2", "z"), LAYERS[3]], {}, 13, np.inf),
}


@pytest.mark.parametrize("raw", [True, False], ids=["raw", "spelled out"])
@pytest.mark.parametrize("case", SPELLINGS)
def test_spellings(case, raw):
    nodes, more, opset, clamp = SPELLINGS[case]
    nodes = [entry if len(entry) == 4 else (*entry, {}) for entry in nodes]
    folds_to(model(nodes, WEIGHTS | more, opset=opset, raw=raw), clamp=clamp)


def test_softmax_of_an_old_version_runs_over_all_that_follows():
    """Up to 12 its axis is where flattening begins; from 13 it is one axis, which has to be that of the outputs."""
    nodes = [*LAYERS[:3], ("Softmax", "z", "y", {"axis": 0})]
    folds_to(model(nodes, WEIGHTS, opset=12))
    with pytest.raises(ExportError, match="over axis 0"):
        model_from_onnx(model(nodes, WEIGHTS, opset=13), "m.onnx")


def test_feature_weights_and_repeat():
    """x * f, concatenated with x: rows of W1 add up."""
    f, wide = np.arange(1, 13, dtype=np.float32) / 4, np.concatenate([W1, W1 * 2])
    data = model([("Mul", "x f", "a"), ("Concat", "a x", "b", {"axis": 1}), ("Gemm", "b wide b1", "h"), *LAYERS[1:]],
                 WEIGHTS | {"f": f, "wide": wide})
    folds_to(data, w1=f[:, None] * W1.astype(float) + 2 * W1.astype(float))


@pytest.mark.parametrize("shape, window", [
    (("n", 12), None), ((1, 12), None), ((32, 12), None), ((None, None), None), ((12,), None), (None, None),
    (("n", 4, 3), None), ((4, 3), (4, 3)), (("n", None, None), (4, 3))], ids=str)
def test_shapes_of_the_input(shape, window):
    """The first dimension beside others is the batch; an open width is found."""
    flat = shape is not None and (len(shape) == 3 or window)
    nodes = [("Reshape", "x to2", "f", {}), ("Gemm", "f w1 b1", "h", {}), *LAYERS[1:]] if flat else LAYERS
    if shape == (12,):
        nodes = [("MatMul", "x w1", "m", {}), ("Add", "m b1", "h", {}), LAYERS[1], ("MatMul", "r w2", "q", {}),
                 ("Add", "q b2", "z", {}), ("Softmax", "z", "y", {"axis": -1})]
    data = model(nodes, WEIGHTS | {"to2": ints(-1, 12)}, shape=shape)
    folds_to(data, window=window or (0, 0))


def test_two_heads_take_the_names_of_the_outputs():
    nodes = [*LAYERS, ("Gemm", "r v2", "value", {})]
    heads = model_from_onnx(model(nodes, WEIGHTS | {"v2": W2[:, :1]}, outputs=("y", "value")), "m").heads
    assert [head.name for head in heads] == ["head0", "value"] and heads[1].activation == "identity"


def test_weights_listed_as_inputs_too():
    folds_to(model(LAYERS, WEIGHTS, inputs={"x": ("n", 12), "w1": (12, 20), "w2": (20, 3)}))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, "bfloat16"], ids=str)
@pytest.mark.parametrize("raw", [True, False], ids=["raw", "spelled out"])
def test_element_types(kind, raw):
    if kind == "bfloat16":
        bits = (W1.view(np.uint32) >> 16).astype(np.uint16)
        w1 = helper.make_tensor("w1", TensorProto.BFLOAT16, W1.shape, bits.tobytes(), raw=True)
        if not raw:
            w1.ClearField("raw_data")
            w1.int32_data.extend(bits.reshape(-1).tolist())
        exact = (bits.astype(np.uint32) << 16).view(np.float32).reshape(W1.shape)
    else:
        w1 = exact = (W1.astype(np.float64) / 3).astype(kind)
    data = model(LAYERS, WEIGHTS | {"w1": w1}, raw=raw)
    folds_to(data, w1=exact.astype(np.float64))
    assert any("float64" in note for note in model_from_onnx(data, "m").notes) == (kind is np.float64)


REFUSED = {
    "sigmoid": ([LAYERS[0], ("Sigmoid", "h", "r", {}), *LAYERS[2:]], {}, "unsupported-activation", "Sigmoid", "node_r"),
    "tanh output": ([*LAYERS[:3], ("Tanh", "z", "y", {})], {}, "unsupported-activation", "Tanh", "node_y"),
    "leaky": ([LAYERS[0], ("LeakyRelu", "h", "r", {}), *LAYERS[2:]], {}, "unsupported-activation", "LeakyRelu"),
    "convolution": ([("Conv", "x w1", "y", {})], {}, "unsupported-operation", "Conv", "node_y"),
    "batch norm": ([LAYERS[0], ("BatchNormalization", "h b1 b1 b1 b1", "y", {})], {}, "unsupported-operation",
                   "BatchNormalization"),
    "three layers": ([*LAYERS[:3], ("Relu", "z", "s", {}), ("Gemm", "s w3", "y", {})], {"w3": W2.T},
                     "three-layers", "relu", "node_s"),
    "one layer": ([("Gemm", "x w1 b1", "y", {})], {}, "one-layer"),
    "softmax of one layer": ([("Gemm", "x w1 b1", "h", {}), ("Softmax", "h", "y", {})], {}, "one-layer", "node_y"),
    "skip": ([*LAYERS[:2], ("MatMul", "r w2", "z", {}), ("MatMul", "x s", "k", {}), ("Add", "z k", "y", {})],
             {"s": W1[:, :3]}, "not-two-layer"),
    "product of inputs": ([("Mul", "x x", "a", {}), ("Gemm", "a w1 b1", "y", {})], {}, "not-two-layer", "node_a"),
    "clamp from below 0": ([LAYERS[0], ("Clip", "h low", "r", {}), *LAYERS[2:]], {"low": np.float32(-1)},
                           "unsupported-clamp", "node_r"),
    "transposed": ([("Gemm", "x w1t b1", "h", {}), *LAYERS[1:]], {"w1t": W1.T}, "wrong-shape", "node_h"),
    "bias of another size": ([("Gemm", "x w1 b2", "h", {}), *LAYERS[1:]], {}, "wrong-shape", "node_h"),
    "missing layer": (LAYERS[1:], {}, "damaged-onnx", "'h'"),
    "missing weights": ([("Gemm", "x w9 b1", "h", {}), *LAYERS[1:]], {}, "damaged-onnx", "'w9'"),
    "made twice": ([LAYERS[0], *LAYERS], {}, "damaged-onnx", "again"),
    "no such output": (LAYERS[:3], {}, "damaged-onnx", "'y'"),
    "NaN": (LAYERS, {"w1": np.where(W1 == W1[2, 3], np.float32("nan"), W1)}, "weights-not-finite", "w1", "[2, 3]"),
    "whole numbers": (LAYERS, {"w1": TensorProto(name="w1", dims=[2], data_type=8)}, "unsupported-tensor", "type 8"),
    "training": ([*LAYERS[:2], ("Dropout", "r b t", "q", {}), ("Gemm", "q w2", "y", {})],
                 {"b": np.float32(0.5), "t": np.array(True)}, "training-mode", "dropout", "node_q"),
    "a branch": ([("If", "x", "y", {})], {}, "unsupported-operation", "If"),
    "unknown attribute": ([("Gemm", "x w1 b1", "h", {"gamma": 1.0}), *LAYERS[1:]], {}, "wrong-shape", "gamma"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(export, tmp_path, case):
    nodes, more, name, *words = REFUSED[case]
    model(nodes, WEIGHTS | more, tmp_path / "m.onnx")
    result = export(tmp_path / "m.onnx")
    result.refused(name, *words)
    assert not result.blob.exists()


def test_operation_of_another_domain(export, tmp_path):
    odd = node("Gemm", "x w1 b1", "h")
    odd.domain = "com.microsoft"
    model([odd, *LAYERS[1:]], WEIGHTS, tmp_path / "m.onnx")
    export(tmp_path / "m.onnx").refused("unsupported-operation", "com.microsoft.Gemm")


@pytest.mark.parametrize("opset", [6, 24])
def test_other_operation_sets(opset):
    with pytest.raises(ExportError, match=f"\\[{opset}\\], expected one of 7 .. 23"):
        model_from_onnx(model(LAYERS, WEIGHTS, opset=opset), "m.onnx")


def test_a_description_is_refused(export, tmp_path):
    model(LAYERS, WEIGHTS, tmp_path / "m.onnx")
    (tmp_path / "d.json").write_text("{}")
    export(tmp_path / "m.onnx", "--model", tmp_path / "d.json").refused("unused-description", "onnx")


def test_external_data(export, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # old versions of the package write the other file there
    made = onnx.load_from_string(model(LAYERS, WEIGHTS))
    onnx.save(made, tmp_path / "m.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    export(tmp_path / "m.onnx").refused("external-data", "another file")
