# SPDX-License-Identifier: Apache-2.0
"""Draw the percentile curves of latency certificates (`tickmlp certify --json`): the full path, and the two floors that
were measured in the same run. The same certificates give the same bytes."""
import argparse
import json
import math
import sys
from typing import Any, Callable, NamedTuple, Optional, Union

import matplotlib
import matplotlib.ticker
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  after the choice of backend

# Percent and field, down the tail; a field is null where the samples were too few, and is left out.
PERCENTILES = ((0.0, "min_ns"), (50.0, "p50_ns"), (90.0, "p90_ns"), (95.0, "p95_ns"), (99.0, "p99_ns"),
               (99.9, "p99_9_ns"), (99.99, "p99_99_ns"), (99.999, "p99_999_ns"))
TICKS = {0.0: "min", 50.0: "50", 90.0: "90", 99.0: "99", 99.9: "99.9", 99.99: "99.99", 99.999: "99.999"}
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")  # distinct for colour-blind readers
REFUSED = 4


class Failure(Exception):
    pass


class Curves(NamedTuple):
    label: str
    full: dict[str, Any]
    tick: Optional[dict[str, Any]]  # None where the model has no window
    memory: dict[str, Any]
    timer: dict[str, Any]
    ratio: float
    machine: str


def read(path: str) -> Curves:
    try:
        with open(path, encoding="utf-8") as file:
            certificate = json.load(file)
        hot = {s["path"]: s for s in certificate["scenarios"] if s["kind"] == "service" and s["cache"] == "hot"}
        full = hot["full"]
        floors, model = certificate["floors"], certificate["model"]
        kernel = certificate["kernel"].split("-", 1)[1]
        label = f"{model['name']} {model['dtype']}, {kernel}".replace("$", r"\$")  # $ begins a formula
        curves = Curves(label, full, hot.get("tick"), floors["memory"], floors["timer"],
                        certificate["ratios"]["full_to_memory_floor"], certificate["machine"]["cpu"])
        if None in (curves.ratio, full["p50_ns"], floors["memory"]["p50_ns"], floors["timer"]["p50_ns"]):
            raise ValueError("it has no samples")
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as why:
        what = f"lacks {why}" if isinstance(why, KeyError) else str(why)
        raise Failure(f"{path}: {what}; expected a certificate that `tickmlp certify --json` wrote") from None
    return curves


def tail(percent: float) -> float:
    """90 % is 1, 99 % is 2, 99.9 % is 3: as much room for each nine."""
    return -math.log10(1 - percent / 100)


def points(series: dict[str, Any]) -> tuple[list[float], list[float]]:
    """Where the curve goes. A logarithmic axis has no place for 0, which a clock with a coarse step can give."""
    known = [(tail(percent), max(series[field], 1)) for percent, field in PERCENTILES if series.get(field) is not None]
    return [x for x, _ in known], [y for _, y in known]


def draw_curves(axes: Axes, curves: Curves, colour: str) -> None:
    axes.plot(*points(curves.timer), color=colour, linestyle=":", linewidth=1.2)
    axes.plot(*points(curves.memory), color=colour, linestyle="--", linewidth=1.2)
    axes.plot(*points(curves.full), color=colour, linewidth=2, marker="o", markersize=3.5)
    shown = [f"{name} {curves.full[field]:,} ns" for name, field in (("p50", "p50_ns"), ("p99", "p99_ns"))
             if curves.full[field] is not None]
    text = f"{curves.label}: {', '.join(shown)}\n{curves.ratio:.2f} × the memory floor"
    if curves.tick is not None:
        axes.plot(*points(curves.tick), color=colour, linewidth=1.2, marker="v", markersize=3.5)
        text += f"; a tick: p50 {curves.tick['p50_ns']:,} ns"
    axes.annotate(text, (tail(90), curves.full["p90_ns"] or curves.full["p50_ns"]), xytext=(-4, 8),
                  textcoords="offset points", ha="center", va="bottom", color=colour, fontsize=9)


def nanoseconds(value: float, _: Any = None) -> str:
    for unit, size in (("ms", 1e6), ("µs", 1e3)):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g} ns"


def dress(axes: Axes, all_curves: list[Curves]) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(nanoseconds))
    axes.yaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    last = max(points(curves.full)[0][-1] for curves in all_curves)
    shown = {percent: name for percent, name in TICKS.items() if tail(percent) <= last + 1e-9}
    axes.set_xticks([tail(percent) for percent in shown], list(shown.values()))
    axes.set_xlim(-0.08, last + 0.08)
    axes.set_xlabel("percentile of the calls")
    axes.set_ylabel("time of one call, timer included")
    axes.grid(True, which="major", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    lines = [Line2D([], [], color="#444444", linewidth=2, marker="o", markersize=3.5,
                    label="full path: inputs to outputs"),
             Line2D([], [], color="#444444", linewidth=1.2, marker="v", markersize=3.5,
                    label="tick path: the newest row to outputs"),
             Line2D([], [], color="#444444", linewidth=1.2, linestyle="--",
                    label="memory floor: the weights read once"),
             Line2D([], [], color="#444444", linewidth=1.2, linestyle=":", label="timer floor: nothing in between")]
    if all(curves.tick is None for curves in all_curves):
        del lines[1]
    axes.legend(handles=lines, loc="upper left", frameon=False)


def draw(all_curves: list[Curves], path: str) -> None:
    plt.rcParams.update({"svg.hashsalt": "tickmlp", "font.size": 10})  # the salt makes element ids repeatable
    figure, axes = plt.subplots(figsize=(9, 5), layout="constrained")
    for index, curves in enumerate(all_curves):
        draw_curves(axes, curves, COLOURS[index % len(COLOURS)])
    dress(axes, all_curves)
    machines = ", ".join(sorted({curves.machine for curves in all_curves}))
    axes.set_title(f"Latency of one inference, one core, warm caches ({machines})", loc="left", fontsize=11)
    figure.savefig(path, facecolor="white", metadata={"Date": None} if path.endswith(".svg") else None)


def run(program: str, description: Optional[str], source: str, make: Callable[[list[str], str], None],
        sources: Union[int, str] = 1) -> int:
    """The command line of a picture: one or more sources and an output. `make` draws the first into the second."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("sources", nargs=sources, metavar=source)
    parser.add_argument("-o", "--output", required=True, metavar="OUT.svg", help="the picture: .svg or .png")
    options = parser.parse_args()
    if not options.output.endswith((".svg", ".png")):
        parser.error(f"{options.output}: expected a name that ends in .svg or .png")
    try:
        make(options.sources, options.output)
    except (Failure, OSError) as why:
        print(f"{program}: {why}", file=sys.stderr)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(run("draw_latency", __doc__, "CERTIFICATE.json",
                 lambda paths, output: draw([read(path) for path in paths], output), sources="+"))
