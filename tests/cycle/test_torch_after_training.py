# SPDX-License-Identifier: Apache-2.0
"""The cross-check with PyTorch itself: networks of several forms, every kind of checkpoint, and what it must notice."""
import json
import sys

import numpy
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: it is what is compared with")

from conftest import PLAIN, ROOT  # noqa: E402
from training_cycle import torch_check  # noqa: E402
from weight_export.sources import read_source  # noqa: E402

sys.path.append(str(ROOT / "tests" / "export"))
import torch_models  # noqa: E402

FORMS = ["tactical, one tensor", "tactical, critic", "tactical, vectorised, softmax spelled out", "strategic"]
FORM = ("--certify", "none", "--budget", "probability=1,value=1,argmax=0", "--require-torch", "--quiet", "--json")


@pytest.fixture
def compared(after_training, published):
    """(checkpoint, option ...) -> what the cross-check said."""
    def run(path, *options, code=0):
        done = after_training(path, "--folder", published.folder, "--name", "small", *FORM, *options,
                              TICKMLP_TORCH_PYTHON=sys.executable)
        assert done.code == code, done.errors
        return done.json["stages"][2]["result"] if code == 0 else done.json["error"]
    return run


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", FORMS)
def test_forms(compared, tmp_path, form):
    """Those that differ in how PyTorch takes the state or returns the outputs; the exporter's tests have them all."""
    build, _, _, _ = torch_models.FORMS[form]
    torch.manual_seed(3)
    torch.jit.freeze(torch.jit.script(build().eval())).save(str(tmp_path / "model.pt"))
    assert "PyTorch agrees to " in compared(tmp_path / "model.pt")


def test_npz(compared, checkpoint):
    weights = {"side.feature_weights": numpy.linspace(0.5, 1.5, 12).astype(numpy.float32),
               "side.clamp": numpy.float32([0, 1]), "value.b2": numpy.float32([0.25])}
    assert "PyTorch agrees to " in compared(checkpoint(5, **weights), "--window", "4x3", "--dtype", "float32")


def state_dict(tmp_path, dtype=torch.float32):
    torch.manual_seed(4)
    tensors = {"net.a": torch.randn(20, 8), "net.c": torch.randn(20), "net.b": torch.randn(6, 20),
               "net.f": torch.rand(3, 4), "critic.w": torch.randn(12, 5), "critic.v": torch.randn(5, 1)}
    path = tmp_path / "checkpoint.pt"
    torch.save({"model": {key: value.to(dtype) for key, value in tensors.items()}}, path)
    heads = [{"name": "side", "w1": "model.net.a", "b1": "model.net.c", "w2": "model.net.b", "inputs": [4, 8],
              "repeat": 2, "outputs": [3, 6], "feature_weights": "model.net.f", "feature_weights_row": 1},
             {"name": "value", "w1": "model.critic.w", "w2": "model.critic.v", "layout": "in_out", "clamp": [0, None]}]
    (tmp_path / "model.json").write_text(json.dumps({"inputs": 12, "window": [4, 3], "heads": heads}))
    return path


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_state_dict(compared, tmp_path, dtype):
    assert "PyTorch agrees to " in compared(state_dict(tmp_path, dtype), "--model", tmp_path / "model.json")


def test_half_precision_is_left_out(compared, after_training, published, tmp_path):
    path = state_dict(tmp_path, torch.bfloat16)
    error = compared(path, "--model", tmp_path / "model.json", code=15)
    assert error["name"] == "torch-missing" and "bfloat16" in error["message"]
    done = after_training(path, "--folder", published.folder, "--name", "small", *PLAIN, "--model",
                          tmp_path / "model.json", TICKMLP_TORCH_PYTHON=sys.executable)
    assert done.code == 0 and "not compared with PyTorch: weights are torch.bfloat16" in done.errors


def test_without_torch(refused):
    refused("torch-missing", 15, "--require-torch", words=["no python3 with torch"])


@pytest.mark.parametrize("damage, word", [
    (lambda head: head.w1.__setitem__((3, 4), head.w1[3, 4] + 1e-3), "within"),
    (lambda head: head.w2.__setitem__((0, 1), head.w2[0, 1] * 1.001), "within"),
    (lambda head: setattr(head, "clamp_high", 0.3), "within"),
    (lambda head: setattr(head, "activation", "identity"), "within")], ids=["w1", "w2", "clamp", "activation"])
def test_a_network_that_was_read_wrongly(compared, checkpoint, monkeypatch, damage, word):
    def wrong(*arguments):
        source = read_source(*arguments)
        damage(source.model.heads[0])
        return source
    monkeypatch.setattr(torch_check, "read_source", wrong)
    error = compared(checkpoint(), "--window", "4x3", code=14)
    assert error["name"] == "torch-mismatch" and word in error["message"]


def test_arguments_in_another_order(compared, tmp_path, monkeypatch):
    """A network of several inputs: the widths divide the state."""
    build, _, _, _ = torch_models.FORMS["strategic"]
    torch.manual_seed(3)
    path = tmp_path / "model.pt"
    torch.jit.script(build().eval()).save(str(path))
    source = read_source(str(path), None)
    assert sum(source.model.argument_widths) == source.model.inputs and len(source.model.argument_widths) > 1
    source.model.argument_widths.reverse()
    monkeypatch.setattr(torch_check, "read_source", lambda *arguments: source)
    assert compared(path, code=14)["name"] == "torch-mismatch"


def test_a_checkpoint_that_pytorch_does_not_run(compared, checkpoint, monkeypatch, tmp_path):
    path = checkpoint()
    def gone(*arguments):
        source = read_source(*arguments)
        path.unlink()
        return source
    monkeypatch.setattr(torch_check, "read_source", gone)
    error = compared(path, code=14)
    assert error["name"] == "torch-mismatch" and "PyTorch does not run" in error["message"]
