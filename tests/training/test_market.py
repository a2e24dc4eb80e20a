# SPDX-License-Identifier: Apache-2.0
"""The synthetic market, its features and its labels. Needs numpy alone."""
import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reference_models import evaluation, features, gaps, tasks
from reference_models.dataset import split_by_time
from reference_models.market import REGIMES, Bars, generate_market
from reference_models.stable_random import StableRandom
from reference_models.synthetic_market import make_states

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "synthetic_market"
# SHA-256 of 64 states, seed 7, as raw bytes: the promise that a seed gives the same bytes everywhere.
KNOWN_STATES = {"tactical": "fe929649709039e2a4f9e3c31a97270f8e7fb612fda1502eb02e0fcd67068daf",
                "strategic": "c3baf50954997e7a2e4b00207cc81029a57e865376abc043389bca12ff582dbf"}


def bars_from(high: list[float], low: list[float], close: list[float] | None = None) -> Bars:
    highs, lows = np.array(high, float), np.array(low, float)
    closes = (highs + lows) / 2 if close is None else np.array(close, float)
    return Bars(closes, highs, lows, closes, np.full(len(highs), 1000.0), np.zeros(len(highs), np.int64))


@pytest.fixture(scope="module")
def market() -> Bars:
    return generate_market(6000, seed=3)


def test_random_numbers_are_standard_and_seeded() -> None:
    normal = StableRandom(1).normal(200_000)
    uniform = StableRandom(1).uniform(200_000)
    assert abs(normal.mean()) < 0.01 and abs(normal.var() - 1.0) < 0.01
    assert abs(uniform.mean() - 0.5) < 0.003 and uniform.min() >= 0 and uniform.max() < 1
    assert not np.array_equal(normal, StableRandom(2).normal(200_000))


def test_a_seed_gives_the_same_market_and_another_seed_does_not() -> None:
    first, again, other = generate_market(500, 5), generate_market(500, 5), generate_market(500, 6)
    for name in ("open", "high", "low", "close", "volume", "regime"):
        assert np.array_equal(getattr(first, name), getattr(again, name)), name
    assert not np.array_equal(first.close, other.close)


@pytest.mark.parametrize("model", ["tactical", "strategic"])
def test_states_are_the_known_bytes(model: str) -> None:
    states = make_states(model, 64, seed=7)
    assert hashlib.sha256(states.astype("<f4").tobytes()).hexdigest() == KNOWN_STATES[model]


def test_bars_are_consistent(market: Bars) -> None:
    assert np.all(market.high >= np.maximum(market.open, market.close))
    assert np.all(market.low <= np.minimum(market.open, market.close))
    assert np.all(market.volume > 0)
    assert np.all(market.close == np.rint(market.close)), "prices are whole ticks"


def test_every_regime_occurs_and_acts_as_named() -> None:
    market = generate_market(40_000, seed=4)
    share = np.bincount(market.regime, minlength=4) / len(market)
    assert np.all(share > 0.1), dict(zip(REGIMES, share))
    move = market.close - market.open
    mean = {name: move[market.regime == i].mean() for i, name in enumerate(REGIMES)}
    spread = {name: move[market.regime == i].std() for i, name in enumerate(REGIMES)}
    assert mean["trend_up"] > 3 and mean["trend_down"] < -3
    assert spread["range"] < spread["trend_up"] < spread["volatile"]
    assert 0.005 < np.mean(np.diff(market.regime) != 0) < 0.015


def test_price_jumps_and_volume_clusters_occur() -> None:
    market = generate_market(20_000, seed=4)
    jumps = market.open[1:] != market.close[:-1]
    assert 0.01 < jumps.mean() < 0.06
    volume = market.volume - market.volume.mean()
    assert np.mean(volume[1:] * volume[:-1]) / volume.var() > 0.5


def test_bullish_gap_opens_is_measured_and_is_traded_through() -> None:
    #            0    1    2    3    4    5
    high = [100, 112, 130, 135, 125, 118]
    low = [90, 98, 115, 120, 105, 100]  # bar 2: high[0] 100 < low[2] 115; bar 5 reaches 100
    close = [95, 110, 125, 130, 110, 101]
    track = gaps.track_gaps(bars_from(high, low, close))
    assert track.bullish_open.tolist() == [0, 0, 1, 1, 1, 0]
    assert track.bearish_open.tolist() == [0, 0, 0, 0, 0, 0]
    assert track.traded_through.tolist() == [0, 0, 0, 0, 0, 1]
    # bar 4 closes at 110, inside the zone (100, 115)
    assert track.distance.tolist() == [0, 0, -10, -15, 0, 0]
    assert track.age.tolist() == [0, 0, 0, 1, 2, 0]
    assert (track.near[2], track.far[2]) == (115, 100)


def test_bearish_gap_mirrors_the_bullish_one() -> None:
    high, low = [210, 202, 185, 190, 201], [200, 188, 170, 180, 190]  # bar 2: low[0] 200 > high[2] 185
    track = gaps.track_gaps(bars_from(high, low, [205, 190, 175, 188, 200]))
    assert track.bearish_open.tolist() == [0, 0, 1, 1, 0]
    assert track.traded_through.tolist() == [0, 0, 0, 0, 1]
    assert track.distance.tolist() == [0, 0, 10, 0, 0]


def test_narrow_zones_are_no_gaps_and_the_width_limit_is_inclusive() -> None:
    narrow = gaps.track_gaps(bars_from([100, 112, 130], [90, 95, 100 + gaps.MINIMUM_WIDTH - 1]))
    wide = gaps.track_gaps(bars_from([100, 112, 130], [90, 95, 100 + gaps.MINIMUM_WIDTH]))
    assert narrow.bullish_open.tolist() == [0, 0, 0]
    assert wide.bullish_open.tolist() == [0, 0, 1]


def test_the_nearest_of_two_gaps_counts_and_old_gaps_are_forgotten() -> None:
    rest = gaps.MAXIMUM_AGE + 5
    high = [100, 112, 130, 142, 160] + [160] * rest
    low = [90, 98, 115, 125, 145] + [145] * rest  # gaps at 2 (100, 115), 3 (112, 125), 4 (130, 145)
    track = gaps.track_gaps(bars_from(high, low, [95, 105, 120, 135, 150] + [150] * rest))
    assert track.near[4] == 145 and track.born[4] == 4
    assert track.bullish_open[4 + gaps.MAXIMUM_AGE] == 1
    assert track.bullish_open[5 + gaps.MAXIMUM_AGE] == 0
    assert not track.traded_through.any(), "forgotten is not traded through"


@pytest.mark.parametrize("model", ["tactical", "strategic"])
def test_features_lie_in_range_and_vary(market: Bars, model: str) -> None:
    shape = features.INPUTS[model]
    rows = shape.rows(market, gaps.track_gaps(market))[features.WARM_UP:]
    assert rows.dtype == np.float32 and rows.shape[1] == len(shape.names)
    assert rows.min() >= -1 and rows.max() <= 1
    assert np.all(rows.std(axis=0) > 0.03), dict(zip(shape.names, rows.std(axis=0)))


def test_tactical_columns_are_the_seven_in_order(market: Bars) -> None:
    track = gaps.track_gaps(market)
    rows = features.tactical_rows(market, track)
    for column, values in ((0, track.bullish_open), (1, track.bearish_open), (4, track.traded_through)):
        assert np.array_equal(rows[:, column], values.astype(np.float32))
    assert set(np.unique(rows[:, [0, 1, 4]])) == {0.0, 1.0}
    flat = bars_from([110] * 20 + [310], [90] * 20 + [290])
    last = features.tactical_rows(flat, gaps.track_gaps(flat))[-1]
    assert last[5] == 1.0 and last[6] == 0.0, "a rise far beyond the range clips; usual volume is 0"


@pytest.mark.parametrize("model", ["tactical", "strategic"])
@pytest.mark.parametrize("cut", [1500, 2345, 3999])
def test_features_do_not_look_ahead(market: Bars, model: str, cut: int) -> None:
    """Other bars after `cut` (those of another market) leave every feature up to `cut` as it was."""
    other = generate_market(len(market), seed=99)

    def spliced(name: str) -> np.ndarray:
        return np.concatenate([getattr(market, name)[:cut + 1], getattr(other, name)[cut + 1:]])

    changed = replace(market, **{name: spliced(name) for name in ("open", "high", "low", "close", "volume")})
    rows = features.INPUTS[model].rows
    before, after = rows(market, gaps.track_gaps(market)), rows(changed, gaps.track_gaps(changed))
    assert np.array_equal(before[:cut + 1], after[:cut + 1])
    assert not np.array_equal(before[cut + 1:], after[cut + 1:])


@pytest.mark.parametrize("cut", [1000, 2000, 3000, 4000])
def test_labels_read_only_the_horizon(market: Bars, cut: int) -> None:
    for model, make in tasks.TASKS.items():
        end = cut + tasks.HORIZON[model]
        shorter = Bars(*(getattr(market, name)[:end + 1] for name in market.__dataclass_fields__))
        whole, part = make(market, gaps.track_gaps(market)), make(shorter, gaps.track_gaps(shorter))
        for long, short in zip(whole, part):
            assert np.array_equal(long.labels[:cut + 1], short.labels[:cut + 1]), (model, long.head)


def test_gap_outcomes() -> None:
    high, low = np.array([100, 112, 130, 135, 125, 118.0]), np.array([90, 98, 115, 120, 105, 100.0])
    for bars in (bars_from(high, low), bars_from(-low, -high)):  # a bullish gap at bar 2, then its mirror
        track = gaps.track_gaps(bars)
        outcome = [int(tasks.gap_outcome(bars, track, count)[2]) for count in (1, 2, 3)]
        assert outcome == [tasks.UNTOUCHED, tasks.HELD, tasks.FILLED]


def test_direction_labels() -> None:
    assert tasks.three_way(np.array([-1.1, -1.0, 0.0, 1.0, 1.1]), 1.0).tolist() == [0, 1, 1, 1, 2]
    # From 100: up to 130 with a dip to 95, so +30 against a risk of 5 and one unit of 10.
    bars = bars_from([101, 112, 131], [99, 95, 120], [100, 105, 130])
    assert tasks.trade_score(bars, np.full(3, 10.0), 2)[0] == 30 / (5 + 10)
    mirror = bars_from([-99, -95, -120], [-101, -112, -131], [-100, -105, -130])
    assert tasks.trade_score(mirror, np.full(3, 10.0), 2)[0] == -30 / (5 + 10)
    assert tasks.future_extreme(np.array([9.0, 1, 5, 3, 0]), 2, np.maximum).tolist()[:3] == [5, 5, 3]


def test_windows_are_oldest_first() -> None:
    rows = np.arange(20, dtype=np.float32).reshape(10, 2)
    assert features.states_ending_at(rows, np.array([4, 9]), 3).tolist() == [
        [4, 5, 6, 7, 8, 9], [14, 15, 16, 17, 18, 19]]


def test_consecutive_states_share_all_but_one_row() -> None:
    states = make_states("tactical", 5, seed=1).reshape(5, 60, 7)
    assert np.array_equal(states[0, 1:], states[1, :-1])


def test_training_and_held_out_bars_do_not_touch() -> None:
    training, held_out = split_by_time(20_000, window=60, horizon=20)
    assert training[0] - 59 >= features.WARM_UP
    assert held_out[0] - 59 - features.WARM_UP > training[-1] + 20
    assert held_out[-1] + 20 < 20_000


def test_a_margin_needs_more_than_its_error() -> None:
    noise = StableRandom(8).normal(20_000)
    assert not evaluation.block_margin(noise, np.zeros(20_000)).holds
    assert evaluation.block_margin(noise + 1.0, np.zeros(20_000)).holds
    assert not evaluation.block_margin(noise - 1.0, np.zeros(20_000)).holds


def test_the_command(tmp_path: Path) -> None:
    out = tmp_path / "states.npy"
    subprocess.run([SCRIPT, out, "--states", "8", "--seed", "7", "--model", "strategic"], check=True)
    states = np.load(out)
    assert states.dtype == np.float32 and states.shape == (8, 13)
    assert np.array_equal(states, make_states("strategic", 8, seed=7))
    bad_usage = subprocess.run([SCRIPT, out, "--states", "0"], capture_output=True, check=False)
    unwritable = subprocess.run([SCRIPT, tmp_path / "no" / "x.npy"], capture_output=True, check=False)
    assert (bad_usage.returncode, unwritable.returncode) == (2, 4)
