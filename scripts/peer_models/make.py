# SPDX-License-Identifier: Apache-2.0
"""Everything that build/bench/compare_peers reads, made from the bundled blobs: matrices, ONNX graphs, TorchScript."""
import argparse
import json
import sys
from pathlib import Path

import numpy as np

from . import dense


def feature_weights(inputs: int) -> np.ndarray:
    """The blob holds layer 1 with the feature weights multiplied in. Powers of two come out again, and in again,
    without rounding, so the graphs as exported have exactly the blob's weights: 1/4, 1/2 and 1, oldest bars first."""
    return np.exp2(np.floor(np.linspace(-2, 0.999, inputs))).astype(np.float32)


def write_matrices(model: dense.Dense, folder: Path) -> None:
    int8 = {"codes": model.codes, "int8_start": model.int8_start, "lane_scale": model.lane_scale,
            "input_scale": model.input_scale}
    for name, array in {**model.fused(), **int8}.items():
        np.save(folder / f"{name}.npy", np.ascontiguousarray(np.atleast_2d(array).astype(np.float32)))
    heads = [{"name": head.name, "hidden": head.w1.shape[1], "outputs": head.w2.shape[1], "softmax": head.softmax}
             for head in model.heads]
    high = None if np.isinf(model.clamp_high) else model.clamp_high
    (folder / "network.json").write_text(json.dumps(
        {"name": model.name, "parts": model.parts, "clamp_high": high, "heads": heads}, indent=1))


def make(model: dense.Dense, folder: Path) -> None:
    """A package that is missing leaves its files out; the program then names the peer as skipped."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in [*folder.glob("*.onnx"), *folder.glob("*.pt")]:
        old.unlink()
    write_matrices(model, folder)
    weights = feature_weights(model.inputs)
    try:
        from . import onnx_models
        onnx_models.as_exported(model, weights, folder / "exported.onnx")
        onnx_models.fused(model, folder / "fused.onnx")
        onnx_models.fused_int8(model, folder / "fused-int8.onnx")
    except ImportError as error:
        print(f"no ONNX graphs: {error}", file=sys.stderr)
    try:
        from . import torch_models
        torch_models.as_exported(model, weights, folder / "exported.pt")
        torch_models.fused(model, folder / "fused.pt")
    except ImportError as error:
        print(f"no TorchScript archives: {error}", file=sys.stderr)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="peer_models.make", description=__doc__)
    parser.add_argument("folder", type=Path, help="one folder a model is made in here")
    parser.add_argument("--weights", type=Path, default=dense.REPOSITORY / "weights")
    parser.add_argument("--model", action="append", choices=sorted(dense.PARTS))
    options = parser.parse_args(arguments)
    for name in options.model or sorted(dense.PARTS):
        make(dense.load(name, options.weights), options.folder / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
