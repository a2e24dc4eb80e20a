# SPDX-License-Identifier: Apache-2.0
"""Certificates of a folder in the order of time."""
import hashlib
import json
import shutil
import xml.etree.ElementTree

import pytest


def with_digest(document):
    """As `certify` would have written it: over the canonical form of all else."""
    rest = {key: value for key, value in document.items() if key != "digest"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return {**rest, "digest": hashlib.sha256(canonical).hexdigest()}


@pytest.fixture
def folder(tmp_path, document):
    """Three certificates written against the order of their names, and two files that are none."""
    for day, name in ((3, "a"), (1, "b"), (2, "c")):
        document["started"] = f"2026-01-0{day}T12:00:00Z"
        document["kernel"] = "int8-avx2" if day < 3 else "int8-new"
        (tmp_path / f"{name}.json").write_text(json.dumps(with_digest(document)))
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


def checked(tickmlp, folder, code):
    answer = tickmlp("history", folder, "--json")
    assert answer.returncode == code, answer.stderr
    return [(entry["checked"], entry["wrong"]) for entry in json.loads(answer.stdout)["certificates"]]


def test_without_the_evidence_only_the_digest_is_looked_at(tickmlp, folder):
    assert checked(tickmlp, folder, 0) == [("digest only", [])] * 3


def test_an_edited_certificate_is_named_and_marked(tickmlp, folder):
    """Whoever only edits breaks the digest."""
    document = json.loads((folder / "b.json").read_text())
    document["verdict"] = "PASS"
    (folder / "b.json").write_text(json.dumps(document))
    entries = checked(tickmlp, folder, 1)
    assert [entry[0] for entry in entries] == ["INVALID", "digest only", "digest only"]
    assert entries[0][1][0].startswith("digest: is ") and "the certificate says" in entries[0][1][0]
    answer = tickmlp("history", folder, "--html", folder / "h.html")
    assert answer.returncode == 1
    warnings = [line for line in answer.stdout.splitlines() if line.startswith("  INVALID: ")]
    assert len(warnings) == 1 and str(folder / "b.json") in warnings[0] and "digest: is " in warnings[0]
    page = (folder / "h.html").read_text()
    root = xml.etree.ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    assert str(folder / "b.json") in page and page.count("✗ INVALID") == 1
    for svg in root.iter("svg"):
        texts = [text.text for text in svg.iter("text")]
        assert texts.count("INVALID") == 1 and "✓" not in texts


def test_with_the_evidence_every_figure_is_computed_again(tickmlp, document, made_in, tmp_path):
    """A forger who makes the digest again is found by the log, as `verify` finds him."""
    shutil.copytree(made_in, tmp_path / "all")
    assert checked(tickmlp, tmp_path / "all", 0) == [("valid", [])]
    next(each for each in document["scenarios"] if each["id"] == "full-hot")["p99_ns"] = 1
    (tmp_path / "all" / "c.json").write_text(json.dumps(with_digest(document)))
    (state, wrong), = checked(tickmlp, tmp_path / "all", 1)
    assert state == "INVALID" and len(wrong) == 1 and wrong[0].startswith("figures: 1 differ:")
    assert "p99_ns" in wrong[0] and "the certificate says 1" in wrong[0]


def test_a_folder_without_certificates_is_refused(tickmlp, tmp_path):
    (tmp_path / "x.json").write_text("{}")
    for folder in (tmp_path, tmp_path / "none"):
        answer = tickmlp("history", folder)
        assert answer.returncode == 4 and str(folder) in answer.stderr
