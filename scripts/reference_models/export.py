# SPDX-License-Identifier: Apache-2.0
"""From the work folder to weights/: run the exporter, then write the MANIFEST."""
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

from .features import INPUTS

REPOSITORY = Path(__file__).resolve().parents[2]
EXPORTER = REPOSITORY / "tools" / "weight_export"
DTYPES = ("int8", "float32")


class ExportFailed(Exception):
    """The exporter refused; its own message has been shown."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"weight_export exited with {exit_code}")
        self.exit_code = exit_code


def exporter_version() -> str:
    text = (EXPORTER / "__init__.py").read_text()
    found = re.search(r'^VERSION = "([^"]+)"', text, re.MULTILINE)
    if not found:
        raise ValueError(f"{EXPORTER / '__init__.py'}: no line VERSION = \"...\"")
    return found.group(1)


def export_model(model: str, dtype: str, work: Path, weights: Path, results: dict) -> dict:
    """Write one blob; returns its entry in the MANIFEST."""
    shape = INPUTS[model]
    blob, report = weights / f"{model}-{dtype}.blob", work / f"{model}-{dtype}.report.json"
    command = [sys.executable, str(EXPORTER), str(work / f"{model}.pt"), "-o", str(blob), "--dtype", dtype,
               "--calibration", str(work / f"{model}-calibration.npy"), "--features", ",".join(shape.names),
               "--name", model, "--run-id", results["run_id"], "--generation", str(results["generation"]),
               "--report", str(report)]
    if shape.window > 1:
        command += ["--window", f"{shape.window}x{len(shape.names)}"]
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise ExportFailed(done.returncode)
    content = blob.read_bytes()
    return {"file": blob.name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(),
            "model": model, "dtype": dtype, **accuracy(json.loads(report.read_text()))}


def accuracy(report: dict) -> dict:
    """Against float64 on the calibration states: the actors' largest probability error, the critic's largest
    error, and the smallest share of states with the same most probable class."""
    actors = [head["accuracy"] for head in report["heads"] if head["outputs"] > 1]
    critics = [head["accuracy"] for head in report["heads"] if head["outputs"] == 1]
    return {"probability_error": max(figures["largest_error"] for figures in actors),
            "value_error": max(figures["largest_error"] for figures in critics),
            "argmax_agreement": min(figures["argmax_agreement"] for figures in actors)}


def export_all(work: Path, weights: Path) -> list[dict]:
    """Export what the work folder holds and write weights/MANIFEST; returns the entries of the blobs."""
    results = json.loads((work / "results.json").read_text())
    files = [export_model(model, dtype, work, weights, results) for model in results["models"] for dtype in DTYPES]
    manifest = {"schema": "tickmlp-weights-1", "command": "scripts/train_reference_models",
                "run_id": results["run_id"], "seed": results["seed"], "generation": results["generation"],
                "exporter": exporter_version(), "files": files, "models": results["models"]}
    (weights / "MANIFEST").write_text(readable(manifest) + "\n")
    return files


def readable(value: object, depth: int = 0) -> str:
    """JSON with one line for each object that holds no other, so that a table reads as a table."""
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, dict) and any(isinstance(item, (dict, list)) for item in value.values()):
        items = [f"{inner}{json.dumps(key)}: {readable(item, depth + 1)}" for key, item in value.items()]
        return "{\n" + ",\n".join(items) + f"\n{outer}}}"
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        return "[\n" + ",\n".join(inner + readable(item, depth + 1) for item in value) + f"\n{outer}]"
    return json.dumps(value)
