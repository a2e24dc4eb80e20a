# SPDX-License-Identifier: Apache-2.0
"""The export's report as one HTML file: no script, nothing loaded, plots inline."""

from __future__ import annotations

import html
from typing import Any

from . import svg
from .svg import short

# Colours of the latency certificate's page.
STYLE = """
:root { --ground:#fff; --raised:#f5f6f8; --ink:#16191d; --soft:#565d66; --rule:#d5d9de; --grid:#e6e9ec; --good:#00644a;
  --good-ground:#e2f3ec; --bad:#a81c14; --bad-ground:#fbe7e4; --s0:#0067a5; --s1:#b84300; }
@media screen and (prefers-color-scheme: dark) { :root { --ground:#14171b; --raised:#1e2228; --ink:#e9ecef;
  --soft:#a6aeb8; --rule:#3a4048; --grid:#2a2f36; --good:#6fdcb4; --good-ground:#123428; --bad:#ff9d90;
  --bad-ground:#431a17; --s0:#5fb8f0; --s1:#ff9a5c; } }
* { box-sizing:border-box; }
body { margin:0 auto; padding:28px 24px 60px; max-width:1240px; background:var(--ground); color:var(--ink);
  font:16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { margin:0 0 12px; font-size:30px; overflow-wrap:anywhere; } h2 { margin:40px 0 6px; font-size:22px; }
h3 { margin:14px 0 2px; font-size:16px; }
.light { font-weight:400; color:var(--soft); font-size:.6em; } p { margin:4px 0 10px; max-width:78ch; }
.verdict { border-left:8px solid; border-radius:6px; padding:12px 20px; overflow-wrap:anywhere; max-width:none; }
.good { background:var(--good-ground); border-color:var(--good); }
.bad { background:var(--bad-ground); border-color:var(--bad); }
.scroll { overflow-x:auto; } table { border-collapse:collapse; font-size:14px; font-variant-numeric:tabular-nums; }
th, td { text-align:right; padding:4px 12px; border-bottom:1px solid var(--rule); white-space:nowrap; }
th:first-child, td:first-child { text-align:left; padding-left:0; } th { color:var(--soft); font-weight:600; }
.plots { display:grid; grid-template-columns:repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap:6px 32px; }
svg { width:100%; max-width:620px; height:auto; } text { fill:var(--ink); font-size:11px; }
.bar { fill:var(--s0); } .chosen { fill:var(--s1); } .grid { stroke:var(--grid); }
.range { fill:none; stroke:var(--soft); }
dl { display:grid; grid-template-columns:max-content 1fr; gap:2px 16px; font-size:14px; } dt { color:var(--soft); }
dd { margin:0; overflow-wrap:anywhere; } li { overflow-wrap:anywhere; }
"""
# Features shown one by one: those that clip most first.
MOST_FEATURES = 40


def page(report: dict[str, Any]) -> bytes:
    """The page of a report that has a diagnosis."""
    title = html.escape(str(report["name"]))
    window = f"{report['window'][0]} rows x {report['window'][1]} features" if report["window"][0] else "no window"
    parts = [f"<h1>{title} <span class=\"light\">{report['dtype']}, {report['inputs']} inputs ({window}), "
             f"{report['outputs']} outputs</span></h1>", _verdict(report), _heads(report), _layers(report["diagnosis"]),
             _errors(report["diagnosis"]), _calibration(report), _features(report), _worst(report), _origin(report)]
    text = ("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            f"<title>{title}, export report</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
            + "\n".join(parts) + "\n</body>\n</html>\n")
    return text.encode("utf-8", "xmlcharrefreplace")


def _table(head: list[str], rows: list[list[str]]) -> str:
    cells = ["<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>"
             for tag, row in [("th", head), *(("td", row) for row in rows)]]
    return '<div class="scroll"><table>\n' + "\n".join(cells) + "\n</table></div>"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _verdict(report: dict[str, Any]) -> str:
    budget = ", ".join(f"{key} {value:g}" for key, value in report["budget"].items())
    if report["within_budget"]:
        return f'<p class="verdict good"><b>Within the budget</b> ({budget}). SHA-256 {report["blob_sha256"]}</p>'
    return f'<p class="verdict bad"><b>Over the budget</b> ({budget}): {html.escape(report["refused"])}</p>'


def _heads(report: dict[str, Any]) -> str:
    rows = []
    for head in report["heads"]:
        figures, high = head["accuracy"], head["clamp"][1]
        agreement = "-" if head["outputs"] == 1 else (
            f"{_percent(figures['argmax_agreement'])} ({_percent(figures['argmax_low'])} .. "
            f"{_percent(figures['argmax_high'])})")
        rows.append([head["name"], str(head["hidden"]), str(head["outputs"]), head["activation"],
                     "0 .. " + ("inf" if high is None else f"{high:g}"), short(figures["largest_error"]),
                     short(figures["mean_error"]), agreement, _percent(figures["clipped_share"])])
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in report["notes"])
    return (f"<h2>Heads</h2><p>Against the network in float64 with the weights as trained, over {report['states']:,} "
            f"{html.escape(report['states_from'])}.</p>"
            + _table(["head", "lanes", "outputs", "activation", "clamp", "largest error", "mean error",
                      "argmax agreement (95 %)", "clipped"], rows) + (f"<ul>{notes}</ul>" if notes else ""))


def _layers(diagnosis: dict[str, Any]) -> str:
    names = ("hidden", "logits", "output")
    rows = []
    for head in diagnosis["heads"]:
        figures = [head["layers"][name] for name in names]
        rows.append([head["name"], *(f"{short(layer['mean_error'])}, {short(layer['largest_error'])} of "
                                     f"{short(layer['magnitude'])}" for layer in figures)])
    return ("<h2>Layer by layer</h2><p>Mean and largest error of the hidden units (layer 1 with its clamp), of the "
            "logits (layer 2) and of the outputs, and the largest magnitude that each of them reaches.</p>"
            + _table(["head", "hidden units", "logits", "outputs"], rows))


def _errors(diagnosis: dict[str, Any]) -> str:
    plots = []
    for head in diagnosis["heads"]:
        tail = ", ".join(f"{key} {short(value)}" for key, value in head["error_percentiles"].items())
        plots.append(f"<div><h3>{html.escape(head['name'])} <span class=\"light\">{tail}</span></h3>"
                     + svg.histogram(head["histogram"]["counts"], head["histogram"]["upper"],
                                     f"errors of {head['name']}") + "</div>")
    return ("<h2>Errors over the states</h2><p>How many states have which error, a head at a time; heights are "
            f"logarithmic.</p><div class=\"plots\">{''.join(plots)}</div>")


def _calibration(report: dict[str, Any]) -> str:
    trials = report["calibrate"] and report["calibrate"]["candidates"]
    if not trials:
        return ""
    rows = [[trial["method"], short(trial["score"]), "yes" if trial["within_budget"] else "no",
             str(trial["clipped_inputs"]), short(max(head["largest_error"] for head in trial["heads"])),
             _percent(min(head["argmax_agreement"] for head in trial["heads"]))] for trial in trials]
    chart = svg.bars([(row[0], trial["score"], row[1]) for row, trial in zip(rows, trials)], "score of each method",
                     report["calibrate"]["method"])
    return (f"<h2>Ranges: {html.escape(report['calibrate']['method'])}</h2><p>Every method judged on the same states. "
            "The score is the mean error, averaged over the heads; the lowest within the budget is taken.</p>" + chart
            + _table(["method", "score", "within budget", "clipped inputs", "largest error", "lowest agreement"], rows))


def _features(report: dict[str, Any]) -> str:
    features = sorted(report["diagnosis"]["features"], key=lambda feature: -feature["clipped_share"])
    rows = [(feature["name"][:18], feature["range"], feature["seen"], _percent(feature["clipped_share"]))
            for feature in features[:MOST_FEATURES]]
    shown = f" ({MOST_FEATURES} of {len(features)}, those that clip most)" if len(features) > MOST_FEATURES else ""
    return (f"<h2>Features{shown}</h2><p>Outlined: the range that an int8 input can hold. Filled: what the states "
            "hold. On the right: the share that is clipped.</p>" + svg.spans(rows, "ranges of the features"))


def _worst(report: dict[str, Any]) -> str:
    rows = [[head["name"], str(entry["state"]), str(entry["output"]), short(entry["error"]),
             str(entry["clipped_inputs"])] for head in report["diagnosis"]["heads"] for entry in head["worst"]]
    file = report["held_out"] or report["calibration"]
    where = f"their number in {file}, from 0" if file else "drawn, so their number says nothing"
    return (f"<h2>Worst states</h2><p>The states with each head's largest errors: {html.escape(where)}.</p>"
            + _table(["head", "state", "output", "error", "clipped inputs"], rows))


def _origin(report: dict[str, Any]) -> str:
    source = report["source"]
    facts = {"source": source["path"], "kind": source["kind"], "source SHA-256": source["sha256"],
             "blob": report["blob"] or "none was written", "bytes": report["bytes"] or "-",
             "generation": report["generation"], "run": report["run_id"] or "-",
             "calibration": report["calibration"] or "none", "held out": report["held_out"] or "none",
             "exporter": report["exporter"]}
    return "<h2>Origin</h2><dl>" + "".join(f"<dt>{name}</dt><dd>{html.escape(str(value))}</dd>"
                                           for name, value in facts.items()) + "</dl>"
