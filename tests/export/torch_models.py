# SPDX-License-Identifier: Apache-2.0
"""The networks that must run, as a training team writes them, and some that must be refused."""

from typing import Dict, List

import torch
from torch import Tensor, nn
from torch.nn import functional


class Actor(nn.Module):
    """420 -> 64 -> 3 with feature weights, no biases, clamp 0 .. 6."""

    def __init__(self, inputs: int = 420, hidden: int = 64, outputs: int = 3) -> None:
        super().__init__()
        self.feature_weights = nn.Parameter(torch.rand(inputs) * 2)
        self.fc1 = nn.Linear(inputs, hidden, bias=False)
        self.fc2 = nn.Linear(hidden, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.clamp(self.fc1(x * self.feature_weights), 0, 6)
        return functional.softmax(self.fc2(hidden), dim=-1)


class Critic(nn.Module):
    def __init__(self, inputs: int = 420, hidden: int = 32) -> None:
        super().__init__()
        self.fc1 = nn.Linear(inputs, hidden, bias=False)
        self.fc2 = nn.Linear(hidden, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(torch.clamp(self.fc1(x), 0.0, 6.0))


class Tactical(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fvg, self.momentum, self.entry, self.critic = Actor(), Actor(), Actor(), Critic()

    def forward(self, x: Tensor):
        return self.fvg(x), self.momentum(x), self.entry(x), self.critic(x)


class TacticalJoined(Tactical):
    """One output tensor, and a window-shaped intermediate."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.view(-1, 60, 7).flatten(1)
        return torch.cat([self.fvg(x), self.momentum(x), self.entry(x), self.critic(x)], dim=1)


class Vectorised(nn.Module):
    """Three actors over one shared 420 -> 192 layer, each with its own feature weights and 3 of 9 outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.feature_weights = nn.Parameter(torch.rand(3, 420))
        self.shared = nn.Parameter(torch.rand(420, 192) * 0.2 - 0.1)
        self.outputs = nn.Parameter(torch.rand(192, 9) * 0.2 - 0.1)
        self.critic = Critic()

    def logits(self, x: Tensor) -> Tensor:
        weighted = x.unsqueeze(1) * self.feature_weights.unsqueeze(0)
        return torch.matmul(torch.clamp(torch.matmul(weighted, self.shared), 0.0, 6.0), self.outputs)

    def forward(self, x: Tensor):
        all_logits = self.logits(x)
        first = torch.softmax(all_logits[:, 0, 0:3], dim=1)
        second = torch.softmax(all_logits[:, 1, 3:6], dim=1)
        third = torch.softmax(all_logits[:, 2, 6:9], dim=1)
        return first, second, third, self.critic(x).squeeze(-1)


class VectorisedSpelledOut(Vectorised):
    """The softmax as max, sub, exp, sum and div, in a loop."""

    def forward(self, x: Tensor):
        all_logits = self.logits(x)
        parts: List[Tensor] = []
        for i in range(3):
            logits = all_logits[:, i, i * 3:(i + 1) * 3]
            e = torch.exp(logits - logits.max(dim=-1, keepdim=True)[0])
            parts.append(e / e.sum(dim=-1, keepdim=True))
        return torch.cat(parts, dim=1), self.critic(x).view(x.size(0), -1)


class Mlp(nn.Module):
    """Plain ReLU with biases; softmax where there are several outputs."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(inputs, hidden), nn.Linear(hidden, outputs)
        self.several = outputs > 1

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(functional.relu(self.first(x)))
        if self.several:
            y = functional.softmax(y, dim=-1)
        return y


class Sequence(nn.Module):
    """The same in nn.Sequential, with an in-place ReLU and a dropout."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(inplace=True), nn.Dropout(0.2),
                                    nn.Linear(hidden, outputs), nn.Softmax(dim=-1))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Wide(nn.Module):
    """Three actors 420 -> 128 -> 3 with biases, a critic on the input repeated three times."""

    def __init__(self) -> None:
        super().__init__()
        self.actors = nn.ModuleList([Mlp(420, 128, 3) for _ in range(3)])
        self.critic = Mlp(1260, 64, 1)

    def forward(self, x: Tensor):
        outputs: List[Tensor] = []
        for actor in self.actors:
            outputs.append(actor(x))
        return outputs[0], outputs[1], outputs[2], self.critic(torch.cat([x, x, x], dim=-1))


class WideRepeat(Wide):
    def forward(self, x: Tensor):
        return self.actors[0](x), self.actors[1](x), self.actors[2](x), self.critic(x.repeat(1, 3))


class Strategic(nn.Module):
    """Three inputs of 4, 6 and 3; the critic reads all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.mlmi, self.nwrqk, self.mmd = Mlp(4, 64, 3), Mlp(6, 64, 3), Mlp(3, 32, 3)
        self.critic = Mlp(13, 64, 1)

    def forward(self, a: Tensor, b: Tensor, c: Tensor):
        value = self.critic(torch.cat([a, b, c], dim=-1))
        return self.mlmi(a), self.nwrqk(b), self.mmd(c), value


class Named(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = Mlp(9, 16, 4), Mlp(9, 8, 1)

    def forward(self, x: Tensor) -> Dict[str, Tensor]:
        return {"direction": self.one(x), "worth": self.two(x)}


# name: (build, widths of the inputs, heads, hidden lanes)
FORMS = {
    "tactical": (Tactical, [420], 4, 224),
    "tactical, one tensor": (TacticalJoined, [420], 4, 224),
    "tactical, one actor": (Actor, [420], 1, 64),
    "tactical, critic": (Critic, [420], 1, 32),
    "tactical, vectorised": (Vectorised, [420], 4, 608),
    "tactical, vectorised, softmax spelled out": (VectorisedSpelledOut, [420], 4, 608),
    "tactical, wide": (Wide, [420], 4, 448),
    "tactical, wide, repeat": (WideRepeat, [420], 4, 448),
    "strategic": (Strategic, [4, 6, 3], 4, 224),
    "strategic, mlmi": (lambda: Mlp(4, 64, 3), [4], 1, 64),
    "strategic, nwrqk": (lambda: Mlp(6, 64, 3), [6], 1, 64),
    "strategic, mmd": (lambda: Mlp(3, 32, 3), [3], 1, 32),
    "strategic, critic": (lambda: Mlp(13, 64, 1), [13], 1, 64),
    "nn.Sequential": (lambda: Sequence(12, 24, 5), [12], 1, 24),
}


def three_layers() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)).eval()


def sigmoid() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.Sigmoid(), nn.Linear(8, 2)).eval()


def tanh_output() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2), nn.Tanh()).eval()


def batch_norm() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)).eval()


def training_mode() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.ReLU(), nn.Linear(8, 2)).train()


def not_a_number() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).eval()
    with torch.no_grad():
        model[0].weight[1, 2] = float("nan")
    return model


REFUSED = [(three_layers, "three-layers", "relu"), (sigmoid, "unsupported-activation", "sigmoid"),
           (tanh_output, "unsupported-activation", "tanh"), (batch_norm, "unsupported-operation", "batch_norm"),
           (training_mode, "training-mode", "eval"), (not_a_number, "weights-not-finite", "0.weight")]
