# SPDX-License-Identifier: Apache-2.0
"""Draw how the cost of a call grows with the model's weights (`tickmlp sweep --cpu-profile --json`): measured points
and the predicted curves, with the cache sizes marked. The same sweep gives the same bytes."""
import json
import sys
from typing import Any, NamedTuple

import matplotlib
import matplotlib.ticker
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from latency_picture import Failure, nanoseconds, run

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  after the choice of backend

DTYPES = ("int8", "float32")
# Widths that are told apart, in colours that are distinct for colour-blind readers; the others are grey.
COLOURS = {16: "#d55e00", 64: "#e69f00", 256: "#009e73", 1024: "#56b4e9", 4096: "#0072b2"}
SCHEMA = "tickmlp-sweep/0"


class Sweep(NamedTuple):
    machine: str
    caches: dict[str, int]
    points: list[dict[str, Any]]


def read(path: str) -> Sweep:
    try:
        with open(path, encoding="utf-8") as file:
            sweep = json.load(file)
        if sweep["schema"] != SCHEMA:
            raise ValueError(f"schema is {sweep['schema']!r}")
        points = sweep["points"]
        if not points or any(not (p["ns"] > 0 and p["weight_bytes"] > 0) or p["dtype"] not in DTYPES for p in points):
            raise ValueError("it has no points, or some of no size or time")
        return Sweep(sweep["machine"]["cpu"], sweep["caches"], points)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as why:
        what = f"lacks {why}" if isinstance(why, KeyError) else str(why)
        raise Failure(f"{path}: {what}; expected a sweep that `tickmlp sweep --json` wrote") from None


def size(value: float, _: Any = None) -> str:
    for unit, one in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= one:
            return f"{value / one:g} {unit}"
    return f"{value:g} B"


def draw_panel(axes: Axes, sweep: Sweep, dtype: str, per_byte: bool) -> None:
    def place(points: list[dict[str, Any]], field: str) -> tuple[list[float], list[float]]:
        return ([p["weight_bytes"] for p in points],
                [p[field] / p["weight_bytes"] if per_byte else p[field] for p in points])

    points = [point for point in sweep.points if point["dtype"] == dtype]
    rest = [point for point in points if point["lanes"] not in COLOURS]
    axes.plot(*place(rest, "ns"), color="#aaaaaa", linestyle="", marker="o", markersize=2.5, markeredgewidth=0)
    for lanes, colour in COLOURS.items():
        one_width = [point for point in points if point["lanes"] == lanes]
        axes.plot(*place(one_width, "ns"), color=colour, linestyle="", marker="o", markersize=4.5, markeredgewidth=0)
        predicted = [point for point in one_width if point["predicted_ns"] is not None]
        axes.plot(*place(predicted, "predicted_ns"), color=colour, linewidth=1.3)
    for name, label in (("l1d", "L1"), ("l2", "L2"), ("l3", "L3")):
        if sweep.caches.get(name):
            axes.axvline(sweep.caches[name], color="#555555", linestyle="--", linewidth=1, zorder=1.5)
            if per_byte:  # the panel above has its points where a label would stand
                axes.annotate(f"{label} {size(sweep.caches[name])}", (sweep.caches[name], 1), xytext=(-3, -4),
                              xycoords=("data", "axes fraction"), textcoords="offset points", rotation=90, ha="right",
                              va="top", fontsize=8.5, color="#444444")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks([1 << n for n in range(9, 27, 3)])
    axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(size))
    axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axes.yaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    axes.grid(True, which="major", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def draw(sweep: Sweep, path: str) -> None:
    plt.rcParams.update({"svg.hashsalt": "tickmlp", "font.size": 10})  # the salt makes element ids repeatable
    dtypes = [dtype for dtype in DTYPES if any(point["dtype"] == dtype for point in sweep.points)]
    figure, panels = plt.subplots(2, len(dtypes), figsize=(5.5 * len(dtypes), 8), layout="constrained", sharex=True,
                                  sharey="row", squeeze=False)
    for column, dtype in enumerate(dtypes):
        for row in range(2):
            draw_panel(panels[row][column], sweep, dtype, per_byte=row == 1)
        panels[0][column].set_title(dtype, loc="left", fontsize=10, fontweight="bold")
        panels[1][column].set_xlabel("weights of the model")
    panels[0][0].set_ylabel("time of one call")
    panels[0][0].yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(nanoseconds))
    panels[1][0].set_ylabel("ns a weight byte")
    panels[1][0].yaxis.set_major_formatter(matplotlib.ticker.FormatStrFormatter("%g"))
    lines = [Line2D([], [], color=colour, linewidth=1.3, marker="o", markersize=4.5, label=f"{lanes:,} lanes")
             for lanes, colour in COLOURS.items()]
    lines.append(Line2D([], [], color="#aaaaaa", linestyle="", marker="o", markersize=2.5, label="other widths"))
    panels[0][0].legend(handles=lines, loc="upper left", frameon=True, framealpha=1, edgecolor="none",
                        title="dots measured, lines predicted", alignment="left")
    figure.suptitle(f"Cost of one inference over 16-4,096 inputs and lanes, one core, hot ({sweep.machine})", x=0.01,
                    ha="left", fontsize=11)
    figure.savefig(path, facecolor="white", metadata={"Date": None} if path.endswith(".svg") else None)


if __name__ == "__main__":
    sys.exit(run("draw_growth", __doc__, "SWEEP.json", lambda paths, output: draw(read(paths[0]), output)))
