# SPDX-License-Identifier: Apache-2.0
"""Three ONNX graphs of one model: as an exporter writes it, fused by hand, and fused with int8 weights."""
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .dense import Dense

OPSET, IR_VERSION = 13, 8


class Graph:
    """Collects nodes and constants; every node has one output, named after it."""

    def __init__(self) -> None:
        self.nodes, self.constants = [], []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operation: str, inputs: list[str], output: str, **attributes) -> str:
        self.nodes.append(helper.make_node(operation, inputs, [output], output, **attributes))
        return output

    def save(self, path: Path, inputs: list[tuple[str, int]], outputs: list[tuple[str, int]]) -> None:
        def described(shapes):
            return [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width]) for name, width in shapes]

        graph = helper.make_graph(self.nodes, path.stem, described(inputs), described(outputs), self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        onnx.save(model, str(path))

    def clamp(self, value: str, high: float, output: str) -> str:
        """As torch.onnx writes it: Clip for clamp, Relu for relu."""
        if np.isinf(high):
            return self.node("Relu", [value], output)
        bounds = [self.constant(f"{output}_low", np.float32(0)), self.constant(f"{output}_high", np.float32(high))]
        return self.node("Clip", [value, *bounds], output)

    def linear(self, value: str, weights: np.ndarray, bias: np.ndarray, output: str) -> str:
        """As torch.onnx writes nn.Linear: MatMul without a bias, Gemm with one."""
        names = [value, self.constant(f"{output}_w", weights)]
        if not bias.any():
            return self.node("MatMul", names, output)
        return self.node("Gemm", [*names, self.constant(f"{output}_b", bias)], output)


def as_exported(model: Dense, feature_weights: np.ndarray, path: Path) -> None:
    """Head by head, with the multiply by feature weights where the model has them (the actors of tactical)."""
    graph = Graph()
    names = {(sum(model.parts[:i]), width): f"x{i}" for i, width in enumerate(model.parts)}
    inputs = [(name, width) for (_, width), name in names.items()]
    if len(model.parts) > 1:
        names[0, model.inputs] = graph.node("Concat", [name for name, _ in inputs], "x", axis=1)
    outputs = []
    for head in model.heads:
        value, w1 = names[head.begin, len(head.w1)], head.w1
        if len(model.parts) == 1 and head.softmax:
            value = graph.node("Mul", [value, graph.constant(f"{head.name}_fw", feature_weights)], f"{head.name}_x")
            w1 = w1 / feature_weights[:, None]
        hidden = graph.clamp(graph.linear(value, w1, head.b1, f"{head.name}_1"), model.clamp_high, f"{head.name}_h")
        last = graph.linear(hidden, head.w2, head.b2, f"{head.name}_2" if head.softmax else head.name)
        if head.softmax:
            graph.node("Softmax", [last], head.name, axis=1)
        outputs.append((head.name, head.w2.shape[1]))
    graph.save(path, inputs, outputs)


def _finish(graph: Graph, model: Dense, hidden: str, path: Path) -> None:
    """One layer 2 for all heads, and one softmax over the actors where they have equally many outputs."""
    dense = model.fused()
    widths = [head.w2.shape[1] for head in model.heads]
    logits = graph.linear(hidden, dense["w2"], dense["start2"], "logits")
    actors = [width for head, width in zip(model.heads, widths) if head.softmax]
    rest = sum(widths) - sum(actors)
    if len(set(actors)) != 1 or any(head.softmax for head in model.heads[len(actors):]) or rest != 1:
        raise ValueError(f"{model.name}: expected actors of one width, then one critic of one output")
    split = graph.constant("split", np.array([sum(actors), rest], np.int64))
    graph.nodes.append(helper.make_node("Split", [logits, split], ["odds", "value"], "split_heads", axis=1))
    shape = graph.constant("by_head", np.array([len(actors), actors[0]], np.int64))
    flat = graph.constant("flat", np.array([1, sum(actors)], np.int64))
    softmax = graph.node("Softmax", [graph.node("Reshape", ["odds", shape], "odds_by_head")], "softmax", axis=1)
    graph.node("Reshape", [softmax, flat], "probabilities")
    graph.save(path, [("x", model.inputs)], [("probabilities", sum(actors)), ("value", rest)])


def fused(model: Dense, path: Path) -> None:
    graph, dense = Graph(), model.fused()
    first = graph.linear("x", dense["w1"], dense["start"], "layer1")
    _finish(graph, model, graph.clamp(first, model.clamp_high, "hidden"), path)


def fused_int8(model: Dense, path: Path) -> None:
    """The weights and scales of the int8 blob. QuantizeLinear knows one scale for a tensor, so the inputs are scaled
    first: x * r, then a step of 1 around 128. The blob's start has the shift's compensation and the bias in it."""
    graph = Graph()
    scaled = graph.node("Mul", ["x", graph.constant("input_scale", model.input_scale)], "scaled")
    step, centre = graph.constant("step", np.float32(1)), graph.constant("centre", np.uint8(128))
    codes = graph.node("QuantizeLinear", [scaled, step, centre], "codes")
    sums = graph.node("MatMulInteger", [codes, graph.constant("weights", model.codes)], "sums")
    whole = graph.node("Add", [sums, graph.constant("start", model.int8_start.astype(np.int32))], "whole")
    real = graph.node("Cast", [whole], "real", to=TensorProto.FLOAT)
    first = graph.node("Mul", [real, graph.constant("lane_scale", model.lane_scale)], "layer1")
    _finish(graph, model, graph.clamp(first, model.clamp_high, "hidden"), path)
