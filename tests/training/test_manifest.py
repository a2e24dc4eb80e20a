# SPDX-License-Identifier: Apache-2.0
"""weights/MANIFEST describes the blobs that lie beside it."""
import hashlib
import json
from pathlib import Path

import pytest
from reference_models.evaluation import REQUIRED_ERRORS
from reference_models.export import DTYPES
from reference_models.features import INPUTS

WEIGHTS = Path(__file__).resolve().parents[2] / "weights"
NAMES = [f"{model}-{dtype}.blob" for model in INPUTS for dtype in DTYPES]


@pytest.fixture(scope="module")
def manifest() -> dict:
    return json.loads((WEIGHTS / "MANIFEST").read_text())


def test_it_lists_exactly_the_bundled_blobs(manifest: dict) -> None:
    assert [entry["file"] for entry in manifest["files"]] == NAMES
    assert sorted(path.name for path in WEIGHTS.glob("*.blob")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_size_and_digest_are_those_of_the_file(manifest: dict, name: str) -> None:
    entry = next(entry for entry in manifest["files"] if entry["file"] == name)
    content = (WEIGHTS / name).read_bytes()
    assert entry["bytes"] == len(content)
    assert entry["sha256"] == hashlib.sha256(content).hexdigest()
    assert name == f"{entry['model']}-{entry['dtype']}.blob"


def test_every_head_beats_its_baseline(manifest: dict) -> None:
    for model in INPUTS:
        rows = manifest["models"][model]["held_out"]
        assert len({row["head"] for row in rows}) == 4
        for row in rows:
            assert row["better_by"] > REQUIRED_ERRORS * row["standard_error"] > 0, (model, row)
            assert row["model"] < row["baseline"], (model, row)


def test_quantised_weights_decide_as_the_trained_ones(manifest: dict) -> None:
    for entry in manifest["files"]:
        assert 0.99 <= entry["argmax_agreement"] <= 1.0, entry
        assert 0 < entry["probability_error"] < (0.02 if entry["dtype"] == "int8" else 1e-5), entry


def test_the_run_is_named(manifest: dict) -> None:
    assert manifest["run_id"] == f"reference-{manifest['seed']}"
    assert manifest["generation"] >= 1 and manifest["exporter"]
