"""One small result of every kind, written as the commands write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qbat_circuits as qb
from qbat_circuits.file_models import validated
from qbat_circuits.json_files import json_bytes
from qbat_circuits.schema import Experiment
from qbat_circuits.study.collision import run_collision
from qbat_circuits.study.collision_results import collision_files
from qbat_circuits.study.experiment import run_experiment
from qbat_circuits.study.fit_results import fit_content
from qbat_circuits.study.plan import plan
from qbat_circuits.study.results import result_files, write_files
from qbat_circuits.sweep_schema import SweepAxis

#: Fixed frequencies and no common line, so hypothetical.
BATH: dict[str, Any] = {
    "chip": {
        "calibration": "brisbane",
        "qubits": [0, 1],
        "tune_to_resonance": True,
        "residual_population": 0.01,
    },
    "bath": {"rate": 6.3e6, "occupation": 1.0},
    "charging": {"times": {"stop": 1e-6, "num": 21}},
    "measurement": {"shots": 400},
}
#: Cells without a chip, of three levels.
IDEAL: dict[str, Any] = {
    "battery": {"n_cells": 2, "levels": 3, "frequency": 1e5, "anharmonicity": -5e3},
    "bath": {"rate": 1.0, "occupation": 0.5},
    "noise": {"rate": 0.1},
    "charging": {"times": {"stop": 4.0, "num": 9}},
    "measurement": {"shots": 100},
}
CIRCUIT: dict[str, Any] = {
    "chip": {"calibration": "fez", "qubits": [132, 138], "tune_to_resonance": False},
    "bath": {"occupation": 1.0},
    "charging": {"mode": "collision"},
    "collision": {"theta": 1.0, "collisions": 2, "ancilla_qubit": 131},
    "measurement": {"shots": 1000},
}
AXES: dict[str, dict[str, Any]] = {
    "occupation": {"field": "bath.occupation", "values": [0.5, 1.0, 2.0]},
    "rate": {"field": "bath.rate", "values": [2e6, 6e6]},
}


def write_every_kind(folder: Path) -> dict[str, Path]:
    """A folder for each kind of result, by name."""
    bath, ideal, circuit = (validated(Experiment, one) for one in (BATH, IDEAL, CIRCUIT))
    places = {
        name: folder / name
        for name in ("run", "ideal", "collision", "plan", "comparison", "fit", "sweep")
    }
    write_files(places["run"], result_files(run_experiment(bath)))
    write_files(places["ideal"], result_files(run_experiment(ideal)))
    write_files(places["collision"], collision_files(run_collision(circuit)))
    planned = plan(bath, qb.Goal(None, 0.2, 0.95), schemes=("pauli", "energy-basis"))
    write_files(places["plan"], {"plan.json": json_bytes(planned.to_dict())})
    write_files(places["comparison"], {"comparison.json": json_bytes(qb.compare(bath).to_dict())})
    write_files(places["fit"], {"fit.json": json_bytes(_fitted())})
    places["sweep"].mkdir()
    axes = {name: SweepAxis.model_validate(axis) for name, axis in AXES.items()}
    qb.sweep(bath, axes, places["sweep"] / "sweep.sqlite")
    return places


def _fitted() -> dict[str, Any]:
    """What `qbat compare --data` writes."""
    battery = qb.Battery.identical(2, qb.CollectiveBath(1.0, 1.0), qb.LocalNoise(0.1))
    times = [0.3, 1.0, 3.0]
    states = qb.charge(battery, [0.0, *times]).states[1:]
    ideal = qb.ReadoutModel.ideal(2)
    counts = [qb.sample_counts(state, ideal, 300, k) for k, state in enumerate(states)]
    known = {"n_l": 0.0, "gamma_phi": 0.0}
    fit = qb.fit_counts(times, counts, fixed=known)
    return fit_content(fit, qb.compare_readings(times, counts, fixed=known))
