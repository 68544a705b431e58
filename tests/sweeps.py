"""Small sweeps for tests, and the values of a point without a sweep."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

import qbat_circuits as qb
from qbat_circuits.file_models import validated
from qbat_circuits.schema import Experiment
from qbat_circuits.study.model import build_model
from qbat_circuits.study.sweep_compute import compute
from qbat_circuits.study.sweep_points import Grid, PointResult
from qbat_circuits.sweep_schema import SweepAxis

PAIR = {
    "battery": {"n_cells": 2},
    "bath": {"rate": 1.0, "occupation": 1.0},
    "charging": {"times": {"stop": 3.0, "num": 16}, "engine": "propagator"},
}
OCCUPATION = {"field": "bath.occupation", "values": [0.5, 1.0, 2.0]}
NOISE = {"field": "noise.rate", "start": 0.0, "stop": 0.2, "num": 3}
CHIP = {
    "chip": {
        "calibration": "brisbane",
        "qubits": [0, 1],
        "tune_to_resonance": True,
        "residual_population": 0.01,
    },
    "bath": {"rate": 5e6, "temperature_k": 0.3},
    "charging": {"times": {"stop": 1e-6, "num": 21}},
}
COLLISION = {
    "chip": {"calibration": "fez", "qubits": [3, 16], "tune_to_resonance": False},
    "bath": {"occupation": 1.0},
    "charging": {"mode": "collision"},
    "collision": {"theta": 0.8, "collisions": 4, "assumed_durations_s": {"reset": 2e-6}},
}


def experiment(**change: Any) -> Experiment:
    return validated(Experiment, {**PAIR, **change})


def many(n_cells: int = 8, **change: Any) -> Experiment:
    """Identical cells, which are computed in batches."""
    charging = {"times": {"stop": 4.0, "num": 50}}
    return experiment(battery={"n_cells": n_cells}, charging=charging, **change)


def grid_of(one: Experiment, **axes: dict[str, Any]) -> Grid:
    return Grid.of(one, {n: validated(SweepAxis, a) for n, a in axes.items()}, qb.__version__)


def computed(grid: Grid, points: Iterable[int]) -> list[PointResult]:
    return compute(grid.part(points))


def values_by_hand(one: Experiment) -> tuple[float, ...]:
    """What a sweep keeps of a point of mode "bath", from `charge` and `steady_state`."""
    model = build_model(one)
    curve = qb.charge(model.battery, one.charging.array(), model.initial_state, engine="auto")
    plateau, best = curve.plateau(), int(np.argmax(curve.ergotropy >= curve.ergotropy.max() - 1e-9))
    steady = qb.steady_state(model.battery, model.initial_state).ergotropy
    window = plateau.start, plateau.stop
    return (
        float(curve.ergotropy[best]),
        float(curve.energy[best]),
        float(curve.times[best]),
        *window,
        float(curve.ergotropy[-1]),
        steady,
    )
