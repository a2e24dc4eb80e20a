# SPDX-License-Identifier: Apache-2.0
"""Draw what `scripts/compare_experiment` found: the effect of every comparison, by its verdict, of a copy of the
program and of a model that reads 5 % more. The same summary gives the same bytes."""
import json
import sys
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from latency_picture import Failure, run

import matplotlib.pyplot as plt

# Verdict, colour, of the bars' parts from the bottom up.
VERDICTS = (("same", "#0072b2"), ("faster", "#009e73"), ("slower", "#d55e00"), ("inconclusive", "#bbbbbb"))
ROWS = (("same", "a copy of itself"), ("slower", "5 % more weights"))
STEP = 0.25  # percent a bar


def read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            summary = json.load(file)
        for group, _ in ROWS:
            if not all({"effect_percent", "verdict"} <= set(row) for row in summary[group]["comparisons"]):
                raise ValueError(f"a comparison of {group} has no effect or no verdict")
    except (OSError, ValueError, KeyError, TypeError) as why:
        what = f"lacks {why}" if isinstance(why, KeyError) else str(why)
        raise Failure(f"{path}: {what}; expected the summary.json of scripts/compare_experiment") from None
    return summary


def draw_row(axes: Axes, comparisons: list[dict[str, Any]], title: str, edges: list[float]) -> None:
    effects = [[row["effect_percent"] for row in comparisons if row["verdict"] == verdict] for verdict, _ in VERDICTS]
    axes.hist(effects, bins=edges, stacked=True, color=[colour for _, colour in VERDICTS],
              label=[f"{verdict}: {len(values)}" for (verdict, _), values in zip(VERDICTS, effects)])
    axes.set_title(f"{title}: {len(comparisons)} comparisons", loc="left", fontsize=10)
    axes.set_ylabel("comparisons")
    axes.legend(frameon=False, title="verdict")
    axes.grid(True, axis="y", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def draw(paths: list[str], output: str) -> None:
    summary = read(paths[0])
    effects = [row["effect_percent"] for group, _ in ROWS for row in summary[group]["comparisons"]]
    if not effects:
        raise Failure(f"{paths[0]}: no comparison in it; expected at least one")
    first, last = int(min(effects) // STEP), int(max(effects) // STEP) + 1
    edges = [STEP * i for i in range(first, last + 1)]
    plt.rcParams.update({"svg.hashsalt": "tickmlp", "font.size": 10})
    figure, rows = plt.subplots(len(ROWS), figsize=(9, 5), sharex=True, layout="constrained")
    for axes, (group, title) in zip(rows, ROWS):
        draw_row(axes, summary[group]["comparisons"], title, edges)
    rows[-1].set_xlabel("how much longer B took than A, percent, as the comparison estimated it")
    figure.savefig(output, facecolor="white", metadata={"Date": None} if output.endswith(".svg") else None)


if __name__ == "__main__":
    matplotlib.use("Agg")
    sys.exit(run("draw_compare", __doc__, "SUMMARY.json", draw))
