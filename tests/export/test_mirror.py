# SPDX-License-Identifier: Apache-2.0
"""The two descriptions of the header, runtime/blob.h and this exporter's, are held against each other."""
import json
import re
import subprocess
import sys

import pytest
from helpers import TOOL

ROOT = TOOL.parents[1]
SIZES = {"uint8_t": 1, "char": 1, "uint32_t": 4, "float": 4, "uint64_t": 8, "double": 8}


def structs() -> dict[str, dict[str, tuple[int, int]]]:
    """struct -> field -> (offset, bytes), from the C++ text; the compiler holds the offsets by static_assert."""
    text = (ROOT / "runtime" / "blob.h").read_text()
    found = {}
    for name, body in re.findall(r"struct (BlobHeader|BlobHead) \{(.*?)\n\};", text, re.S):
        offset, fields = 0, {}
        for kind, field, count in re.findall(r"^\s*(\w+) (\w+)(?:\[(\d+)\])?;", body, re.M):
            size = SIZES[kind] * int(count or 1)
            fields[field] = (offset, size)
            offset += size
        asserted = dict(re.findall(rf"offsetof\({name}, (\w+)\) == (\d+)", text))
        assert {field: str(place[0]) for field, place in fields.items() if place[0]} == asserted
        assert f"static_assert(sizeof({name}) == {offset});" in text
        found[name] = fields
    return found


@pytest.fixture(scope="module")
def layout():
    return json.loads(subprocess.run([sys.executable, TOOL, "--print-layout"], check=True, capture_output=True).stdout)


def test_offsets_and_sizes_are_the_same_in_both(layout):
    cpp = structs()
    for struct, key in (("BlobHeader", "header"), ("BlobHead", "head_record")):
        python = {f["name"]: (f["offset"], f["size"]) for f in layout[key]}
        assert python == cpp[struct]


def test_limits_are_the_same_in_both(layout):
    contract = (ROOT / "kernels" / "contract.h").read_text() + (ROOT / "runtime" / "blob.h").read_text()
    limits = {name: int(value) for name, value in re.findall(r"constexpr uint32_t k(\w+) = (\d+);", contract)}
    assert layout["limits"] == {"inputs": limits["MaxInputs"], "heads": limits["MaxHeads"],
                                "hidden": limits["MaxHidden"], "lanes": limits["MaxLanes"],
                                "outputs": limits["MaxHeadOutputs"], "file_bytes": 256 << 20}
    assert "kMaxBlobBytes = UINT64_C(256) << 20;" in contract
    assert (layout["format_version"], layout["layout"], layout["pruned_layout"], layout["golden_count"]) == (
        limits["BlobVersion"], limits["BlobLayout"], limits["PrunedLayout"], limits["GoldenCount"])
    assert layout["pruning"] == {"least_dropped": limits["LeastDropped"],
                                 "least_dropped_an_input": limits["LeastDroppedAnInput"]}


def test_each_description_names_the_other():
    for page in ("runtime/blob.h", "docs/BLOB_FORMAT.md"):
        assert re.findall(r"tools/weight_export/(\w+)\.py", (ROOT / page).read_text()) == ["layout"], page
    assert "MAGIC = bytes(" in (TOOL / "layout.py").read_text()
