# SPDX-License-Identifier: Apache-2.0
"""Train both reference models, hold them against their baselines, and export them to weights/."""
import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from .dataset import make_dataset
from .evaluation import BLOCK, REQUIRED_ERRORS, Score, score_head
from .export import REPOSITORY, ExportFailed, export_all
from .features import INPUTS
from .networks import NETWORKS, Linear
from .save import save_model
from .training import Schedule, predict, prepare, train

BARS = 300_000
# Short, and with a strong decay, because int8 needs small weights: a lane's largest one sets the step of all. The
# exporter allows fvg a probability error of 0.02; 2000 steps give 0.018. Twice the steps give 0.021 and the same
# log loss; a decay of 0.3 gives 0.021 after 1200 steps already, with a log loss lower by 0.01.
SCHEDULES = {"tactical": Schedule(steps=2000, batch=256, weight_decay=1.0),
             "strategic": Schedule(steps=4000, batch=256, weight_decay=0.1)}


def train_model(model: str, bars: int, seed: int, schedule: Schedule, work: Path) -> dict:
    """Train, save and score one model; returns its entry for the results."""
    print(f"{model}: making {bars} bars of market, seed {seed}", file=sys.stderr)
    data = make_dataset(model, bars, seed)
    prepare(seed)
    network, linear = NETWORKS[model](), Linear(data.shape.inputs)
    train(network, data, schedule, seed + 1, model)
    train(linear, data, schedule, seed + 1, f"{model}, linear comparison")
    save_model(network, data, model, work)
    outputs, by_linear = predict(network, data, data.held_out), predict(linear, data, data.held_out)
    heads = []
    for task, output, line in zip(data.tasks, outputs, by_linear):
        scores = score_head(task, data.training, data.held_out, output, line)
        heads += [score_entry(task.head, score) for score in scores]
    return {"bars": bars, "training_states": len(data.training), "held_out_states": len(data.held_out),
            "steps": schedule.steps, "batch": schedule.batch, "held_out": heads}


def score_entry(head: str, score: Score) -> dict:
    """Four decimals: further digits differ between CPUs."""
    entry = {"head": head, "metric": score.metric, "model": score.model, "baseline": score.baseline,
             "linear": score.linear, **asdict(score.margin)}
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in entry.items()}


def print_table(results: dict) -> None:
    print(f"{'model':10}{'head':10}{'metric':15}{'model':>8}{'baseline':>10}{'linear':>8}"
          f"{'better by':>11}{'std error':>11}")
    for model, entry in results["models"].items():
        for row in entry["held_out"]:
            print(f"{model:10}{row['head']:10}{row['metric']:15}{row['model']:8.4f}{row['baseline']:10.4f}"
                  f"{row['linear']:8.4f}{row['better_by']:11.4f}{row['standard_error']:11.4f}")


def failures(results: dict) -> list[str]:
    """Heads that do not beat the baseline clearly enough."""
    return [f"{model} {row['head']}: {row['metric']} better by {row['better_by']} with a standard error of "
            f"{row['standard_error']}, expected more than {REQUIRED_ERRORS:g} standard errors"
            for model, entry in results["models"].items() for row in entry["held_out"]
            if not row["better_by"] > REQUIRED_ERRORS * row["standard_error"]]


def train_all(options: argparse.Namespace) -> int:
    results = {"run_id": f"reference-{options.seed}", "seed": options.seed, "generation": options.generation,
               "models": {}}
    for model in INPUTS:
        results["models"][model] = train_model(model, options.bars, options.seed, SCHEDULES[model], options.work)
    print_table(results)
    failed = failures(results)
    for line in failed:
        print(f"train_reference_models: {line}", file=sys.stderr)
    if not failed:
        (options.work / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    return 1 if failed else 0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="train_reference_models",
        description="Train the tactical and the strategic model on the synthetic market, check on held-out bars "
                    f"(blocks of {BLOCK}) that every head beats its baseline, and export the blobs and MANIFEST.")
    parser.add_argument("--seed", type=int, default=1, help="of the market and the training (1)")
    parser.add_argument("--generation", type=int, default=1, help="generation number in the blobs (1)")
    parser.add_argument("--bars", type=int, default=BARS, help=f"length of the market ({BARS})")
    parser.add_argument("--work", type=Path, default=REPOSITORY / "build-training", metavar="FOLDER",
                        help="TorchScript, state_dicts, calibration states, reports (build-training/)")
    parser.add_argument("--weights", type=Path, default=REPOSITORY / "weights", metavar="FOLDER",
                        help="where the blobs and MANIFEST go (weights/)")
    parser.add_argument("--skip-export", action="store_true", help="train and check only")
    parser.add_argument("--skip-training", action="store_true", help="export what the work folder holds")
    options = parser.parse_args(arguments)
    if options.seed < 0 or options.generation < 0:
        parser.error("--seed and --generation: expected 0 or more")
    if options.bars < 20 * BLOCK:
        parser.error(f"--bars {options.bars}: expected at least {20 * BLOCK}")
    if options.skip_export and options.skip_training:
        parser.error("--skip-export and --skip-training leave nothing to do")
    return options


def main(arguments: list[str]) -> int:
    """Exit codes: 0 done, 1 a head misses its baseline or an accuracy budget, 2 wrong usage, 4 I/O."""
    options, start = parse(arguments), time.monotonic()
    try:
        # A folder that cannot be made is said now, not after minutes of training.
        if not options.skip_training:
            options.work.mkdir(parents=True, exist_ok=True)
        if not options.skip_export:
            options.weights.mkdir(parents=True, exist_ok=True)
        code = 0 if options.skip_training else train_all(options)
        if code == 0 and not options.skip_export:
            for entry in export_all(options.work, options.weights):
                print(f"{options.weights / entry['file']}: {entry['bytes']} bytes, sha256 {entry['sha256']}")
    except ExportFailed as error:
        print(f"train_reference_models: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"train_reference_models: {error.filename}: {error.strerror}", file=sys.stderr)
        return 4
    print(f"{time.monotonic() - start:.0f} s", file=sys.stderr)
    return code


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
