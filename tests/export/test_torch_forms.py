# SPDX-License-Identifier: Apache-2.0
"""Every model form that must run, built and saved by torch, exported as float32 and compared with torch's own output.

The tolerance is derived, not chosen. With u = 2^-24, a sum of n products in any order, fused or not, is within
(n + 2) u sum|w x| of the exact one, so two such sums differ by at most twice that (plus one rounding of each folded
weight, the + 2). A clamp does not enlarge differences, layer 2 adds its own sum, and a softmax turns a difference d
of its logits into at most d / 2, plus a few roundings of exp and the division.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: the forms are built with it")

import torch_models  # noqa: E402
from helpers import Result  # noqa: E402
from weight_export.packed import evaluate  # noqa: E402
from weight_export.read_blob import read_blob  # noqa: E402
from weight_export.sources import read_source  # noqa: E402

UNIT = 2.0**-24
SAVERS = {
    "scripted": lambda model, inputs: torch.jit.script(model),
    "traced": lambda model, inputs: torch.jit.trace(model, inputs),
    "frozen script": lambda model, inputs: torch.jit.freeze(torch.jit.script(model)),
    "frozen trace": lambda model, inputs: torch.jit.freeze(torch.jit.trace(model, inputs)),
    "optimised script": lambda model, inputs: torch.jit.optimize_for_inference(torch.jit.script(model)),
    "optimised trace": lambda model, inputs: torch.jit.optimize_for_inference(torch.jit.trace(model, inputs)),
}


def states_of(widths, count=24):
    torch.manual_seed(7)
    return [torch.rand(count, width) * 2 - 1 for width in widths]


def tolerance(path, window, x):
    """[n, outputs] from the heads that were read; x float64 [n, inputs]."""
    columns = []
    for head in read_source(str(path), None, window).model.heads:
        n, h = len(head.w1) + 2, head.hidden + 2
        hidden = np.clip(x @ head.w1 + head.b1, 0, head.clamp_high)
        hidden_error = 2 * n * UNIT * (np.abs(x) @ np.abs(head.w1) + np.abs(head.b1))
        magnitude = hidden @ np.abs(head.w2).T + np.abs(head.b2)
        error = hidden_error @ np.abs(head.w2).T + 2 * h * UNIT * magnitude
        if head.activation == "softmax":
            error = np.repeat(error.max(axis=1, keepdims=True) / 2 + 16 * UNIT, head.outputs, axis=1)
        columns.append(error)
    return np.concatenate(columns, axis=1)


def flat(value, count):
    """torch's outputs as [n, outputs], in the order they are returned."""
    if isinstance(value, torch.Tensor):
        return value.detach().double().reshape(count, -1).numpy()
    parts = value.values() if isinstance(value, dict) else value
    return np.concatenate([flat(part, count) for part in parts], axis=1)


def check(result: Result, path, model, inputs, window=(0, 0)):
    """Exported outputs equal torch's, within the derived tolerance and within 1e-4 whatever that is."""
    result.succeeded()
    packed = read_blob(result.blob).packed
    x = torch.cat(inputs, dim=1).numpy()
    seen = evaluate(packed, x)
    with torch.no_grad():
        expected = flat(model(*inputs), len(x))
    assert seen.shape == expected.shape
    difference, allowed = np.abs(seen - expected), tolerance(path, window, x.astype(np.float64))
    assert np.all(difference <= allowed) and difference.max() <= 1e-4, difference.max()
    return packed


@pytest.mark.parametrize("saver", SAVERS)
@pytest.mark.parametrize("form", torch_models.FORMS)
@pytest.mark.filterwarnings("ignore")
def test_form(export, tmp_path, form, saver):
    build, widths, heads, lanes = torch_models.FORMS[form]
    torch.manual_seed(3)
    model, inputs = build().eval(), states_of(widths)
    path = tmp_path / "model.pt"
    SAVERS[saver](model, tuple(part[:1] for part in inputs)).save(str(path))
    packed = check(export(path, "--dtype", "float32"), path, model, inputs)
    assert len(packed.heads) == heads and sum(head.hidden for head in packed.heads) == lanes


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", torch_models.FORMS)
def test_int8_form(export, tmp_path, form):
    """Within the default error budgets (agreement is for trained models to keep)."""
    build, _, _, _ = torch_models.FORMS[form]
    torch.manual_seed(3)
    path = tmp_path / "model.pt"
    torch.jit.freeze(torch.jit.script(build().eval())).save(str(path))
    export(path, "--budget", "argmax=0").succeeded()


def test_head_names_come_from_submodules(export, tmp_path):
    path = tmp_path / "model.pt"
    torch.jit.script(torch_models.Tactical().eval()).save(str(path))
    result = export(path)
    result.succeeded()
    assert [head.name for head in read_blob(result.blob).packed.heads] == ["fvg", "momentum", "entry", "critic"]


def test_head_names_come_from_a_dict(export, tmp_path):
    path = tmp_path / "model.pt"
    torch.jit.script(torch_models.Named().eval()).save(str(path))
    result = export(path)
    result.succeeded()
    assert [head.name for head in read_blob(result.blob).packed.heads] == ["direction", "worth"]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_element_types(export, tmp_path, dtype):
    """The weights arrive exactly (float64: rounded once)."""
    model = torch_models.Mlp(12, 20, 3).eval().to(dtype)
    path = tmp_path / "model.pt"
    torch.jit.script(model).save(str(path))
    result = export(path, "--dtype", "float32")
    result.succeeded()
    w1 = model.first.weight.detach().double().numpy().T
    assert np.array_equal(read_blob(result.blob).packed.w1[:, :20], w1.astype(np.float32))
    assert ("weights are float64" in result.text) == (dtype == torch.float64)


def test_non_contiguous_constants(export, tmp_path):
    model = torch_models.Mlp(12, 20, 3).eval()
    model.first.weight = torch.nn.Parameter(torch.randn(30, 40)[3:15, 5:25].t())
    model.second.weight = torch.nn.Parameter(torch.randn(6, 40)[::2, ::2])
    assert not model.first.weight.is_contiguous() and not model.second.weight.is_contiguous()
    path = tmp_path / "model.pt"
    torch.jit.freeze(torch.jit.script(model)).save(str(path))
    check(export(path, "--dtype", "float32"), path, model, states_of([12]))


@pytest.mark.parametrize("build, name, word", torch_models.REFUSED, ids=lambda value: getattr(value, "__name__", None))
@pytest.mark.filterwarnings("ignore")
def test_refused_networks(export, tmp_path, build, name, word):
    path = tmp_path / "model.pt"
    torch.jit.script(build()).save(str(path))
    result = export(path)
    result.refused(name, word, "line")
    assert not result.blob.exists()


def test_legacy_checkpoint(export, tmp_path):
    path = tmp_path / "old.pth"
    torch.save(torch_models.Mlp(4, 4, 2).state_dict(), path, _use_new_zipfile_serialization=False)
    export(path).refused("legacy-pickle", "1.6")


def test_whole_module_pickle(export, tmp_path):
    path = tmp_path / "module.pt"
    torch.save(torch_models.Mlp(4, 4, 2), path)
    (tmp_path / "d.json").write_text('{"inputs": 4, "heads": [{"name": "a", "w1": "w", "w2": "w"}]}')
    export(path, "--model", tmp_path / "d.json").refused("pickle-not-allowed", "torch_models.Mlp")
