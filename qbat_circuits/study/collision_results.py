"""Results of a collision circuit as files: result.json, result.nc, counts.json."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from qbat_circuits.json_files import json_bytes
from qbat_circuits.study.collision import CollisionResult
from qbat_circuits.study.netcdf import netcdf_bytes
from qbat_circuits.study.result_details import chip_content, measured_content
from qbat_circuits.study.results import (
    FORMAT,
    VERSION,
    ergotropy_content,
    versions,
)

if TYPE_CHECKING:
    import xarray as xr

_UNIT = {"units": "hbar*omega"}


def collision_content(result: CollisionResult) -> dict[str, Any]:
    """The content of result.json. Energies in units of hbar*omega, the quantum of a cell."""
    schedule, estimate = result.schedule, result.estimate
    one, chip = schedule.compiled, schedule.compiled.noise.calibration
    return {
        "format": FORMAT,
        "version": VERSION,
        "kind": "collision",
        "statement": result.statement,
        "hypothetical": False,
        "created_at": result.created_at,
        "n_cells": one.n_cells,
        "calibration": chip.name,
        "calibrated_at": chip.calibrated_at,
        "calibration_sha256": chip.sha256,
        "qubits": list(one.placement.cells),
        "experiment": result.experiment.model_dump(mode="json"),
        "experiment_sha256": result.experiment.sha256(),
        "seed": result.experiment.measurement.seed,
        "versions": versions(),
        "units": {"energy": "hbar*omega", "time": "s"},
        "time_s": schedule.duration_s,
        "circuit": {
            "ancilla": one.ancilla,
            "ancilla_qubit": one.placement.ancilla,
            "hops": list(one.placement.hops),
            "occupation": one.occupation,
            "theta": one.theta,
            "collisions": schedule.collisions,
            "two_qubit_gates": schedule.two_qubit_gates,
            "duration_s": schedule.duration_s,
            "equivalent_kappa_t": schedule.equivalent_time,
            "state_deviation_from_aer": result.state_deviation,
        },
        "ideal": {
            "bath_ergotropy": float(result.bath.ergotropy[-1]),
            "bath_energy": float(result.bath.energy[-1]),
            "bath_limit": result.bath_limit,
            "circuit_ergotropy": float(result.noiseless[-1]),
        },
        "energy": {
            "true": schedule.energy,
            **estimate.energy.to_dict(),
            "confidence": estimate.confidence,
        },
        "ergotropy": {
            "true": schedule.ergotropy,
            "from_correlations": float(schedule.correlated[schedule.collisions - 1]),
            **ergotropy_content(estimate),
        },
        "extraction": _extraction_content(result),
        "trade_off": [dataclasses.asdict(point) for point in schedule.trade_off],
        "readout": one.readout().to_dict(),
        "shots_per_setting": estimate.shots,
        "smallest_eigenvalue_sigma": estimate.smallest_eigenvalue_sigma,
        "assumptions": list(result.assumptions),
        "notes": list(result.notes),
        "chip": chip_content(chip, (*one.placement.cells, one.placement.ancilla)),
        **measured_content(result.counts, estimate, (1.0,) * one.n_cells, schedule.state),
    }


def collision_dataset(result: CollisionResult) -> xr.Dataset:
    """Every array of a run, labelled, with units and provenance.

    Variables over collisions 1, 2, ...: ergotropy, from_correlations; over 0, 1, ... k:
    noiseless_ergotropy, bath_ergotropy, bath_energy; charged_state, raw_state and physical_state
    (row, column), little-endian; counts(setting, outcome); assignment(cell, read, prepared).
    """
    import xarray as xr

    schedule, counts, estimate = result.schedule, result.counts, result.estimate
    n = counts.n_cells
    bits = [f"{b:0{n}b}" for b in range(2**n)]
    state = {"units": "1", "bit_order": "little-endian, q_{N-1}...q_0"}
    content = collision_content(result)
    names = ("statement", "experiment", "experiment_sha256", "versions", "seed", "circuit")
    told = {k: content[k] for k in (*names, "assumptions", "notes", "calibration_sha256")}
    return xr.Dataset(
        {
            "ergotropy": ("collisions", schedule.ergotropies, _UNIT),
            "from_correlations": ("collisions", schedule.correlated, _UNIT),
            "noiseless_ergotropy": ("number", result.noiseless, _UNIT),
            "bath_ergotropy": ("number", result.bath.ergotropy, _UNIT),
            "bath_energy": ("number", result.bath.energy, _UNIT),
            "charged_state": (("row", "column"), schedule.state, state),
            "raw_state": (("row", "column"), estimate.raw_state, state),
            "physical_state": (("row", "column"), estimate.state, state),
            "counts": (("setting", "outcome"), counts.table, {"units": "1"}),
            "assignment": (
                ("cell", "read", "prepared"),
                schedule.compiled.readout().assignment,
                {"units": "1", "long_name": "P(read | prepared)"},
            ),
        },
        coords={
            "collisions": ("collisions", np.arange(1, len(schedule.ergotropies) + 1)),
            "number": ("number", np.arange(len(result.noiseless)), {"units": "collisions"}),
            "row": ("row", bits),
            "column": ("column", bits),
            "setting": ("setting", list(counts.settings)),
            "outcome": ("outcome", bits),
            "cell": ("cell", np.arange(n)),
        },
        attrs={
            "format": FORMAT,
            **{k: v if isinstance(v, str) else json.dumps(v) for k, v in told.items()},
        },
    )


def collision_files(result: CollisionResult) -> dict[str, bytes]:
    """Name and content of every data file of a run, ready to be written."""
    return {
        "result.json": json_bytes(collision_content(result)),
        "counts.json": json_bytes(result.counts.to_dict()),
        "result.nc": netcdf_bytes(collision_dataset(result)),
    }


def _extraction_content(result: CollisionResult) -> dict[str, Any]:
    found = result.extraction
    return {
        "ideal_work": found.ideal_work,
        "net_work": found.net_work,
        "idle_loss": found.idle_loss,
        "break_even_two_qubit_error": found.break_even_error,
        "two_qubit_gates": found.two_qubit_gates,
        "duration_s": found.duration_s,
        "control_energy_counted": False,
    }
