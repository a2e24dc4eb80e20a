# SPDX-License-Identifier: Apache-2.0
"""ONNX models whose weights are int8 behind DequantizeLinear: the blob has the same codes and scales. Quantised values
are left out, and everything but symmetric weights is refused."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="python3-onnx is not installed: the models are written with it")

import onnx_files  # noqa: E402
from test_quantised import B1, CODES, HIDDEN, LENIENT, SCALES, W2, kept, with_lowest  # noqa: E402
from weight_export.read_blob import read_blob  # noqa: E402


def onnx_model(nodes=(), before=(), source="x", **weights):
    layers = [("DequantizeLinear", "codes scales zeros", "w1", {"axis": 0}),
              ("Gemm", f"{source} w1 b1", "h", {"transB": 1}), ("Relu", "h", "r", {}),
              ("Gemm", "r w2", "z", {"transB": 1}), ("Softmax", "z", "y", {"axis": 1})]
    return onnx_files.model([*before, *(nodes or layers)], {
        "codes": CODES, "scales": SCALES, "zeros": np.zeros(HIDDEN, np.int8), "b1": B1, "w2": W2} | weights)


@pytest.fixture
def run_onnx(export, tmp_path):
    def run(data, *options):
        (tmp_path / "q.onnx").write_bytes(data)
        return export(tmp_path / "q.onnx", *LENIENT, *options)
    return run


def test_onnx_per_channel(run_onnx):
    kept(run_onnx(onnx_model()), SCALES)


def test_onnx_transposed_and_per_tensor(run_onnx):
    data = onnx_model([("DequantizeLinear", "codes scale", "w", {}), ("Transpose", "w", "wt", {"perm": [1, 0]}),
                       ("MatMul", "x wt", "m", {}), ("Add", "m b1", "h", {}), ("Relu", "h", "r", {}),
                       ("MatMul", "r w2t", "y", {})], scale=np.array(SCALES[0]), w2t=W2.T)
    kept(run_onnx(data), SCALES[:1])


def test_onnx_scaled_by_a_constant(run_onnx):
    """One factor for all weights of a lane goes into its scale."""
    data = onnx_model([("DequantizeLinear", "codes scales zeros", "w", {"axis": 0}), ("Mul", "w half", "w1", {}),
                       ("Gemm", "x w1 b1", "h", {"transB": 1}), ("Relu", "h", "r", {}),
                       ("Gemm", "r w2", "y", {"transB": 1})], half=np.float32(0.5))
    kept(run_onnx(data), SCALES / 2)


def test_onnx_quantised_values_are_left_out(run_onnx):
    """QDQ around the input gives its range, and everything else stays float32, which a note says."""
    before = [("QuantizeLinear", "x sx zx", "q", {}), ("DequantizeLinear", "q sx zx", "xq", {})]
    data = onnx_model(before=before, source="xq", sx=np.array(0.0125, np.float32), zx=np.array(0, np.int8))
    result = run_onnx(data)
    kept(result, SCALES, high=float(np.float32(0.0125)) * 127)
    assert "1 QuantizeLinear/DequantizeLinear pairs" in result.text
    kept(run_onnx(data, "--ranges=-1,1"), SCALES)


def test_onnx_bias_as_int32(run_onnx):
    codes = np.rint(B1 / (SCALES * 0.01)).astype(np.int32)
    data = onnx_model(before=[("DequantizeLinear", "bias bscale", "b", {"axis": 0})], nodes=[
        ("DequantizeLinear", "codes scales zeros", "w1", {"axis": 0}), ("Gemm", "x w1 b", "h", {"transB": 1}),
        ("Relu", "h", "r", {}), ("Gemm", "r w2", "y", {"transB": 1})], bias=codes, bscale=(SCALES * 0.01))
    result = run_onnx(data)
    result.succeeded()
    packed = read_blob(result.blob).packed
    bias = codes * (SCALES * 0.01).astype(np.float64)
    unit = packed.lane_scale[:HIDDEN].astype(np.float64)
    assert np.array_equal(packed.start[:HIDDEN], np.rint(bias / unit) - 128 * CODES.astype(np.int64).sum(axis=1))


QDQ = [("QuantizeLinear", "x sx zx", "q", {}), ("DequantizeLinear", "q sy zx", "xq", {})]
ONNX_REFUSED = {
    "zero points": (lambda: onnx_model(zeros=np.full(HIDDEN, 2, np.int8)), "unsupported-quantisation", "zero point 2"),
    "uint8": (lambda: onnx_model(codes=CODES.view(np.uint8), zeros=np.zeros(HIDDEN, np.uint8)),
              "unsupported-quantisation", "uint8"),
    "lowest code": (lambda: onnx_model(codes=with_lowest()), "unsupported-quantisation", "128"),
    "another scale": (lambda: onnx_model(before=QDQ, source="xq", sx=np.float32(0.1), sy=np.float32(0.2),
                                         zx=np.array(0, np.int8)), "unsupported-quantisation", "another scale"),
    "codes used": (lambda: onnx_model(before=QDQ[:1], source="q", sx=np.float32(0.1), zx=np.array(0, np.int8)),
                   "not-two-layer", "Coded"),
    "per channel, a value": (lambda: onnx_model(before=QDQ[:1], source="q", sx=SCALES[:12], zx=np.zeros(12, np.int8)),
                             "unsupported-quantisation", "several scales"),
    "quantised here": (lambda: onnx_model(before=[("QuantizeLinear", "b1 sx zx", "q", {})], sx=np.float32(0.1),
                                          zx=np.array(0, np.int8)), "unsupported-quantisation", "a constant"),
    "feature weights": (lambda: onnx_model(before=[("Mul", "x f", "xf", {})], source="xf",
                                           f=np.arange(1, 13, dtype=np.float32)), "quantised-folded", "feature"),
    "an input scale past its limits": (lambda: onnx_model(before=QDQ[:1], source="q", sx=np.float32(1e-35),
                                                          zx=np.array(0, np.int8)), "range-out-of-limits", "e-33"),
    "integer product": (lambda: onnx_model([("MatMulInteger", "x codes", "y", {})]), "unsupported-operation",
                        "MatMulInteger"),
}


@pytest.mark.parametrize("case", ONNX_REFUSED)
def test_onnx_refusals(run_onnx, case):
    build, name, *words = ONNX_REFUSED[case]
    run_onnx(build()).refused(name, *words)


def test_onnx_changed_codes_can_be_requantised(run_onnx):
    run_onnx(ONNX_REFUSED["feature weights"][0](), "--requantise").succeeded()
