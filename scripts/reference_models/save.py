# SPDX-License-Identifier: Apache-2.0
"""What one trained model leaves in the work folder (PyTorch)."""
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

from .dataset import Dataset

CALIBRATION_STATES = 4096


def save_model(network: nn.Module, data: Dataset, model: str, work: Path) -> None:
    """MODEL.pt (frozen TorchScript, what gets exported), MODEL.state_dict.pt, MODEL-calibration.npy."""
    work.mkdir(parents=True, exist_ok=True)
    network.eval()
    torch.jit.save(torch.jit.freeze(torch.jit.script(network)), str(work / f"{model}.pt"))
    drop_debug_records(work / f"{model}.pt")
    torch.save(network.state_dict(), str(work / f"{model}.state_dict.pt"))
    np.save(work / f"{model}-calibration.npy", calibration_states(data))


def drop_debug_records(archive: Path) -> None:
    """Without the records that map code to source files: they hold the path of this checkout, and the same
    training in another folder would give an archive, and so a blob, with another digest."""
    with zipfile.ZipFile(archive) as source:
        kept = {name: source.read(name) for name in source.namelist() if not name.endswith(".debug_pkl")}
    with zipfile.ZipFile(archive, "w") as target:
        for name, content in kept.items():
            target.writestr(zipfile.ZipInfo(name), content)  # stored, dated 1980: nothing of this run


def calibration_states(data: Dataset) -> np.ndarray:
    """States spread evenly over the training bars, so that every regime is among them."""
    count = min(CALIBRATION_STATES, len(data.training))
    picks = np.arange(count) * len(data.training) // count
    return data.states(data.training[picks])
