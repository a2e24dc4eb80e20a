# SPDX-License-Identifier: Apache-2.0
"""Source: an ONNX model. Its nodes are carried out in order, on affine values, as TorchScript's code is."""

from __future__ import annotations

import math
from typing import Any

from .affine import Affine, identity, variables
from .budget import Budget
from .closing import Outputs
from .errors import ExportError
from .layout import MAX_INPUTS
from .model import Model
from .onnx_ops import OnnxOperations
from .onnx_reader import Graph, Node, read_onnx
from .quantised import keep_codes
from .script_heads import SeenNames, check_batch, flatten_returned, heads_from_outputs, name_heads
from .script_ops import Operations
from .widths import UNKNOWN, WidthFound, Widths

FAULTS = (ValueError, IndexError, TypeError, KeyError, ZeroDivisionError, OverflowError, AttributeError)
# 2 GB of float64. A network of 4096 inputs and 8192 lanes takes some 2^26.5.
MAX_LIVE = 1 << 28


def model_from_onnx(data: bytes, path: str, window: tuple[int, int] = (0, 0), requantise: bool = False) -> Model:
    """`window` settles a width that the file leaves open. With `requantise` int8 weights count as plain numbers.
    Errors: those of read_onnx, any of a network's, unsupported-quantisation, quantised-folded."""
    graph = read_onnx(data, path)
    if not graph.inputs or not graph.outputs:
        raise ExportError("damaged-onnx", f"{path} has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs, "
                          "expected at least one of each")
    model, names, operations = _fold(graph, window, False)
    if operations.codes and not requantise:
        units, _, _ = _fold(graph, window, True)
        keep_codes(model, units, [bool(name.layer1 & operations.codes.keys()) for name in names])
    if operations.doubles:
        model.notes.append("weights are float64: rounded to float32 once, after folding")
    if operations.left_out:
        model.notes.append(f"{operations.left_out} QuantizeLinear/DequantizeLinear pairs around calculated values are "
                           "left out: inputs are quantised by the blob's own ranges, hidden units stay float32")
    model.input_range = operations.input_range
    return model


def _fold(graph: Graph, window: tuple[int, int], units: bool) -> tuple[Model, list[SeenNames], OnnxOperations]:
    """Evaluate until every width is known: each evaluation finds one more."""
    shapes = [_one_state(name, shape, window) for name, shape in graph.inputs.items()]
    known = [None if shape[-1] is None else math.prod(shape) for shape in shapes]
    for _ in range(2 * len(known) + 2):
        widths = Widths(known)
        inputs = [identity(basis, tuple(shape[:-1]) + (basis.size // math.prod(shape[:-1]),))
                  for basis, shape in zip(widths.bases, shapes)]
        operations = OnnxOperations(Operations(widths, Budget()), graph.opset)
        operations.units = units
        try:
            values = _evaluate(graph, dict(zip(graph.inputs, inputs)), operations)
        except WidthFound as found:
            known[found.argument] = found.width
            continue
        parts = [(name, values[name]) for name in graph.outputs]
        if None in known or any(value is UNKNOWN for _, value in parts):
            break
        if all(shape[0] == 1 and len(shape) > 1 for shape in shapes):
            check_batch(parts)
        heads, names = heads_from_outputs(
            [part for name, value in parts for part in flatten_returned(value, [], name)], widths.bases)
        name_heads(heads, names)
        sizes = [basis.size for basis in widths.bases]
        return Model(sum(sizes), heads, argument_widths=sizes), names, operations
    name = list(graph.inputs)[known.index(None) if None in known else 0]
    raise ExportError("unknown-width", f"the shape of input {name!r} is open and meets no constant that tells its "
                      "width, expected a first layer (or --window)")


def _one_state(name: str, shape: list[int | None] | None, window: tuple[int, int]) -> list[int | None]:
    """The shape with one state in it: a first dimension beside others is the batch. An open last dimension is None."""
    if shape is None or shape == []:
        shape = [None, None]
    if window != (0, 0) and tuple(shape) == window:
        return list(shape)
    single = [1, *shape[1:]] if len(shape) > 1 else list(shape)
    if None in single[-2 if len(single) > 2 else -1:] and window != (0, 0):
        single[1 if len(single) > 1 else 0:] = list(window) if len(single) == 3 else [window[0] * window[1]]
    if any(size is None or not 1 <= size <= MAX_INPUTS for size in single[:-1]) or single[-1] is not None and not (
            1 <= single[-1] <= MAX_INPUTS) or math.prod(size or 1 for size in single) > MAX_INPUTS:
        raise ExportError("unknown-width", f"input {name!r} has the shape {shape}, expected [n, inputs] with at most "
                          f"{MAX_INPUTS} inputs, [n, rows, columns], or [inputs] (or --window)")
    return single


class Values:
    """Values by name between two nodes: each is made once, and forgotten after its last use."""

    def __init__(self, graph: Graph) -> None:
        self.last_use = {name: place for place, node in enumerate(graph.nodes)
                         for name in (*node.outputs, *node.inputs)}
        self.last_use.update({name: len(graph.nodes) for name in graph.outputs})
        self.made: set[str] = set()
        self.kept: dict[str, Any] = {}
        self.live = 0

    def add(self, name: str, value: Any) -> None:
        """Errors: damaged-onnx for a name that is taken, model-too-large."""
        if name in self.made:
            raise ExportError("damaged-onnx", f"{name!r} is made again, expected each value made once")
        self.made.add(name)
        self.kept[name] = value
        self.live += _coefficients(value)
        if self.live > MAX_LIVE:
            raise ExportError("model-too-large", f"the values in use at one time have {self.live} coefficients, "
                              f"expected at most {MAX_LIVE}")

    def take(self, name: str) -> Any:
        if name not in self.kept:
            raise ExportError("damaged-onnx", f"{name!r} is read, which nothing before makes, expected nodes in order")
        return self.kept[name]

    def forget(self, place: int, node: Node) -> None:
        for name in {*node.inputs, *node.outputs}:
            if self.last_use[name] == place and name in self.kept:
                self.live -= _coefficients(self.kept.pop(name))


def _coefficients(value: Any) -> int:
    return math.prod(value.shape) * (1 + variables(value)) if isinstance(value, Affine) else 0


def _evaluate(graph: Graph, inputs: dict[str, Affine], operations: OnnxOperations) -> dict[str, Any]:
    """The outputs by name."""
    values = Values(graph)
    operations.budget.charge(len(graph.weights))
    for name, array in graph.weights.items():
        values.add(name, operations.lift(array, _label(name)))
    for name, value in inputs.items():
        values.add(name, value)
    for place, node in enumerate(graph.nodes):
        operations.budget.step()
        try:
            _carry_out(node, values, operations)
            values.forget(place, node)
        except ExportError as error:
            error.message += f" (in {_place(node)})"
            raise
        except FAULTS as error:
            raise ExportError("wrong-shape", f"{node.operation}: {type(error).__name__} {error}, expected operands and "
                              f"attributes that fit (in {_place(node)})") from None
    for name in graph.outputs:
        if not isinstance(values.kept.get(name), (Affine, Outputs)) and values.kept.get(name) is not UNKNOWN:
            raise ExportError("damaged-onnx", f"no node makes the output {name!r}, expected one")
    return values.kept


def _carry_out(node: Node, values: Values, operations: OnnxOperations) -> None:
    operations.budget.charge(1 + len(node.inputs) + len(node.outputs) + len(node.attributes))
    result = operations.call(node, [values.take(name) if name else None for name in node.inputs])
    parts = result if isinstance(result, list) else [result]
    if result is UNKNOWN:
        parts = [UNKNOWN] * len(node.outputs)
    if not node.outputs or len(parts) < sum(map(bool, node.outputs)) and node.operation != "Dropout":
        raise ExportError("damaged-onnx", f"{node.operation} gives {len(parts)} values for {len(node.outputs)} names, "
                          "expected as many")
    for name, part in zip(node.outputs, parts):
        if name:
            values.add(name, part)


def _label(name: str) -> str:
    """Exporters number the weights that have no name of their own."""
    return f"onnx::{name}" if name.isdigit() else name


def _place(node: Node) -> str:
    name = repr(node.name) if node.name else f"that makes {node.outputs[:1]}"
    return f"node {name}, {node.operation}"
