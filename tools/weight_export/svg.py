# SPDX-License-Identifier: Apache-2.0
"""Plots as inline SVG. Coordinates are rounded, so that the same figures give the same text everywhere."""

from __future__ import annotations

import html
import math

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 560, 190, 64, 34, 12
ROW, NAME_WIDTH = 20, 130


def short(value: float) -> str:
    """Three digits, as in the table."""
    return f"{value:.3g}"


def text(x: float, y: float, content: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(content)}</text>'


def rectangle(x: float, y: float, width: float, height: float, kind: str, title: str = "") -> str:
    body = f"<title>{html.escape(title)}</title>" if title else ""
    return (f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}">'
            f"{body}</rect>")


def picture(width: int, height: int, label: str, parts: list[str]) -> str:
    return (f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{html.escape(label)}">\n' + "\n".join(parts)
            + "\n</svg>\n")


def histogram(counts: list[int], upper: float, label: str) -> str:
    """Bins of equal width from 0 to `upper`; heights are logarithmic, since one state in 4,096 has to be seen."""
    top = math.log10(max(counts) + 1)
    plot, step = HEIGHT - BOTTOM - TOP, (WIDTH - LEFT) / len(counts)
    parts = []
    for power in range(int(top) + 1):
        y = TOP + plot * (1 - math.log10(10**power + 1) / top)
        parts += [f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>',
                  text(LEFT - 6, y + 4, f"{10**power:,}", "end")]
    for i, count in enumerate(counts):
        height = plot * math.log10(count + 1) / top
        title = f"{count} states, {short(upper * i / len(counts))} .. {short(upper * (i + 1) / len(counts))}"
        parts.append(rectangle(LEFT + i * step, TOP + plot - height, step - 1, height, "bar", title))
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = LEFT + share * (WIDTH - LEFT)
        parts.append(text(x, HEIGHT - 14, short(share * upper), "end" if share == 1 else "middle"))
    parts.append(text(LEFT + (WIDTH - LEFT) / 2, HEIGHT - 1, "largest error of a state"))
    return picture(WIDTH, HEIGHT, label, parts)


def bars(rows: list[tuple[str, float, str]], label: str, chosen: str = "") -> str:
    """Names, values and what to write beside them, one bar a row, from 0."""
    height, most = ROW * len(rows) + 6, max((value for _, value, _ in rows), default=0) or 1
    room = WIDTH - NAME_WIDTH - 130
    parts = []
    for i, (name, value, note) in enumerate(rows):
        y, width = 3 + i * ROW, room * value / most
        parts += [text(NAME_WIDTH - 8, y + 14, name, "end"),
                  rectangle(NAME_WIDTH, y + 3, width, ROW - 7, "bar chosen" if name == chosen else "bar"),
                  text(NAME_WIDTH + width + 6, y + 14, note, "start")]
    return picture(WIDTH, height, label, parts)


def spans(rows: list[tuple[str, list[float], list[float], str]], label: str) -> str:
    """For each name the range of its codes (outlined) and what was seen (filled), on one axis around 0."""
    most = max((abs(end) for _, outer, inner, _ in rows for end in outer + inner), default=0) or 1
    room, height = WIDTH - NAME_WIDTH - 90, ROW * len(rows) + 24

    def place(value: float) -> float:
        return NAME_WIDTH + room * (value / most + 1) / 2

    parts = [f'<line class="grid" x1="{place(0):.1f}" x2="{place(0):.1f}" y1="0" y2="{height - 20}"/>']
    for i, (name, outer, inner, note) in enumerate(rows):
        y, reach = 3 + i * ROW, max(abs(end) for end in outer)
        parts += [text(NAME_WIDTH - 8, y + 14, name, "end"),
                  rectangle(place(-reach), y + 2, place(reach) - place(-reach), ROW - 5, "range"),
                  rectangle(place(inner[0]), y + 6, max(place(inner[1]) - place(inner[0]), 1), ROW - 13, "bar",
                            f"{short(inner[0])} .. {short(inner[1])}"),
                  text(WIDTH - 84, y + 14, note, "start")]
    parts += [text(place(value), height - 5, short(value)) for value in (-most, 0, most)]
    return picture(WIDTH, height, label, parts)
