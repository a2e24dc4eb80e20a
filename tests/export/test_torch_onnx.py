# SPDX-License-Identifier: Apache-2.0
"""ONNX files that torch itself writes: every form, several operation sets, held against torch's own outputs with the
tolerance that test_torch_forms.py derives. And state_dicts of torch.ao's quantised layers, whose codes stay."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: the models are written with it")

import torch_models  # noqa: E402
from test_torch_forms import check, states_of  # noqa: E402
from torch import nn  # noqa: E402
from torch.ao import quantization  # noqa: E402
from weight_export.read_blob import read_blob  # noqa: E402


def save(model, inputs, path, opset=13, **more):
    names = [f"in{i}" for i in range(len(inputs))]
    torch.onnx.export(model, tuple(inputs), str(path), opset_version=opset, input_names=names,
                      dynamic_axes={name: {0: "n"} for name in names}, **more)


@pytest.mark.parametrize("opset", [9, 17])
@pytest.mark.parametrize("form", torch_models.FORMS)
@pytest.mark.filterwarnings("ignore")
def test_form(export, tmp_path, form, opset):
    build, widths, heads, lanes = torch_models.FORMS[form]
    torch.manual_seed(3)
    model, inputs = build().eval(), states_of(widths)
    path = tmp_path / "model.onnx"
    save(model, [part[:1] for part in inputs], path, opset)
    packed = check(export(path, "--dtype", "float32"), path, model, inputs)
    assert len(packed.heads) == heads and sum(head.hidden for head in packed.heads) == lanes


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("outputs, wanted", [
    (["long", "short", "flat", "worth"], ["long", "short", "flat", "worth"]),
    (None, ["fvg", "momentum", "entry", "head3"])])
def test_head_names(export, tmp_path, outputs, wanted):
    path = tmp_path / "model.onnx"
    save(torch_models.Tactical().eval(), states_of([420], 1), path, output_names=outputs)
    result = export(path)
    result.succeeded()
    assert [head.name for head in read_blob(result.blob).packed.heads] == wanted


@pytest.mark.filterwarnings("ignore")
def test_fixed_batch(export, tmp_path):
    """Exported with 24 states and no dynamic axis, as an example batch often is."""
    model, inputs = torch_models.Mlp(12, 20, 3).eval(), states_of([12])
    path = tmp_path / "model.onnx"
    torch.onnx.export(model, tuple(inputs), str(path))
    check(export(path, "--dtype", "float32"), path, model, inputs)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("build, name, words", [
    (torch_models.three_layers, "three-layers", ["relu", "node"]),
    (torch_models.sigmoid, "unsupported-activation", ["Sigmoid", "node"]),
    (torch_models.tanh_output, "unsupported-activation", ["Tanh", "node"]),
    (torch_models.not_a_number, "weights-not-finite", ["0.weight"])], ids=str)
def test_refused_networks(export, tmp_path, build, name, words):
    path = tmp_path / "model.onnx"
    save(build(), states_of([4], 1), path)
    result = export(path)
    result.refused(name, *words)
    assert not result.blob.exists()


class Quantisable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.quant, self.dequant = quantization.QuantStub(), quantization.DeQuantStub()
        self.fc1, self.relu, self.fc2 = nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 3)

    def forward(self, x):
        return self.dequant(self.fc2(self.relu(self.fc1(self.quant(x)))))


OBSERVERS = {
    "per channel": (quantization.PerChannelMinMaxObserver, torch.per_channel_symmetric),
    "per tensor": (quantization.MinMaxObserver, torch.per_tensor_symmetric)}
HEAD = {"name": "a", "w1": "fc1.weight", "b1": "fc1.bias", "w2": "fc2.weight", "b2": "fc2.bias", "clamp": [0, None]}
LENIENT = ["--budget", "probability=1,value=1,argmax=0"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("observer", OBSERVERS)
def test_quantised_by_torch(export, tmp_path, monkeypatch, observer):
    """Static quantisation. The blob's codes are torch's int_repr, its scales torch's over the input scale."""
    monkeypatch.setattr(torch.backends.quantized, "engine", "qnnpack")
    kind, scheme = OBSERVERS[observer]
    weights = kind.with_args(dtype=torch.qint8, qscheme=scheme, quant_min=-127, quant_max=127)
    torch.manual_seed(1)
    model = Quantisable().eval()
    model.qconfig = quantization.QConfig(activation=quantization.default_observer, weight=weights)
    quantization.prepare(model, inplace=True)
    model(torch.rand(100, 12) * 2 - 1)
    quantization.convert(model, inplace=True)
    torch.save(model.state_dict(), tmp_path / "q.pth")
    (tmp_path / "d.json").write_text(json.dumps({"inputs": 12, "ignore": ["quant."], "heads": [HEAD]}))
    result = export(tmp_path / "q.pth", "--model", tmp_path / "d.json", *LENIENT)
    result.succeeded()
    weight = model.fc1.weight()
    scales = weight.q_per_channel_scales() if observer == "per channel" else torch.tensor([weight.q_scale()])
    packed = read_blob(result.blob).packed
    assert np.array_equal(packed.w1[:, :20], weight.int_repr().numpy().T)
    expected = (scales.double().numpy().astype(np.float32).astype(np.float64) / 127).astype(np.float32)
    assert np.array_equal(packed.lane_scale[:20], np.broadcast_to(expected, 20))
    second = model.fc2.weight()
    assert np.array_equal(packed.heads[0].w2[:, :20], second.dequantize().numpy())


@pytest.mark.filterwarnings("ignore")
def test_quantised_dynamically(export, tmp_path, monkeypatch):
    """torch's default observer reaches -128: refused by name, and taken as plain numbers where asked."""
    monkeypatch.setattr(torch.backends.quantized, "engine", "qnnpack")
    torch.manual_seed(1)
    plain = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 3)).eval()
    with torch.no_grad():
        plain[0].weight[2, 3] = -0.7
    model = quantization.quantize_dynamic(plain)
    assert model[0].weight().int_repr().min() == -128
    torch.save(model.state_dict(), tmp_path / "q.pth")
    head = {key: value.replace("fc1", "0").replace("fc2", "2") if isinstance(value, str) else value
            for key, value in HEAD.items()}
    (tmp_path / "d.json").write_text(json.dumps({"inputs": 12, "heads": [head]}))
    export(tmp_path / "q.pth", "--model", tmp_path / "d.json").refused("unsupported-quantisation", "quant_min=-127")
    export(tmp_path / "q.pth", "--model", tmp_path / "d.json", "--requantise", *LENIENT).succeeded()
