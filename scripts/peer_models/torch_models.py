# SPDX-License-Identifier: Apache-2.0
"""Two TorchScript archives of one model: as trained and exported, and fused by hand."""
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from reference_models.networks import NETWORKS

from .dense import Dense


def _fill(linear: nn.Linear, weights: np.ndarray, bias: np.ndarray) -> None:
    linear.weight.data = torch.from_numpy(weights.T.copy())
    if linear.bias is not None:
        linear.bias.data = torch.from_numpy(bias.copy())


def as_exported(model: Dense, feature_weights: np.ndarray, path: Path) -> None:
    """The network of scripts/reference_models itself, with the blob's weights in it."""
    network = NETWORKS[model.name]()
    for head in model.heads:
        module, w1 = getattr(network, head.name), head.w1
        if hasattr(module, "feature_weights"):
            module.feature_weights.data = torch.from_numpy(feature_weights.copy())
            w1 = w1 / feature_weights[:, None]
        _fill(module.layer1, w1, head.b1)
        _fill(module.layer2, head.w2, head.b2)
    torch.jit.script(network.eval()).save(str(path))


class Fused(nn.Module):
    """One layer 1, one layer 2, one softmax over equally wide actors; the critic's one output comes last."""

    def __init__(self, model: Dense) -> None:
        super().__init__()
        dense = model.fused()
        self.high, self.outputs = model.clamp_high, model.heads[0].w2.shape[1]
        self.layer1, self.layer2 = (nn.Linear(*w.shape, bias=model.has_bias) for w in (dense["w1"], dense["w2"]))
        _fill(self.layer1, dense["w1"], dense["start"])
        _fill(self.layer2, dense["w2"], dense["start2"])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.layer2(torch.clamp(self.layer1(x), 0.0, self.high))
        actors = logits.size(1) - 1
        return torch.softmax(logits[0, :actors].view(-1, self.outputs), 1), logits[0, actors:]


def fused(model: Dense, path: Path) -> None:
    torch.jit.script(Fused(model).eval()).save(str(path))
