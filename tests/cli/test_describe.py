# SPDX-License-Identifier: Apache-2.0
"""`tickmlp kernels` and `inspect`."""
import hashlib
import json


def test_kernels(tickmlp):
    report = json.loads(tickmlp("kernels", "--json").stdout)
    names = {kernel["name"]: kernel for kernel in report["kernels"]}
    for kernel in report["kernels"]:
        assert kernel.keys() >= {"name", "dtype", "isa", "available"}
    for dtype in ("int8", "float32"):
        assert names[f"{dtype}-scalar"]["available"] is True
        assert names[report["chosen"][dtype]]["available"] is True and names[report["chosen"][dtype]]["dtype"] == dtype
    text = tickmlp("kernels").stdout
    assert all(name in text for name in names) and text.count("chosen") == 3


def test_inspect(tickmlp, blob):
    report = json.loads(tickmlp("inspect", blob, "--json").stdout)
    assert report["name"] == blob.stem and report["dtype"] == blob.stem.split("-")[1]
    assert (report["inputs"], report["outputs"], report["generation"], report["run_id"]) == (12, 4, 7, "run-42")
    assert report["window"] == {"rows": 4, "columns": 3}
    assert report["blob_sha256"] == hashlib.sha256(blob.read_bytes()).hexdigest()
    assert report["source_sha256"] == hashlib.sha256(blob.with_suffix(".npz").read_bytes()).hexdigest()
    side, value = report["heads"]
    assert (side["name"], side["hidden"], side["outputs"], side["activation"]) == ("side", 20, 3, "softmax")
    assert (value["name"], value["hidden"], value["activation"], value["clamp"]) == ("value", 7, "identity", [0, 6])
    assert len(report["features"]) == 3 and len(report["accuracy"]["heads"]) == 2
    text = tickmlp("inspect", blob).stdout
    for words in (blob.stem, "4 rows x 3 columns", "run-42", "side", "softmax", report["blob_sha256"]):
        assert words in text


def test_inspect_without_a_window(tickmlp, flat_blob):
    assert json.loads(tickmlp("inspect", flat_blob, "--json").stdout)["window"] is None
    assert "window: none" in tickmlp("inspect", flat_blob).stdout
