# SPDX-License-Identifier: Apache-2.0
"""Every figure of a certificate, computed again from its log by a program that shares no code with ours."""
import pytest

from certificates import PERCENTILES, central, document_of, figures, merged, read_log


def close_to(ours, theirs):
    """Rounded to 0.01, from sums in another order."""
    return ours is theirs is None or ours == pytest.approx(theirs, abs=0.0051, rel=1e-9)


def test_every_figure_computed_again_without_our_code(signed):
    document, log = document_of(signed), read_log(signed / "c.hlog")
    floors = document["floors"]
    series = {**{f"floor-{name}": floors[name] for name in ("timer", "memory", "jitter")},
              **{f"floor-{name}-{when}": floors[when][name] for name in ("timer", "memory", "jitter")
                 for when in ("before", "after")},
              **{scenario["id"]: scenario for scenario in document["scenarios"] if scenario["count"]}}
    assert set(log) == set(series) and len(series) >= 9 + 6
    for name, stated in series.items():
        runs = [merged(run) for run in log[name]]
        for field, value in figures(merged(runs)).items():
            assert close_to(stated[field], value), (name, field)
        for run, kept in zip(runs, stated["run_figures"], strict=True):
            again = figures(run)
            assert all(close_to(kept[field], again[field]) for field in kept), name
        for field in ("central_ns", "min_ns", *PERCENTILES):
            of_runs = [run[field] for run in stated["run_figures"]]
            assert stated["run_range"][field] == (None if None in of_runs else [min(of_runs), max(of_runs)])
        for run, centrals in zip(log[name], stated["epoch_central_ns"], strict=True):
            assert all(close_to(kept, central(epoch)) for kept, epoch in zip(centrals, run, strict=True)), name
    scenarios = {scenario["id"]: scenario for scenario in document["scenarios"]}
    timer = floors["timer_ns"]
    assert timer == floors["timer"]["central_ns"] and floors["memory_ns"] == floors["memory"]["central_ns"]
    for ratio, above, below in (("full_to_memory_floor", "full-hot", None), ("tick_to_full", "tick-hot", "full-hot"),
                                ("tick_to_full_evicted", "tick-evicted", "full-evicted")):
        under = (scenarios[below]["central_ns"] if below else floors["memory_ns"]) - timer
        expected = (scenarios[above]["central_ns"] - timer) / under if under > 0 else None
        assert document["ratios"][ratio] == (expected and pytest.approx(expected, abs=0.000051))
    for budget in document["budgets"]:
        histogram = merged(merged(run) for run in log[budget["scenario"]])
        assert budget["above_budget"] == sum(n for value, n in histogram.items() if value > budget["budget_ns"])
        share = 1e6 * budget["above_budget"] / sum(histogram.values())
        assert budget["share_above_ppm"] == pytest.approx(share, abs=0.000051)
