# SPDX-License-Identifier: Apache-2.0
"""A checkpoint's outputs as PyTorch computes them: REQUEST.json in, an npy [states, outputs] of float64 out.

A program of its own: PyTorch's python3 need not be the cycle's. It runs the checkpoint's code, so it comes after the
exporter, which has read all of it by then and refused what is no network."""

from __future__ import annotations

import json
import sys
from typing import Any, Callable

import numpy as np
import torch

CANNOT_READ = 77
EXACT = (torch.float32, torch.float64)  # PyTorch sums in these; float16 and bfloat16 it rounds at every step

Network = Callable[[torch.Tensor], torch.Tensor]


def flat(value: Any) -> torch.Tensor:
    """The outputs of one state, in the order in which they are returned."""
    if isinstance(value, torch.Tensor):
        return value.detach().double().reshape(-1)
    return torch.cat([flat(part) for part in (value.values() if isinstance(value, dict) else value)])


def dtype_of(tensors: list[torch.Tensor]) -> torch.dtype:
    kinds = {tensor.dtype for tensor in tensors if tensor.is_floating_point()}
    if not kinds <= set(EXACT):
        print(f"weights are {sorted(map(str, kinds - set(EXACT)))[0]}, in which PyTorch's sums are not exact enough",
              file=sys.stderr)
        sys.exit(CANNOT_READ)
    return torch.float64 if torch.float64 in kinds else torch.float32


def script_network(request: dict[str, Any]) -> Network:
    """One state at a time, in the first of the exporter's shapes that gives as many outputs."""
    module = torch.jit.load(request["checkpoint"], map_location="cpu")
    module.eval()
    # A frozen module's weights are constants of its graph.
    graph = module.inlined_graph  # kept: its nodes do not outlive it
    constants = [node.t("value") for node in graph.findAllNodes("prim::Constant", recurse=True)
                 if node.hasAttribute("value") and node.kindOf("value") == "t"]
    dtype = dtype_of([*module.parameters(), *module.buffers(), *(tensor for tensor in constants if tensor.dim() > 0)])
    widths, (rows, columns) = request["widths"], request["window"]
    shapes = [[(1, width) for width in widths], [(width,) for width in widths]]
    if rows and len(widths) == 1:
        shapes += [[(1, rows, columns)], [(rows, columns)]]

    def attempt(state: torch.Tensor, shape: list[tuple[int, ...]]) -> torch.Tensor:
        parts = torch.split(state.to(dtype), widths)
        return flat(module(*(part.reshape(size) for part, size in zip(parts, shape))))

    def network(state: torch.Tensor) -> torch.Tensor:
        reasons = []
        for shape in shapes:
            try:
                outputs = attempt(state, shape)
            except RuntimeError as error:
                reasons.append(str(error).strip().splitlines()[-1])
                continue
            if len(outputs) == request["count"]:
                shapes[:] = [shape]
                return outputs
            reasons.append(f"{len(outputs)} outputs, expected {request['count']}")
        raise SystemExit(f"in no shape of its input: {'; '.join(reasons)}")

    return network


def head_network(heads: list[dict[str, Any]], dtype: torch.dtype) -> Network:
    """Heads with `w1` [in, hidden], `w2` [hidden, out] and the rest as docs/EXPORT.md names it."""
    def network(state: torch.Tensor) -> torch.Tensor:
        return torch.cat([evaluate(head, state.to(dtype)) for head in heads]).double()

    return network


def evaluate(head: dict[str, Any], state: torch.Tensor) -> torch.Tensor:
    x = state if head.get("columns") is None else state[head["columns"]]
    x = (x if head.get("feature_weights") is None else x * head["feature_weights"]).repeat(head.get("repeat", 1))
    hidden = x @ head["w1"]
    hidden = torch.clamp(hidden if head.get("b1") is None else hidden + head["b1"], 0, head.get("clamp", 6.0))
    logits = hidden @ head["w2"]
    logits = logits if head.get("b2") is None else logits + head["b2"]
    first, end = head.get("outputs") or (0, len(logits))
    logits = logits[first:end]
    softmax = head.get("activation", "softmax" if end - first > 1 else "identity") == "softmax"
    return torch.softmax(logits, 0) if softmax else logits


def npz_network(request: dict[str, Any]) -> Network:
    heads: dict[str, dict[str, Any]] = {}
    with np.load(request["checkpoint"], allow_pickle=False) as arrays:
        for key in arrays.files:
            name, _, field = key.rpartition(".")
            value = arrays[key]
            if field == "clamp":
                heads.setdefault(name, {})[field] = float(value[1])
            elif field == "activation":
                heads.setdefault(name, {})[field] = str(value.reshape(-1)[0])
            else:
                heads.setdefault(name, {})[field] = torch.from_numpy(value)
    return _same_dtype(list(heads.values()))


def state_dict_network(request: dict[str, Any]) -> Network:
    with open(request["description"], encoding="utf-8") as file:
        description = json.load(file)
    # weights_only: the same allow-list idea as the exporter's, in PyTorch's own words.
    tensors = dict(_tensors(torch.load(request["checkpoint"], map_location="cpu", weights_only=True)))
    return _same_dtype([_head(head, tensors) for head in description["heads"]])


def _tensors(value: Any, prefix: str = "") -> Any:
    if isinstance(value, torch.Tensor):
        yield prefix, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _tensors(item, f"{prefix}.{key}".removeprefix("."))


def _head(head: dict[str, Any], tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    taken = {key: tensors[head[key]] for key in ("w1", "b1", "w2", "b2", "feature_weights") if key in head}
    if head.get("layout", "out_in") == "out_in":
        taken["w1"], taken["w2"] = taken["w1"].t(), taken["w2"].t()
    if "feature_weights_row" in head:
        taken["feature_weights"] = taken["feature_weights"][head["feature_weights_row"]]
    columns = head.get("input_indices") or (list(range(*head["inputs"])) if "inputs" in head else None)
    high = head.get("clamp", [0, 6])[1]
    more = {key: head[key] for key in ("repeat", "outputs", "activation") if head.get(key) is not None}
    return {**taken, **more, "columns": columns, "clamp": float("inf") if high is None else float(high)}


def _same_dtype(heads: list[dict[str, Any]]) -> Network:
    dtype = dtype_of([value for head in heads for value in head.values() if isinstance(value, torch.Tensor)])
    return head_network([{key: value.to(dtype) if isinstance(value, torch.Tensor) else value
                          for key, value in head.items()} for head in heads], dtype)


NETWORKS = {"torchscript": script_network, "state_dict": state_dict_network, "npz": npz_network}


def main() -> None:
    with open(sys.argv[1], encoding="ascii") as file:
        request = json.load(file)
    torch.set_num_threads(1)
    states = torch.from_numpy(np.load(request["states"], allow_pickle=False))
    with torch.no_grad():
        network = NETWORKS[request["kind"]](request)
        np.save(request["outputs"], torch.stack([network(state) for state in states]).numpy())


if __name__ == "__main__":
    main()
