# SPDX-License-Identifier: Apache-2.0
"""state_dict archives written by torch itself: the same blob as the TorchScript export of the same network."""

import json

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: the checkpoints are written with it")

import torch_models  # noqa: E402
from weight_export.read_blob import read_blob  # noqa: E402

ACTORS = ("fvg", "momentum", "entry")


def tactical_description():
    heads = [{"name": name, "w1": f"{name}.fc1.weight", "w2": f"{name}.fc2.weight",
              "feature_weights": f"{name}.feature_weights"} for name in ACTORS]
    heads.append({"name": "critic", "w1": "critic.fc1.weight", "w2": "critic.fc2.weight"})
    return {"inputs": 420, "window": [60, 7], "heads": heads}


def mlp(path, name, **more):
    return {"name": name, "w1": f"{path}.first.weight", "b1": f"{path}.first.bias", "w2": f"{path}.second.weight",
            "b2": f"{path}.second.bias", "clamp": [0, None]} | more


def wide_description():
    return {"inputs": 420, "heads": [mlp(f"actors.{i}", f"actor{i}") for i in range(3)]
            + [mlp("critic", "critic", repeat=3)]}


def strategic_description():
    return {"inputs": 13, "heads": [mlp("mlmi", "mlmi", inputs=[0, 4]), mlp("nwrqk", "nwrqk", inputs=[4, 10]),
                                    mlp("mmd", "mmd", input_indices=[10, 11, 12]), mlp("critic", "critic")]}


def vectorised_description():
    heads = [{"name": f"actor{i}", "w1": "shared", "w2": "outputs", "layout": "in_out", "outputs": [3 * i, 3 * i + 3],
              "feature_weights": "feature_weights", "feature_weights_row": i} for i in range(3)]
    return {"inputs": 420, "heads": [*heads, {"name": "critic", "w1": "critic.fc1.weight",
                                              "w2": "critic.fc2.weight"}]}


@pytest.mark.parametrize("build, description, window", [
    (torch_models.Tactical, tactical_description, ["--window", "60x7"]), (torch_models.Wide, wide_description, []),
    (torch_models.Strategic, strategic_description, []), (torch_models.Vectorised, vectorised_description, [])],
    ids=["tactical", "wide", "strategic", "vectorised"])
def test_same_weights_as_torchscript(export, tmp_path, build, description, window):
    torch.manual_seed(5)
    model = build().eval()
    torch.save(model.state_dict(), tmp_path / "m.pth")
    torch.jit.script(model).save(str(tmp_path / "m.pt"))
    (tmp_path / "d.json").write_text(json.dumps(description()))
    lenient = ["--budget", "probability=1,value=1,argmax=0"]
    one = export(tmp_path / "m.pth", "--model", tmp_path / "d.json", *lenient, output=tmp_path / "1.blob")
    two = export(tmp_path / "m.pt", *window, *lenient, output=tmp_path / "2.blob")
    one.succeeded()
    two.succeeded()
    first, second = read_blob(one.blob), read_blob(two.blob)
    for key in ("w1", "start", "lane_scale", "input_scale"):
        assert (getattr(first.packed, key) == getattr(second.packed, key)).all()
    assert (first.golden_outputs == second.golden_outputs).all()


def test_training_checkpoint(export, tmp_path):
    """With an optimiser, counters and texts beside the state_dict, as training scripts save them."""
    model = torch_models.Mlp(6, 8, 2)
    optimiser = torch.optim.Adam(model.parameters())
    model(torch.rand(4, 6)).sum().backward()
    optimiser.step()
    torch.save({"model": model.state_dict(), "optimizer": optimiser.state_dict(), "epoch": 3, "loss": 0.25,
                "name": "run", "betas": (0.9, 0.99), "done": False, "best": None}, tmp_path / "m.pth")
    head = {key: f"model.{value}" if key[0] in "wb" else value for key, value in mlp("x", "a").items()}
    head = {key: value.replace(".x.", ".") if isinstance(value, str) else value for key, value in head.items()}
    (tmp_path / "d.json").write_text(json.dumps({"inputs": 6, "heads": [head], "ignore": ["optimizer."]}))
    export(tmp_path / "m.pth", "--model", tmp_path / "d.json", "--budget", "argmax=0").succeeded()
    (tmp_path / "d.json").write_text(json.dumps({"inputs": 6, "heads": [head]}))
    export(tmp_path / "m.pth", "--model", tmp_path / "d.json").refused("unused-weights", "optimizer.state.0")


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_pickle_protocols(export, tmp_path, protocol):
    torch.save(torch_models.Critic(6, 8).state_dict(), tmp_path / "m.pth", pickle_protocol=protocol)
    (tmp_path / "d.json").write_text(json.dumps({"inputs": 6, "heads": [
        {"name": "v", "w1": "fc1.weight", "w2": "fc2.weight"}]}))
    export(tmp_path / "m.pth", "--model", tmp_path / "d.json").succeeded()
