# SPDX-License-Identifier: Apache-2.0
"""Training, saving and scoring with PyTorch, on runs of seconds."""
import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (Debian: python3-torch)")

from reference_models import save, train, training  # noqa: E402
from reference_models.dataset import Dataset, make_dataset  # noqa: E402
from reference_models.evaluation import score_head  # noqa: E402
from reference_models.export import export_all, readable  # noqa: E402
from reference_models.networks import NETWORKS, Linear  # noqa: E402

MODELS = ["tactical", "strategic"]
SHORT = training.Schedule(steps=40, batch=64)


@pytest.fixture(scope="module")
def datasets() -> dict[str, Dataset]:
    return {model: make_dataset(model, 20_000, seed=1) for model in MODELS}


def short_run(model: str, data: Dataset, seed: int = 1) -> torch.nn.Module:
    training.prepare(seed)
    network = NETWORKS[model]()
    training.train(network, data, SHORT, seed, model)
    return network


@pytest.mark.parametrize("model", MODELS)
def test_the_same_seed_trains_the_same_weights(model: str, datasets: dict[str, Dataset]) -> None:
    first, again = short_run(model, datasets[model]), short_run(model, datasets[model])
    other = short_run(model, datasets[model], seed=2)
    for name, weights in first.state_dict().items():
        assert torch.equal(weights, again.state_dict()[name]), name
        assert not torch.equal(weights, other.state_dict()[name]), name


@pytest.mark.parametrize("model", MODELS)
def test_training_lowers_the_held_out_loss_of_every_head(model: str, datasets: dict[str, Dataset]) -> None:
    data = datasets[model]
    training.prepare(1)
    untrained = NETWORKS[model]().eval()
    outputs = zip(data.tasks, training.predict(untrained, data, data.held_out),
                  training.predict(short_run(model, data), data, data.held_out))
    for task, before, after in outputs:
        loss_before = score_head(task, data.training, data.held_out, before, before)[0].model
        loss_after = score_head(task, data.training, data.held_out, after, after)[0].model
        assert loss_after < loss_before, task.head


@pytest.mark.parametrize("model", MODELS)
def test_torchscript_and_state_dict_give_the_network_back(model: str, tmp_path: Path,
                                                          datasets: dict[str, Dataset]) -> None:
    data = datasets[model]
    network = short_run(model, data)
    save.save_model(network, data, model, tmp_path)
    states = np.load(tmp_path / f"{model}-calibration.npy")
    assert states.shape == (save.CALIBRATION_STATES, data.shape.inputs) and states.dtype == np.float32
    inputs = training.split_inputs(network, states)
    scripted = torch.jit.load(str(tmp_path / f"{model}.pt"))
    fresh = NETWORKS[model]()
    fresh.load_state_dict(torch.load(tmp_path / f"{model}.state_dict.pt"))
    expected = network(*inputs)
    assert [tuple(output.shape) for output in expected] == [(len(states), n) for n in (3, 3, 3, 1)]
    for want, script, loaded in zip(expected, scripted(*inputs), fresh(*inputs)):
        # The same operations in the same order; freezing may fuse a product, so not bit for bit.
        assert torch.allclose(want, script, rtol=0, atol=1e-6)
        assert torch.equal(want, loaded)
    for probabilities in expected[:3]:
        assert torch.allclose(probabilities.sum(dim=1), torch.ones(len(states)), atol=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_the_archive_names_the_heads_and_no_folder(model: str, tmp_path: Path, datasets: dict[str, Dataset]) -> None:
    save.save_model(NETWORKS[model](), datasets[model], model, tmp_path)
    with zipfile.ZipFile(tmp_path / f"{model}.pt") as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    code = next(text for name, text in contents.items() if name.endswith(".py")).decode()
    assert f"return ({', '.join(task.head for task in datasets[model].tasks)})" in code
    folder = str(Path(save.__file__).parent).encode()
    assert not [name for name, content in contents.items() if folder in content]


def test_the_networks_have_the_documented_shapes() -> None:
    shapes = {model: {name: tuple(weights.shape) for name, weights in NETWORKS[model]().state_dict().items()}
              for model in MODELS}
    for head in ("fvg", "momentum", "entry"):
        assert shapes["tactical"][f"{head}.layer1.weight"] == (64, 420)
        assert shapes["tactical"][f"{head}.feature_weights"] == (420,)
    assert shapes["tactical"]["critic.layer1.weight"] == (32, 420)
    assert not [name for name in shapes["tactical"] if name.endswith("bias")]
    widths = {head: shapes["strategic"][f"{head}.layer1.weight"] for head in ("mlmi", "nwrqk", "mmd", "critic")}
    assert widths == {"mlmi": (64, 4), "nwrqk": (64, 6), "mmd": (32, 3), "critic": (64, 13)}


@pytest.mark.parametrize("model", MODELS)
def test_outputs_are_the_heads_in_order(model: str) -> None:
    network = NETWORKS[model]().eval()
    inputs = torch.rand(5, sum(network.widths)).split(list(network.widths), dim=1)
    first, second, third, value = network.logits(*inputs)
    expected = [first.softmax(dim=1), second.softmax(dim=1), third.softmax(dim=1), value]
    assert all(map(torch.equal, network(*inputs), expected))


def test_strategic_actors_read_their_own_inputs_only() -> None:
    network, x = NETWORKS["strategic"]().eval(), torch.zeros(1, 13)
    x[0, 4:] = 0.5
    changed, plain = network(*x.split([4, 6, 3], dim=1)), network(*torch.zeros(1, 13).split([4, 6, 3], dim=1))
    assert torch.equal(changed[0], plain[0])
    assert all(not torch.equal(changed[i], plain[i]) for i in (1, 2, 3))


def test_an_untrained_head_is_reported_and_nothing_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                               capsys: pytest.CaptureFixture[str]) -> None:
    lazy = {model: training.Schedule(steps=1, batch=2, rate=0.0) for model in MODELS}
    monkeypatch.setattr(train, "SCHEDULES", lazy)
    code = train.main(["--bars", "20000", "--work", str(tmp_path / "work"), "--weights", str(tmp_path / "weights")])
    assert code == 1
    assert "tactical critic: squared_error" in capsys.readouterr().err
    assert not list((tmp_path / "weights").iterdir()) and not (tmp_path / "work" / "results.json").exists()


def test_a_folder_that_cannot_be_made_is_said_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert train.main(["--work", str(tmp_path / "file" / "work")]) == 4
    assert str(tmp_path / "file") in capsys.readouterr().err


def test_a_saved_model_exports_and_the_manifest_says_what_was_written(tmp_path: Path,
                                                                       datasets: dict[str, Dataset]) -> None:
    for model in MODELS:
        save.save_model(short_run(model, datasets[model]), datasets[model], model, tmp_path)
    models = {model: {"held_out": [{"head": "critic", "model": 0.5}]} for model in MODELS}
    results = {"run_id": "reference-1", "seed": 1, "generation": 7, "models": models}
    (tmp_path / "results.json").write_text(json.dumps(results))
    files = export_all(tmp_path, tmp_path)
    manifest = json.loads((tmp_path / "MANIFEST").read_text())
    assert manifest["files"] == files and manifest["generation"] == 7 and manifest["models"] == models
    assert [entry["file"] for entry in files] == [
        "tactical-int8.blob", "tactical-float32.blob", "strategic-int8.blob", "strategic-float32.blob"]
    for entry in files:
        content = (tmp_path / entry["file"]).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    report = json.loads((tmp_path / "tactical-int8.report.json").read_text())
    assert [head["name"] for head in report["heads"]] == ["fvg", "momentum", "entry", "critic"]


def test_a_refused_export_ends_with_the_exporter_s_exit_code(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(json.dumps(
        {"run_id": "reference-1", "seed": 1, "generation": 1, "models": {"tactical": {}}}))
    (tmp_path / "tactical.pt").write_bytes(b"not an archive")
    assert train.main(["--skip-training", "--work", str(tmp_path), "--weights", str(tmp_path)]) == 4
    assert not (tmp_path / "MANIFEST").exists()


def test_linear_comparison_has_the_same_outputs() -> None:
    outputs = Linear(13)(torch.zeros(2, 13))
    assert [tuple(output.shape) for output in outputs] == [(2, 3), (2, 3), (2, 3), (2, 1)]


def test_readable_json_is_json_with_a_line_a_row() -> None:
    value = {"a": 1, "rows": [{"x": 1.5, "y": "z"}, {"x": 2, "y": None}], "empty": [], "deep": {"b": {"c": [1, 2]}}}
    text = readable(value)
    assert json.loads(text) == value
    assert '    {"x": 1.5, "y": "z"},\n' in text
