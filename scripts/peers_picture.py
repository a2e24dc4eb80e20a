# SPDX-License-Identifier: Apache-2.0
"""Draw tickmlp beside its peers (`scripts/compare_peers --json`): the median time of one inference of each system, on a
logarithmic axis, fastest first. The same file gives the same bytes."""
import json
import sys
from typing import Any, NamedTuple

import matplotlib
import matplotlib.ticker
from matplotlib.axes import Axes

from latency_picture import Failure, nanoseconds, run

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  after the choice of backend

OURS, PEER = "#0072b2", "#b0b0b0"


class Bar(NamedTuple):
    label: str
    p50: float
    p99: float
    ours: bool


class Comparison(NamedTuple):
    models: dict[str, list[Bar]]  # by model, fastest first
    timer: float


def bar_of(row: dict[str, Any]) -> Bar:
    ours = "system" not in row
    what = f"tickmlp, {row['path']} path" if ours else f"{row['system']} {row['version']}".strip()
    p50, p99 = row["p50_ns"], row["p99_ns"]
    if not isinstance(p50, (int, float)) or not p50 > 0:
        raise ValueError(f"{what}: p50_ns is {p50!r}")
    return Bar(f"{what}, {row['dtype']}".replace("$", r"\$"), p50, p99 or p50, ours)


def read(path: str) -> Comparison:
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        models: dict[str, list[Bar]] = {}
        for row in content["peers"] + content["ours"]:
            models.setdefault(row["model"], []).append(bar_of(row))
        if not models:
            raise ValueError("it compares nothing")
        for bars in models.values():
            bars.sort(key=lambda bar: bar.p50)
        return Comparison(models, content["timer_ns"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as why:
        what = f"lacks {why}" if isinstance(why, KeyError) else str(why)
        raise Failure(f"{path}: {what}; expected what `scripts/compare_peers --json` wrote") from None


def draw_model(axes: Axes, model: str, bars: list[Bar], timer: float) -> None:
    places = range(len(bars))
    axes.barh(places, [bar.p50 for bar in bars], color=[OURS if bar.ours else PEER for bar in bars], height=0.66)
    for place, bar in zip(places, bars):
        axes.plot([bar.p50, bar.p99], [place, place], color="#333333", linewidth=1)
        axes.plot([bar.p99], [place], color="#333333", marker="|", markersize=7)
        axes.annotate(nanoseconds(float(f"{bar.p50:.3g}")), (max(bar.p99, bar.p50), place), xytext=(6, 0),
                      textcoords="offset points", va="center", fontsize=9, fontweight="bold" if bar.ours else "normal")
    axes.axvline(timer, color="#666666", linestyle=":", linewidth=1)
    axes.annotate("timer", (timer, 1), xycoords=("data", "axes fraction"), xytext=(3, -2), textcoords="offset points",
                  va="top", fontsize=8, color="#666666")
    axes.set_yticks(list(places), [bar.label for bar in bars])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(timer / 1.6, 2.2 * max(bar.p99 for bar in bars))
    axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(nanoseconds))
    axes.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    axes.set_title(model, loc="left", fontsize=10, fontweight="bold")
    axes.grid(True, which="major", axis="x", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def draw(comparison: Comparison, path: str) -> None:
    plt.rcParams.update({"svg.hashsalt": "tickmlp", "font.size": 10})  # the salt makes element ids repeatable
    counts = [len(bars) for bars in comparison.models.values()]
    figure, panels = plt.subplots(len(counts), 1, figsize=(9, 1 + 0.9 * len(counts) + 0.3 * sum(counts)), squeeze=False,
                                  height_ratios=counts, layout="constrained")
    for axes, (model, bars) in zip(panels[:, 0], comparison.models.items()):
        draw_model(axes, model, bars, comparison.timer)
    panels[-1, 0].set_xlabel("one inference: bar p50, whisker p99, timer included")
    figure.savefig(path, facecolor="white", metadata={"Date": None} if path.endswith(".svg") else None)


if __name__ == "__main__":
    sys.exit(run("draw_peers", __doc__, "PEERS.json", lambda paths, output: draw(read(paths[0]), output)))
