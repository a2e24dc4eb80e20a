# SPDX-License-Identifier: Apache-2.0
"""Draw a stretch of the synthetic market: regimes as background, gaps as boxes, volume below (matplotlib)."""
import sys

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from .features import WARM_UP
from .gaps import BULLISH, MAXIMUM_AGE, Gap, new_gap
from .market import REGIMES, Bars, generate_market

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  after the choice of backend

SEED, BARS = 221, 420  # a stretch that shows all four regimes
# Light fills for the background and a pair that stays distinct for colour-blind readers.
REGIME_COLOURS = ("#d9ecd9", "#f3dada", "#ececec", "#fbeecb")
GAP_COLOURS = {True: "#0072b2", False: "#d55e00"}


def gap_end(gap: Gap, bars: Bars) -> tuple[int, bool]:
    """The bar at which the gap closes or is forgotten, and whether it was traded through."""
    last = min(gap.born + MAXIMUM_AGE, len(bars) - 1)
    for j in range(gap.born + 1, last + 1):
        if gap.reached_through(bars.high[j], bars.low[j]):
            return j, True
    return last, False


def regime_runs(regime: np.ndarray) -> list[tuple[int, int, int]]:
    """(first bar, bar after the last, regime) of every run."""
    edges = [0, *(np.nonzero(np.diff(regime))[0] + 1).tolist(), len(regime)]
    return [(start, end, int(regime[start])) for start, end in zip(edges, edges[1:])]


def draw_price(axes: Axes, bars: Bars) -> None:
    index = np.arange(len(bars))
    axes.vlines(index, bars.low, bars.high, color="#333333", linewidth=0.7)
    axes.plot(index, bars.close, color="#333333", linewidth=0.5)
    high, low = bars.high.tolist(), bars.low.tolist()
    for gap in filter(None, (new_gap(high, low, i) for i in range(len(bars)))):
        end, through = gap_end(gap, bars)
        colour = GAP_COLOURS[gap.kind == BULLISH]
        axes.add_patch(Rectangle((gap.born - 1, min(gap.near, gap.far)), end - gap.born + 1,
                                 abs(gap.near - gap.far), facecolor=colour, alpha=0.22, linewidth=0))
        if through:
            axes.plot(end, gap.far, marker="x", color=colour, markersize=3, markeredgewidth=0.8)
    axes.set_ylabel("price, ticks")


def draw(path: str) -> None:
    whole = generate_market(WARM_UP + BARS, SEED)
    bars = Bars(*(getattr(whole, name)[WARM_UP:] for name in Bars.__dataclass_fields__))
    plt.rcParams.update({"svg.hashsalt": "tickmlp", "font.size": 8})  # the salt makes element ids repeatable
    figure, (price, volume) = plt.subplots(2, 1, figsize=(9, 5), sharex=True, height_ratios=(4, 1),
                                           layout="constrained")
    draw_price(price, bars)
    volume.bar(np.arange(len(bars)), bars.volume, width=1.0, color="#666666")
    volume.set_ylabel("volume")
    volume.set_xlabel(f"bar (seed {SEED})")
    for start, end, kind in regime_runs(bars.regime):
        for axes in (price, volume):
            axes.axvspan(start - 0.5, end - 0.5, color=REGIME_COLOURS[kind], linewidth=0, zorder=0)
    legend = [Patch(color=colour, label=name.replace("_", " ")) for name, colour in zip(REGIMES, REGIME_COLOURS)]
    legend += [Patch(color=GAP_COLOURS[up], alpha=0.35, label=f"{kind} gap, x = traded through")
               for up, kind in ((True, "bullish"), (False, "bearish"))]
    price.legend(handles=legend, ncols=3, loc="lower center", framealpha=0.9)
    price.set_xlim(-1, len(bars))
    price.set_title("The synthetic market: four regimes, three-bar gaps until they are traded through")
    figure.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("usage: python3 -m reference_models.picture OUT.svg", file=sys.stderr)
        sys.exit(2)
    draw(sys.argv[1])
