# SPDX-License-Identifier: Apache-2.0
"""Small ONNX files, written with the onnx package (the exporter reads them without it)."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from helpers import random_weights

INPUTS, HIDDEN, OUTPUTS = 12, 20, 3
W1, B1 = random_weights(INPUTS, HIDDEN), random_weights(HIDDEN, seed=1)
W2, B2 = random_weights(HIDDEN, OUTPUTS, seed=2), random_weights(OUTPUTS, seed=3)
WEIGHTS = {"w1": W1, "b1": B1, "w2": W2, "b2": B2}
LAYERS = [("Gemm", "x w1 b1", "h", {}), ("Relu", "h", "r", {}), ("Gemm", "r w2 b2", "z", {}),
          ("Softmax", "z", "y", {"axis": 1})]


def node(operation, inputs, outputs, attributes=None, name=""):
    """Names as words; a dot stands for an input left out."""
    return helper.make_node(operation, [word.strip(".") for word in inputs.split()], outputs.split(),
                            name or f"node_{outputs.split()[0]}", **(attributes or {}))


def model(nodes, weights, path=None, opset=13, shape=("n", INPUTS), inputs=None, outputs=("y",), raw=True):
    """The bytes of a model; `inputs` are shapes by name, `weights` arrays or TensorProtos."""
    tensors = []
    for name, array in weights.items():
        if isinstance(array, TensorProto):
            tensors.append(array)
        elif raw:
            tensors.append(numpy_helper.from_array(np.array(array, order="C"), name))
        else:
            kind = helper.np_dtype_to_tensor_dtype(array.dtype) if hasattr(helper, "np_dtype_to_tensor_dtype") else \
                onnx.mapping.NP_TYPE_TO_TENSOR_TYPE[array.dtype]
            tensors.append(helper.make_tensor(name, kind, array.shape, array.reshape(-1).tolist()))
    shapes = {"x": shape} if inputs is None else inputs
    graph = helper.make_graph(
        [item if isinstance(item, onnx.NodeProto) else node(*item) for item in nodes], "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in shapes.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs], tensors)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="tests")
    made.ir_version = 7
    data = made.SerializeToString()
    if path is not None:
        path.write_bytes(data)
    return data
