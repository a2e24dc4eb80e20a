# SPDX-License-Identifier: Apache-2.0
"""Evidence files in the eyes of hdr-histogram-js: every line of the log, every figure, every byte of the tables."""
import pytest

FIGURES = ["count", "percentiles", "max"]


def test_every_line_has_our_tag_and_times(sample, theirs):
    ours = sorted(sample[1]["lines"], key=lambda line: line["begin_s"])
    assert len(theirs["lines"]) == len(ours) > 70
    assert [line["tag"] for line in theirs["lines"]] == [line["tag"] for line in ours]
    for seen, line in zip(theirs["lines"], ours):
        begin_ms = 1000 * (sample[1]["started"] + line["begin_s"])
        assert seen["startTimeStampMsec"] == pytest.approx(begin_ms, abs=0.01)
        assert seen["endTimeStampMsec"] == pytest.approx(begin_ms + 1000 * line["seconds"], abs=0.01)


def test_every_line_has_our_figures(sample, theirs):
    ours = sorted(sample[1]["lines"], key=lambda line: line["begin_s"])
    for seen, line in zip(theirs["lines"], ours):
        assert [seen[name] for name in FIGURES] == [line[name] for name in FIGURES], line["tag"]


def test_every_series_has_our_figures(sample, theirs):
    assert theirs["series"].keys() == sample[1]["series"].keys()
    for name, line in sample[1]["series"].items():
        assert [theirs["series"][name][figure] for figure in FIGURES] == [line[figure] for figure in FIGURES], name
    assert theirs["series"]["above-32-bits"]["count"] == 2 ** 33 + 5 + 7 + 11


def test_every_table_has_our_bytes(sample, theirs):
    folder, ours = sample
    for name in ours["series"]:
        assert theirs["series"][name]["table"] == (folder / f"{name}.hgrm").read_bytes().decode(), name
