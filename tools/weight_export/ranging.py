# SPDX-License-Identifier: Apache-2.0
"""Which ranges the model is packed with, and which states it is judged on."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field

import numpy as np

from . import calibrate, options, states
from .accuracy import state_limit
from .calibrate import Trial
from .fold import pack_float32
from .model import Model
from .packed import PackedModel
from .quantise import pack_int8

CHECK_SEED = 0
CHECK_STATES = 4096


@dataclass
class Packing:
    """The packed model; the states to judge it on, their places in their file, and what they are called; how the ranges
    were found."""

    packed: PackedModel
    judged: np.ndarray
    places: np.ndarray
    states_from: str
    method: str | None = None
    trials: list[Trial] = field(default_factory=list)


def pack(parsed: argparse.Namespace, model: Model, calibration: states.Calibration | None) -> Packing:
    """Errors: bad-features, those of the calibration and of packing. Adds to the model's notes."""
    features = model.window[1] or model.inputs
    options.check_features(parsed.features, features)
    pack_as = pack_int8 if parsed.dtype == "int8" else pack_float32
    if calibration is None:
        low_high = parsed.ranges or model.input_range or states.DEFAULT_RANGE
        packed = pack_as(model, states.uniform_ranges(*low_high, features), parsed.features)
        drawn = states.random_states(CHECK_STATES, packed.ranges, model.inputs, CHECK_SEED)
        return _judged(Packing(packed, drawn, np.arange(len(drawn)), "states drawn within the ranges"))
    learned = judged = calibration.states
    first, called = 0, "calibration states"
    if parsed.held_out:
        judged, called = states.read_calibration(parsed.held_out, model.inputs).states, "held-out states"
    elif parsed.calibrate == calibrate.BEST:
        learned, judged = calibrate.split(calibration.states)
        first, called = len(learned), "held-out states (the last quarter of the calibration)"
    places = np.arange(first, first + len(judged))
    if parsed.calibrate == calibrate.BEST:
        packed, notes, trials, method = calibrate.choose(model, learned, judged, features, parsed.features,
                                                         parsed.budget)
        model.notes += [*notes, f"ranges by {method}, the best of {len(trials)} on {called}"]
        return _judged(Packing(packed, judged, places, called, method, trials))
    ranges, notes = calibrate.method_ranges(parsed.calibrate, learned, features)
    model.notes += notes
    return _judged(Packing(pack_as(model, ranges, parsed.features), judged, places, called, parsed.calibrate))


def _judged(packing: Packing) -> Packing:
    """With as many of the states as there is time for, evenly spread."""
    chosen = states.spread_places(len(packing.judged), state_limit(packing.packed))
    packing.judged, packing.places = packing.judged[chosen], packing.places[chosen]
    return packing
