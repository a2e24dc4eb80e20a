# SPDX-License-Identifier: Apache-2.0
"""The ONNX operations a network may use, brought to torch's, which script_ops.py carries out on affine values."""

from __future__ import annotations

from typing import Any

from .affine import Affine
from .closing import Maximum
from .errors import ExportError
from .onnx_quantised import QuantisedOperations
from .onnx_reader import OWN_DOMAINS, Node
from .onnx_shape_ops import WHOLE, ShapeOperations, is_whole, whole_arithmetic, whole_list
from .script_linear import as_affine
from .shape_ops import number
from .widths import UNKNOWN

ACTIVATIONS = {"Sigmoid", "Tanh", "Gelu", "Elu", "Selu", "Celu", "LeakyRelu", "PRelu", "ThresholdedRelu", "HardSigmoid",
               "HardSwish", "Softplus", "Softsign", "LogSoftmax", "Hardmax", "Mish", "Erf", "Sin", "Cos", "Sqrt", "Log",
               "Pow", "Abs", "QuickGelu", "FastGelu"}
SOFTMAX_BY_AXIS = 13  # the version from which Softmax runs along one axis alone


class OnnxOperations(ShapeOperations, QuantisedOperations):
    """`call` is the one entry: a method do_name carries out ONNX's Name, with its inputs (None for one left out) and
    its attributes. Each gives one value, or a list for several outputs."""

    def call(self, node: Node, inputs: list[Any]) -> Any:
        """Errors: unsupported-operation, unsupported-activation, any of a network's."""
        handler = getattr(self, "do_" + node.operation.lower(), None)
        if node.domain not in OWN_DOMAINS or handler is None:
            known = node.operation in ACTIVATIONS
            raise ExportError("unsupported-activation" if known else "unsupported-operation",
                              f"{node.domain + '.' if node.domain else ''}{node.operation}, expected "
                              + ("clamp, ReLU, softmax" if known else "an operation of a two-layer network"))
        if any(value is UNKNOWN for value in inputs):
            return UNKNOWN
        if node.operation in WHOLE and len(inputs) == 2 and all(map(is_whole, inputs)):
            return whole_arithmetic(node.operation, *inputs)
        self.node = node
        return handler(*inputs, **node.attributes)

    # What is affine.

    def do_matmul(self, a: Any, b: Any) -> Any:
        return self.torch("matmul", a, b)

    def do_gemm(self, a: Any, b: Any, c: Any = None, alpha: float = 1.0, beta: float = 1.0, transA: int = 0,
                transB: int = 0) -> Any:
        a, b = (self.torch("t", value) if flip else value for value, flip in ((a, transA), (b, transB)))
        product = self.torch("matmul", a, b)
        if product is UNKNOWN:
            return UNKNOWN
        product = product if alpha == 1 else self.torch("mul", product, float(alpha))
        return product if c is None else self.torch("add", product, c, alpha=float(beta))

    def do_add(self, a: Any, b: Any) -> Any:
        return self.torch("add", a, b)

    def do_sub(self, a: Any, b: Any) -> Any:
        return self.torch("sub", a, b)

    def do_mul(self, a: Any, b: Any) -> Any:
        return self.torch("mul", a, b)

    def do_div(self, a: Any, b: Any) -> Any:
        return self.torch("div", a, b)

    def do_neg(self, a: Any) -> Any:
        return self.torch("neg", a)

    def do_sum(self, *values: Any) -> Any:
        total = values[0]
        for value in values[1:]:
            total = self.torch("add", total, value)
        return total

    # What closes a layer.

    def do_relu(self, x: Any) -> Any:
        return self.torch("relu", x)

    def do_clip(self, x: Any, low: Any = None, high: Any = None, min: Any = None, max: Any = None) -> Any:  # noqa: A002
        return self.torch("clamp", x, min if low is None else low, max if high is None else high)

    def do_max(self, a: Any, b: Any) -> Any:
        value, bound = (b, a) if isinstance(a, Affine) and a.constant else (a, b)
        return self.torch("clamp", value, number(bound), None)

    def do_min(self, a: Any, b: Any) -> Any:
        value, bound = (b, a) if isinstance(a, Affine) and a.constant else (a, b)
        return self.torch("clamp", value, None, number(bound))

    def do_softmax(self, x: Any, axis: int | None = None) -> Any:
        if self.opset >= SOFTMAX_BY_AXIS:
            return self.torch("softmax", x, -1 if axis is None else axis)
        # Over everything from `axis` on, as one: the same as one axis where all others of those have one element.
        shape = as_affine(x).shape
        first = (1 if axis is None else axis) % max(1, len(shape))
        places = [i for i in range(first, len(shape)) if shape[i] != 1]
        if len(places) > 1:
            raise ExportError("not-two-layer", f"softmax over several axes of {list(shape)}, expected one")
        return self.torch("softmax", x, places[0] if places else -1)

    # A softmax spelled out.

    def do_exp(self, x: Any) -> Any:
        return self.torch("exp", x)

    def do_reducemax(self, x: Any, listed: Any = None, axes: Any = None, keepdims: int = 1,
                     noop_with_empty_axes: int = 0) -> Any:
        dims = self.axes(listed, axes)
        if not dims:
            return x if noop_with_empty_axes else Maximum(as_affine(x), None, False)
        return self.torch("amax", x, dims, bool(keepdims))

    def do_reducesum(self, x: Any, listed: Any = None, axes: Any = None, keepdims: int = 1,
                     noop_with_empty_axes: int = 0) -> Any:
        dims = self.axes(listed, axes)
        return x if not dims and noop_with_empty_axes else self.torch("sum", x, dims or None, bool(keepdims))

    # What changes nothing here.

    def do_identity(self, x: Any) -> Any:
        return x

    def do_dropout(self, x: Any, ratio: Any = None, training: Any = None, seed: int = 0, is_test: int = 1) -> Any:
        return self.torch("dropout", x, 0.5, training is not None and bool(number(training)))

    @staticmethod
    def axes(listed: Any, attribute: list[int] | None) -> list[int]:
        """Axes are an attribute in older operation sets and an input in newer ones; both may be left out."""
        return whole_list(listed) if listed is not None else attribute or []
