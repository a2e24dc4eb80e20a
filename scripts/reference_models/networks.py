# SPDX-License-Identifier: Apache-2.0
"""The two reference networks, and the linear models that they are compared with (PyTorch).

Every network has `logits`, used in training, and `forward`, which is what gets exported: three
probabilities for each actor, then the value, in head order. `widths` says how one row of inputs splits into
the arguments of both. `forward` gives each head's output a local name of its own: TorchScript keeps those names,
and a reader of the archive finds the heads by them.
"""
import torch
from torch import Tensor, nn

OLDEST_WEIGHT = 0.25  # where the feature weights of the oldest bar start; the newest bar's start at 1


def clamped(x: Tensor) -> Tensor:
    return torch.clamp(x, 0.0, 6.0)


class TacticalActor(nn.Module):
    """softmax(W2 clamp(W1 (w * x), 0, 6)) without biases; w is a trained weight for each feature."""

    def __init__(self, inputs: int, columns: int, hidden: int, classes: int) -> None:
        super().__init__()
        ramp = torch.linspace(OLDEST_WEIGHT, 1.0, inputs // columns)
        self.feature_weights = nn.Parameter(ramp.repeat_interleave(columns))
        self.layer1 = nn.Linear(inputs, hidden, bias=False)
        self.layer2 = nn.Linear(hidden, classes, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer2(clamped(self.layer1(x * self.feature_weights)))


class TacticalCritic(nn.Module):
    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.layer1 = nn.Linear(inputs, hidden, bias=False)
        self.layer2 = nn.Linear(hidden, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer2(clamped(self.layer1(x)))


class Tactical(nn.Module):
    """60 bars x 7 features -> fvg, momentum, entry, critic."""

    widths = (420,)

    def __init__(self) -> None:
        super().__init__()
        self.fvg = TacticalActor(420, 7, 64, 3)
        self.momentum = TacticalActor(420, 7, 64, 3)
        self.entry = TacticalActor(420, 7, 64, 3)
        self.critic = TacticalCritic(420, 32)

    def logits(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.fvg(x), self.momentum(x), self.entry(x), self.critic(x)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        fvg = torch.softmax(self.fvg(x), 1)
        momentum = torch.softmax(self.momentum(x), 1)
        entry = torch.softmax(self.entry(x), 1)
        critic = self.critic(x)
        return fvg, momentum, entry, critic


class StrategicHead(nn.Module):
    """W2 relu(W1 x + b1) + b2."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.layer1 = nn.Linear(inputs, hidden)
        self.layer2 = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer2(torch.relu(self.layer1(x)))


class Strategic(nn.Module):
    """Each actor reads its own inputs; the critic reads all 13."""

    widths = (4, 6, 3)

    def __init__(self) -> None:
        super().__init__()
        self.mlmi = StrategicHead(4, 64, 3)
        self.nwrqk = StrategicHead(6, 64, 3)
        self.mmd = StrategicHead(3, 32, 3)
        self.critic = StrategicHead(13, 64, 1)

    def logits(self, x_mlmi: Tensor, x_nwrqk: Tensor, x_mmd: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        everything = torch.cat((x_mlmi, x_nwrqk, x_mmd), dim=1)
        return self.mlmi(x_mlmi), self.nwrqk(x_nwrqk), self.mmd(x_mmd), self.critic(everything)

    def forward(self, x_mlmi: Tensor, x_nwrqk: Tensor, x_mmd: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        mlmi = torch.softmax(self.mlmi(x_mlmi), 1)
        nwrqk = torch.softmax(self.nwrqk(x_nwrqk), 1)
        mmd = torch.softmax(self.mmd(x_mmd), 1)
        critic = self.critic(torch.cat((x_mlmi, x_nwrqk, x_mmd), dim=1))
        return mlmi, nwrqk, mmd, critic


class Linear(nn.Module):
    """The comparison: logistic regression (and linear regression for the value) on the same inputs.

    Its actors read all inputs, so for the strategic model it sees more than each actor does.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.widths = (inputs,)
        self.heads = nn.ModuleList(nn.Linear(inputs, outputs) for outputs in (3, 3, 3, 1))

    def logits(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        first, second, third, value = (head(x) for head in self.heads)
        return first, second, third, value

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        first, second, third, value = self.logits(x)
        return first.softmax(dim=1), second.softmax(dim=1), third.softmax(dim=1), value


NETWORKS = {"tactical": Tactical, "strategic": Strategic}
