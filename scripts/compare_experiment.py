# SPDX-License-Identifier: Apache-2.0
"""How often `tickmlp compare` is wrong: comparisons of a program with a copy of itself, and comparisons of a model
with one whose layer 1 has 5 % more weights. In turns, so that both kinds meet the same machine. What was done is kept
in the folder, and a second run with the same folder goes on where the first was stopped.

Exit 0: few enough alarms and enough slowdowns found; 1: not; 2 wrong usage; 4 a comparison failed."""

from __future__ import annotations

import argparse
import hashlib
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import numpy as np

from wide_models import ROOT, arrays_of

LANES = 224  # as the tactical model has
# Kernels take inputs by fours, so that 105 steps stand against 100: 5 % more weights to read, and as much more time.
INPUTS = {"shorter": 400, "longer": 420}
MOST_ALARMS, FEWEST_FOUND = 1 / 500, 95 / 100
ANSWERS = (0, 1, 3)


class Refused(Exception):
    """Exit 4, with this line."""


def make_blob(folder: pathlib.Path, name: str) -> pathlib.Path:
    """Random weights, heads as those of the tactical model."""
    source, blob = folder / f"{name}.npz", folder / f"{name}.blob"
    if not blob.exists():
        np.savez(source, **arrays_of(LANES, INPUTS[name]))
        subprocess.run([sys.executable, str(ROOT / "tools" / "weight_export"), str(source), "-o", str(blob), "--dtype",
                        "int8", "--name", name], check=True, capture_output=True)
    return blob


def schedule(same: int, slower: int) -> list[tuple[str, int]]:
    """Both kinds spread evenly over the whole time."""
    turns = [((i + 0.5) / same, "same", i) for i in range(same)] + [((i + 0.5) / slower, "slower", i)
                                                                   for i in range(slower)]
    return [(kind, number) for _, kind, number in sorted(turns)]


def compare(words: list[str], target: pathlib.Path) -> None:
    """One comparison; `target` appears whole or not at all."""
    done = subprocess.run([*words, "--json", str(target)], capture_output=True, text=True, check=False)
    if done.returncode not in ANSWERS or not target.exists():
        raise Refused(f"`{' '.join(words)}` ended with exit code {done.returncode}: {done.stderr.strip()}")


def show_progress(done: int, total: int, fresh: int, started: float) -> None:
    if fresh and (sys.stderr.isatty() or done % 20 == 0):
        left = (time.monotonic() - started) / fresh * (total - done)
        print(f"{done} of {total} comparisons, {left / 60:.0f} min left", end="\r" if sys.stderr.isatty() else "\n",
              file=sys.stderr, flush=True)


def row_of(path: pathlib.Path) -> dict:
    """What the summary keeps of one comparison."""
    report = json.loads(path.read_text())
    kept = ("verdict", "effect_percent", "interval_percent", "minimum_effect_ns", "p_slower", "p_faster", "core")
    return {"name": path.stem, "a_ns": report["a"]["central_ns"], "b_ns": report["b"]["central_ns"],
            **{key: report[key] for key in kept}}


def summary(folder: pathlib.Path, settings: dict) -> dict:
    out: dict = {"schema": "tickmlp-compare-experiment/1", **settings}
    for kind in ("same", "slower"):
        rows = [row_of(path) for path in sorted(folder.glob(f"{kind}-*.json"))]
        verdicts = [row["verdict"] for row in rows]
        counts = {verdict: verdicts.count(verdict) for verdict in ("same", "faster", "slower", "inconclusive")}
        effects = [row["effect_percent"] for row in rows]
        out[kind] = {"count": len(rows), "verdicts": counts, "comparisons": rows,
                     "effect_percent": {f"p{p}": round(float(np.percentile(effects, p)), 3) if effects else None
                                        for p in (0, 5, 50, 95, 100)}}
    alarms, found = out["same"]["verdicts"]["slower"], out["slower"]["verdicts"]["slower"]
    out["passed"] = (alarms <= max(1, MOST_ALARMS * out["same"]["count"])
                     and found >= FEWEST_FOUND * out["slower"]["count"])
    return out


def describe(result: dict) -> str:
    def line(what: str, kind: str) -> str:
        part = result[kind]
        return (f"{what:22} {part['count']:4}: " + ", ".join(f"{n} {v}" for v, n in part["verdicts"].items())
                + f"; effect {part['effect_percent']['p0']} to {part['effect_percent']['p100']} %, median "
                f"{part['effect_percent']['p50']} %")
    return "\n".join([line("a copy of itself", "same"), line("5 % more weights", "slower"),
                      "passed" if result["passed"] else "NOT passed"])


def prepare(folder: pathlib.Path, binary: pathlib.Path, settings: dict) -> dict[str, list[str]]:
    """The two kinds of command. Refuses to go on with another program, or with other settings, than it began with."""
    folder.mkdir(parents=True, exist_ok=True)
    settings_file = folder / "settings"
    text = json.dumps(settings, sort_keys=True)
    if settings_file.exists() and settings_file.read_text() != text:
        raise Refused(f"{folder} was begun with {settings_file.read_text()}; expected {text}, or another folder")
    copies = [folder / "old", folder / "new"]
    for copy in copies:
        shutil.copy2(binary, copy)
    blobs = [make_blob(folder, name) for name in ("shorter", "longer")]
    settings_file.write_text(text)
    options = ["--pairs", str(settings["pairs"]), "--seconds", str(settings["seconds"])]
    if settings["core"] is not None:
        options += ["--core", str(settings["core"])]
    start = [str(copies[0]), "compare"]
    return {"same": [*start, "--binaries", *map(str, copies), "--blob", str(blobs[0]), *options],
            "slower": [*start, "--blobs", *map(str, blobs), *options]}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="compare_experiment", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="where every comparison and summary.json go")
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "build" / "tickmlp",
                        help="default: build/tickmlp")
    parser.add_argument("--same", type=int, default=500, help="comparisons with a copy (default: 500)")
    parser.add_argument("--slower", type=int, default=100, help="comparisons with a slowdown (default: 100)")
    parser.add_argument("--pairs", type=int, default=30, help="of processes in each comparison (default: 30)")
    parser.add_argument("--seconds", type=float, default=0.065, help="of measuring in each process (default: 0.065)")
    parser.add_argument("--core", type=int, help="default: the last allowed one")
    options = parser.parse_args()
    if min(options.same, options.slower, options.pairs) < 1:
        parser.error("--same, --slower and --pairs: expected at least 1")
    if not options.binary.is_file():
        parser.error(f"no program at {options.binary}: build it (ninja -C build), or name one with --binary")
    return options


def main() -> int:
    options = parse()
    settings = {"pairs": options.pairs, "seconds": options.seconds, "core": options.core,
                "binary_sha256": hashlib.sha256(options.binary.read_bytes()).hexdigest()}
    try:
        commands = prepare(options.folder, options.binary, settings)
        turns = schedule(options.same, options.slower)
        started, fresh = time.monotonic(), 0
        for done, (kind, number) in enumerate(turns):
            target = options.folder / f"{kind}-{number:04}.json"
            if target.exists():
                continue
            show_progress(done, len(turns), fresh, started)
            compare(commands[kind], target)
            fresh += 1
        result = summary(options.folder, settings)
        part = options.folder / "summary.part"
        part.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
        part.rename(options.folder / "summary.json")
    except (Refused, OSError, subprocess.CalledProcessError) as error:
        print(f"compare_experiment: {error}", file=sys.stderr)
        return 4
    except KeyboardInterrupt:
        print("compare_experiment: interrupted; the same command goes on from here", file=sys.stderr)
        return 128 + signal.SIGINT
    print(describe(result))
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
