# SPDX-License-Identifier: Apache-2.0
"""The messages of an ONNX file that a small network needs: model, graph, nodes, attributes. Field numbers are those of
onnx.proto; what is not needed is skipped."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .errors import ExportError
from .onnx_tensor import read_tensor
from .protobuf import Reader, Value

MODEL_GRAPH, MODEL_OPSETS, MODEL_FUNCTIONS = 7, 8, 25
GRAPH_NODE, GRAPH_INITIALISER, GRAPH_INPUT, GRAPH_OUTPUT, GRAPH_SPARSE = 1, 5, 11, 12, 15
NODE_INPUT, NODE_OUTPUT, NODE_NAME, NODE_TYPE, NODE_ATTRIBUTE, NODE_DOMAIN = 1, 2, 3, 4, 5, 7
ATTRIBUTE_NAME, ATTRIBUTE_F, ATTRIBUTE_I, ATTRIBUTE_S, ATTRIBUTE_T = 1, 2, 3, 4, 5
ATTRIBUTE_FLOATS, ATTRIBUTE_INTS, ATTRIBUTE_TYPE = 7, 8, 20
ZEROS = {1: 0.0, 2: 0, 3: "", 6: [], 7: []}  # by type: some writers leave out a value that is zero
OWN_DOMAINS = ("", "ai.onnx")
# Operations have the meaning of this many versions; before 7 they broadcast otherwise.
OPSETS = range(7, 24)


@dataclass
class Node:
    """One operation. `attributes` hold int, float, str, an array, or a list of int or float."""

    name: str = ""
    operation: str = ""
    domain: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass
class Graph:
    """`inputs` are the shapes of those that are no weights, None for an open dimension; None for an unknown rank."""

    nodes: list[Node] = field(default_factory=list)
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    inputs: dict[str, list[int | None] | None] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    opset: int = 0


def read_onnx(data: bytes, path: str) -> Graph:
    """Errors: damaged-onnx, protobuf-bomb, external-data, unsupported-tensor, unsupported-operation."""
    reader = Reader(path)
    graphs, opsets = [], {}
    for number, wire, value in reader.fields(memoryview(data), "the model"):
        if number == MODEL_GRAPH:
            graphs.append(reader.message(wire, value, "the graph"))
        elif number == MODEL_OPSETS:
            domain, version = _opset(reader, wire, value)
            opsets[domain] = version
        elif number == MODEL_FUNCTIONS:
            raise ExportError("unsupported-operation", f"{path} defines functions of its own, expected a plain graph")
    if len(graphs) != 1:
        reader.damaged("the model", f"{len(graphs)} graphs", "one")
    versions = [opsets[domain] for domain in OWN_DOMAINS if domain in opsets]
    if len(versions) != 1 or versions[0] not in OPSETS:
        raise ExportError("unsupported-operation", f"{path} has the operation set versions {versions}, expected one of "
                          f"{OPSETS[0]} .. {OPSETS[-1]}")
    graph = _graph(reader, graphs[0])
    graph.opset = versions[0]
    return graph


def _opset(reader: Reader, wire: int, value: Value) -> tuple[str, int]:
    domain, version = "", 0
    for number, inner, item in reader.fields(reader.message(wire, value, "an opset"), "an opset"):
        if number == 1:
            domain = reader.text(inner, item, "an opset's domain")
        elif number == 2:
            version = _integer(reader, inner, item, "an opset's version")
    return domain, version


def _graph(reader: Reader, data: memoryview) -> Graph:
    graph = Graph()
    for number, wire, value in reader.fields(data, "the graph"):
        if number == GRAPH_NODE:
            graph.nodes.append(_node(reader, reader.message(wire, value, "a node")))
        elif number == GRAPH_INITIALISER:
            name, array = read_tensor(reader, reader.message(wire, value, "a weight"))
            if name in graph.weights:
                reader.damaged("the graph", f"two weights named {name!r}", "one")
            graph.weights[name] = array
        elif number == GRAPH_INPUT:
            name, shape = _value_info(reader, reader.message(wire, value, "an input"))
            graph.inputs[name] = shape
        elif number == GRAPH_OUTPUT:
            graph.outputs.append(_value_info(reader, reader.message(wire, value, "an output"))[0])
        elif number == GRAPH_SPARSE:
            raise ExportError("unsupported-tensor", f"{reader.path} has sparse weights, expected dense ones")
    # Up to IR version 3 every weight was listed as an input as well.
    graph.inputs = {name: shape for name, shape in graph.inputs.items() if name not in graph.weights}
    return graph


def _node(reader: Reader, data: memoryview) -> Node:
    node = Node()
    for number, wire, value in reader.fields(data, "a node"):
        if number in (NODE_INPUT, NODE_OUTPUT):
            names = node.inputs if number == NODE_INPUT else node.outputs
            names.append(reader.text(wire, value, "a node's input or output"))
        elif number == NODE_NAME:
            node.name = reader.text(wire, value, "a node's name")
        elif number == NODE_TYPE:
            node.operation = reader.text(wire, value, "a node's operation")
        elif number == NODE_DOMAIN:
            node.domain = reader.text(wire, value, "a node's domain")
        elif number == NODE_ATTRIBUTE:
            name, attribute = _attribute(reader, reader.message(wire, value, "an attribute"))
            node.attributes[name] = attribute
    return node


def _attribute(reader: Reader, data: memoryview) -> tuple[str, Any]:
    name, single, many, kind = "", None, [], 0
    for number, wire, value in reader.fields(data, "an attribute"):
        if number == ATTRIBUTE_NAME:
            name = reader.text(wire, value, "an attribute's name")
        elif number == ATTRIBUTE_I:
            single = _integer(reader, wire, value, "an attribute")
        elif number == ATTRIBUTE_S:
            single = bytes(reader.message(wire, value, "an attribute")).decode("utf-8", "backslashreplace")
        elif number == ATTRIBUTE_T:
            single = read_tensor(reader, reader.message(wire, value, "an attribute"))[1]
        elif number == ATTRIBUTE_F:
            single = float(_single(reader, reader.floats(wire, value, "an attribute")))
        elif number == ATTRIBUTE_FLOATS:
            many += reader.floats(wire, value, "an attribute").tolist()
        elif number == ATTRIBUTE_INTS:
            many += reader.integers(wire, value, "an attribute").tolist()
        elif number == ATTRIBUTE_TYPE:
            kind = _integer(reader, wire, value, "an attribute's type")
    if many or single is None:
        return name, many or ZEROS.get(kind)
    return name, single


def _value_info(reader: Reader, data: memoryview) -> tuple[str, list[int | None] | None]:
    """Name and shape: ValueInfoProto.type.tensor_type.shape.dim.dim_value."""
    name, shape = "", None
    for number, wire, value in reader.fields(data, "an input"):
        if number == 1:
            name = reader.text(wire, value, "an input's name")
        elif number == 2:
            for inner in _nested(reader, wire, value, 1):
                for dims in _nested(reader, *inner, 2):
                    shape = [_dimension(reader, *dim) for dim in _nested(reader, *dims, 1)]
    return name, shape


def _nested(reader: Reader, wire: int, value: Value, wanted: int) -> list[tuple[int, Value]]:
    """The fields of one number in a nested message."""
    data = reader.message(wire, value, "an input's type")
    return [(inner, item) for number, inner, item in reader.fields(data, "an input's type") if number == wanted]


def _dimension(reader: Reader, wire: int, value: Value) -> int | None:
    sizes = [_integer(reader, *item, "a dimension") for item in _nested(reader, wire, value, 1)]
    return sizes[-1] if sizes else None


def _integer(reader: Reader, wire: int, value: Value, what: str) -> int:
    return int(_single(reader, reader.integers(wire, value, what)))


def _single(reader: Reader, array: np.ndarray) -> Any:
    if array.size != 1:
        reader.damaged("an attribute", f"{array.size} numbers", "one")
    return array[0]
