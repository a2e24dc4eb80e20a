# SPDX-License-Identifier: Apache-2.0
"""What the page holds, whatever the certificate holds. No browser."""
import json
import pathlib
import re
import shutil
import xml.etree.ElementTree

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOSTILE = "<script>alert(1)</script>&amp;\"'--><svg onload=x>\x07"


def parsed(page):
    return xml.etree.ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


def text_of(page):
    root = parsed(page)
    root.find("head").remove(root.find("head/style"))
    return " ".join("".join(root.itertext()).split())


def rows_of(page, caption):
    return [["".join(cell.itertext()) for cell in row] for table in parsed(page).iter("table")
            if table.findtext("caption") == caption for row in table.iter("tr")]


def test_every_scenario_and_audit_row_is_there(made):
    document, page = made
    heads = [row[0] for caption in ("Service time, back to back", "Service time, with gaps and cold caches")
             for row in rows_of(page, caption)]
    for scenario in document["scenarios"]:
        assert sum(head.startswith(scenario["name"]) for head in heads) == 1, scenario["name"]
    rows = rows_of(page, "Audit")[1:]
    assert len(rows) == len(document["audit"]) > 10
    for row, audited in zip(rows, document["audit"]):
        assert row[0].startswith(audited["name"]) and row[1].endswith(audited["grade"]) and row[1] != audited["grade"]
        assert row[2:] == [" ".join(audited[key].split("\n")) for key in ("seen", "why", "mend")]


def test_the_verdict_comes_first_with_every_reason(made):
    document, page = made
    text = text_of(page)
    assert document["verdict"] == "FAIL" and document["reasons"]
    assert text.index("FAIL") < text.index("What was asked") < text.index("Service time, back to back")
    for reason in document["reasons"]:
        assert reason in text


def test_budgets_are_drawn(made):
    document, page = made
    for budget in document["budgets"]:
        share = f"{budget['share_above_ppm'] / 1e4:.3g}"
        words = f"{budget['above_budget']:,} of {budget['count']:,} calls ({share} %) took longer than the budget."
        assert words in page
    drawn = [svg for svg in parsed(page).iter("svg") if svg.get("class") == "budget"]
    assert len(drawn) == len(document["budgets"]) == 3
    for svg in drawn:
        ground, _, limit = (float(svg.find(f"*[@class='{name}']").get(key)) for name, key in
                            (("beyond", "x"), ("interval", "x"), ("limit", "x1")))
        assert ground == limit


def test_too_few_samples_read_as_a_dash(made):
    head, *rows = rows_of(made[1], "Service time, back to back")
    assert rows[0][head.index("p99.99")] == "-" and rows[0][head.index("p99.9")] != "-"


def test_charts_have_titles_and_unique_names(made):
    root = parsed(made[1])
    names = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(names) == len(set(names))
    charts = list(root.iter("svg"))
    assert len(charts) >= 2 * 6
    for svg in charts:
        assert svg.get("role") == "img" and svg.findtext("title") and len(svg.findtext("desc")) > 20
        assert set(svg.get("aria-labelledby").split()) <= set(names)


def test_the_histogram_needs_evidence_and_the_curves_do_not(made, document, page_of):
    assert "Histogram of the same calls" in made[1]
    page = page_of(document)
    assert "Histogram of the same calls" not in page and "Latency by percentile, back to back" in page
    assert "epochs in their order" in page and "seconds since the measurement began" in made[1]


def test_nothing_is_loaded_from_anywhere(made):
    page = made[1]
    assert not re.search(r"https?:|\burl\(|@import|\bsrc=|\bhref=|<script|<link|\bon\w+=", page)
    assert "default-src 'none'" in page


def test_hostile_text_stays_text(document, page_of):
    def spoil(value):
        if isinstance(value, dict):
            return {key: value[key] if key == "schema" else spoil(value[key]) for key in value}
        if isinstance(value, list):
            return [spoil(entry) for entry in value]
        return HOSTILE if isinstance(value, str) and value not in ("full", "tick", "hot", "service") else value
    page = page_of(spoil(document))
    root = parsed(page)
    assert not list(root.iter("script")) and not [element for element in root.iter() if "onload" in element.keys()]
    assert HOSTILE.replace("\x07", "\ufffd") in "".join(root.find("body").itertext())


@pytest.mark.parametrize("value", [None, 3, "text", [], [1, "a", None], {}, {"a": {"b": []}}, True])
def test_fields_of_another_type_do_no_harm(document, page_of, value):
    for key in document:
        if key == "schema":
            continue
        parsed(page_of({**document, key: value}))
    for key in document["scenarios"][0]:
        parsed(page_of({**document, "scenarios": [{**document["scenarios"][0], key: value}]}))


def test_missing_fields_do_no_harm(document, page_of):
    for key in document:
        if key != "schema":
            parsed(page_of({other: document[other] for other in document if other != key}))
    assert "Nothing: no scenario was run" in page_of({"schema": document["schema"]})


def test_incomplete_and_wrong_ones_say_so(document, page_of):
    assert "Incomplete" not in page_of(document)
    document.update(complete=False, interrupt_signal=2)
    assert "Incomplete" in page_of(document) and "by signal 2" in page_of(document)
    document["correctness"]["mismatch"] = "output 3 of state 7"
    assert "output 3 of state 7" in page_of(document)


def test_without_a_tick_path(document, page_of):
    document["scenarios"] = [scenario for scenario in document["scenarios"] if scenario["path"] == "full"]
    page = page_of(document)
    assert "tick path" not in text_of(page).split("Audit of the machine")[0]


def test_a_saturated_response_scenario_has_no_percentiles(document, page_of):
    row = {**{key: None for key in document["scenarios"][0]}, "id": "full-response-constant-1m", "kind": "response",
           "path": "full", "cache": "hot", "name": "full path, 1m a second", "scenario": "response-constant-1m",
           "saturated": True, "planned_misses": 1234, "capacity_per_s": 987654, "count": 0, "worst": []}
    document["scenarios"].append(row)
    page = page_of(document)
    head, cells = rows_of(page, "Response time, under a schedule")
    assert "saturated" in cells[0] and "1,234" in cells[0] and "987,654" in cells[0]
    assert set(cells[1:]) == {"-"}
    assert not any(cell[0].startswith(row["name"]) for cell in rows_of(page, "Service time, back to back"))


def test_a_crowded_chart_is_split(document, page_of):
    def titles():
        return [title.text for title in parsed(page_of(document)).iter("figcaption") if "not hot" in title.text]
    assert len(titles()) == 2  # full and tick path, gaps and evictions together
    spaced = next(scenario for scenario in document["scenarios"] if scenario["id"] == "full-spaced-100us")
    document["scenarios"] += [{**spaced, "id": f"full-{i}", "scenario": f"gap {i}"} for i in range(6)]
    assert [title.rpartition(", ")[2] for title in titles()] == ["after a gap", "evicted", "tick path"]


@pytest.mark.parametrize("content, said", [("{", "no JSON"), ("[]", "schema is null"),
                                           ('{"schema":"x/2"}', 'schema is "x/2"')])
def test_what_is_no_certificate_is_refused_by_name(tickmlp, tmp_path, content, said):
    (tmp_path / "c.json").write_text(content)
    answer = tickmlp("page", tmp_path / "c.json", "-o", tmp_path / "c.html")
    assert answer.returncode == 4 and said in answer.stderr and "c.json" in answer.stderr
    assert not (tmp_path / "c.html").exists()


def test_a_page_is_never_written_over_its_certificate(tickmlp, tmp_path, made):
    (tmp_path / "c.json").write_text(json.dumps(made[0]))
    assert tickmlp("page", tmp_path / "c.json", "-o", tmp_path / "c.json").returncode == 2
    assert tickmlp("page", tmp_path / "none.json", "-o", tmp_path / "c.html").returncode == 4


def test_a_page_is_never_written_over_the_evidence(tickmlp, tmp_path, made_in):
    shutil.copytree(made_in, tmp_path / "all")
    whole = {path: path.read_bytes() for path in (tmp_path / "all").iterdir()}
    for name in ("c.hlog", "c.full-hot.hgrm", "c.json"):
        for command in (("page", tmp_path / "all" / "c.json", "-o"), ("history", tmp_path / "all", "--html")):
            answer = tickmlp(*command, tmp_path / "all" / name)
            assert answer.returncode == 2 and "expected another name" in answer.stderr, answer
    assert {path: path.read_bytes() for path in (tmp_path / "all").iterdir()} == whole


def test_labels_of_a_million_calls_are_not_cut_off(tickmlp, tmp_path):
    """Half of them share a bin, on a clock that steps."""
    answer = tickmlp("certify", ROOT / "weights" / "strategic-int8.blob", "--samples", 2_500_000, "--runs", 1,
                     "--epochs", 1, "--scenario", "hot", "--html", tmp_path / "c.html")
    assert answer.returncode == 3, answer.stderr
    texts = re.findall(r'<text class="tick end" x="([\d.]+)"[^>]*>([^<]+)<', (tmp_path / "c.html").read_text())
    assert any(label == "1 M" for _, label in texts)
    assert all(float(x) >= 7.2 * len(label) for x, label in texts), texts


def colours(page, dark):
    start = page.index("@media screen and (prefers-color-scheme: dark)") if dark else 0
    return dict(re.findall(r"--([\w-]+):(#[0-9a-f]{3,6})\b", page[start:].split("}", 1)[0]))


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[i:i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [False, True])
def test_text_and_lines_stand_out_from_their_ground(made, dark):
    """4.5 for text and 3 for lines: WCAG 2.1, 1.4.3 and 1.4.11."""
    known = colours(made[1], dark)
    pairs = [("ink", "ground"), ("soft", "ground"), ("soft", "raised"), ("good", "ground"), ("bad", "ground"),
             ("open", "ground"), ("good", "good-ground"), ("bad", "bad-ground"), ("open", "open-ground"),
             *((f"s{i}", "ground") for i in range(8)), ("f0", "ground"), ("f1", "ground")]
    for above, below in pairs:
        low, high = sorted(luminance(known[name]) for name in (above, below))
        contrast = (high + 0.05) / (low + 0.05)
        assert contrast >= (3 if above == "f1" else 4.5), f"{above} on {below}: {contrast:.2f}"
