# SPDX-License-Identifier: Apache-2.0
"""Certificates of a folder in the order of time."""
import json
import xml.etree.ElementTree

import pytest


@pytest.fixture
def folder(tmp_path, document):
    """Three certificates written against the order of their names, and two files that are none."""
    for day, name in ((3, "a"), (1, "b"), (2, "c")):
        document["started"] = f"2026-01-0{day}T12:00:00Z"
        document["kernel"] = "int8-avx2" if day < 3 else "int8-new"
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    (tmp_path / "other.json").write_text('{"schema": "other/1"}')
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "notes.txt").write_text("no certificate")
    return tmp_path


def test_the_table_is_in_the_order_of_time(tickmlp, folder, document):
    answer = tickmlp("history", folder)
    assert answer.returncode == 0, answer.stderr
    days = [line.split()[0] for line in answer.stdout.splitlines() if line.startswith("  2026-01")]
    assert days == [f"2026-01-0{day}T12:00:00Z" for day in (1, 1, 2, 2, 3, 3)]  # full and tick path
    assert "other.json" in answer.stdout and "broken.json" in answer.stdout and "notes.txt" not in answer.stdout
    assert f"{document['ratios']['full_to_memory_floor']:.3f}" in answer.stdout


def test_as_json(tickmlp, folder, document):
    read = json.loads(tickmlp("history", folder, "--json").stdout)
    hot = next(scenario for scenario in document["scenarios"] if scenario["id"] == "tick-hot")
    assert [entry["kernel"] for entry in read["certificates"]] == ["int8-avx2", "int8-avx2", "int8-new"]
    assert read["certificates"][0]["tick"] == {key: hot[key] for key in ("central_ns", "p50_ns", "p99_ns")}
    assert len(read["left_out"]) == 2 and read["certificates"][0]["verdict"] == document["verdict"]


def test_the_page_plots_each_path_and_marks_what_changed(tickmlp, folder, document):
    answer = tickmlp("history", folder, "--html", folder / "h.html")
    assert answer.returncode == 0, answer.stderr
    page = (folder / "h.html").read_text()
    root = xml.etree.ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    titles = [title.text for title in root.iter("figcaption")]
    name = f"{document['model']['name']}, {document['model']['dtype']}"
    assert titles == [f"{name}, full path", f"{name}, tick path", f"{name}, ratio to the memory floor"]
    for svg in root.iter("svg"):
        texts = [text.text for text in svg.iter("text")]
        assert texts.count("kernel int8-new") == 1 and texts.count("✗") == 3
        assert len(list(svg.iter("circle"))) == (3 if "ratio" in svg.findtext("title") else 9)


def test_a_folder_without_certificates_is_refused(tickmlp, tmp_path):
    (tmp_path / "x.json").write_text("{}")
    for folder in (tmp_path, tmp_path / "none"):
        answer = tickmlp("history", folder)
        assert answer.returncode == 4 and str(folder) in answer.stderr
