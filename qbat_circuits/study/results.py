"""Results as files: result.json (what a reader wants), result.nc (every array), counts.json."""

from __future__ import annotations

import dataclasses
import math
import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qbat_circuits.analysis.pauli import PauliEstimate
from qbat_circuits.cells import level_numbers
from qbat_circuits.dynamics.curve import ChargingCurve
from qbat_circuits.errors import InputError
from qbat_circuits.json_files import json_bytes, write_together
from qbat_circuits.study.experiment import ExperimentResult
from qbat_circuits.study.model import Model
from qbat_circuits.study.netcdf import netcdf_bytes
from qbat_circuits.study.result_details import battery_content, chip_content, measured_content
from qbat_circuits.units import quantum_j, quantum_uev, temperature_from_occupation

if TYPE_CHECKING:
    import xarray as xr

FORMAT, VERSION = "qbat-result", 1
#: Everything that a run writes.
FILES = ("result.json", "counts.json", "result.nc", "charging.svg")
_PACKAGES = ("qbat-circuits", "qiskit", "qiskit-aer", "qiskit-dynamics", "numpy", "scipy")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide the numbers."""
    found = {name: version(name) for name in _PACKAGES[1:]}
    from qbat_circuits import __version__

    return {"python": platform.python_version(), _PACKAGES[0]: __version__, **found}


def result_content(result: ExperimentResult) -> dict[str, Any]:
    """The content of result.json. Energies in units of hbar*mean(omega) unless named otherwise."""
    return {**_provenance(result), **_findings(result), **_details(result)}


def curve_content(model: Model, curve: ChargingCurve, notes: tuple[str, ...]) -> dict[str, Any]:
    """A charging curve alone, as JSON content."""
    plateau = curve.plateau()
    return {
        "format": FORMAT,
        "version": VERSION,
        "kind": "curve",
        "statement": model.statement,
        "hypothetical": model.hypothetical,
        "experiment": model.experiment.model_dump(mode="json"),
        "versions": versions(),
        "units": {"energy": "hbar*mean(omega)", "time": "1/rate" if model.device is None else "s"},
        "engine": curve.engine,
        "time": curve.times.tolist(),
        "energy": curve.energy.tolist(),
        "ergotropy": curve.ergotropy.tolist(),
        "plateau": dataclasses.asdict(plateau),
        "assumptions": list(model.assumptions),
        "notes": list(notes),
    }


def _provenance(result: ExperimentResult) -> dict[str, Any]:
    """What was run, on which chip, with which versions."""
    model = result.model
    device = model.device
    return {
        "format": FORMAT,
        "version": VERSION,
        "kind": "run",
        "statement": model.statement,
        "hypothetical": model.hypothetical,
        "created_at": result.created_at,
        "n_cells": model.battery.n_cells,
        "calibration": None if device is None else device.name,
        "calibrated_at": None if device is None else device.calibrated_at,
        "calibration_sha256": None if device is None else device.calibration_sha256,
        "qubits": None if device is None else list(device.qubits),
        "experiment": model.experiment.model_dump(mode="json"),
        "experiment_sha256": model.experiment.sha256(),
        "seed": model.experiment.measurement.seed,
        "versions": versions(),
        "units": {"energy": "hbar*mean(omega)", "time": _time_unit(result)},
        "energy_quantum": _quantum(model.frequency_hz),
        "bath": _bath_content(result),
        "readout": model.readout.to_dict(),
        "assumptions": list(model.assumptions),
        "notes": list(result.notes),
    }


def _findings(result: ExperimentResult) -> dict[str, Any]:
    """What came out."""
    estimate, plateau = result.estimate, result.plateau
    seconds = result.model.device is not None
    return {
        "engine": {
            "name": result.curve.engine,
            "tolerance": result.curve.tolerance,
            "checked_by": result.check_engine,
            "energy_deviation": result.energy_deviation,
            "ergotropy_deviation": result.ergotropy_deviation,
        },
        "time": plateau.peak_time,
        "time_s": plateau.peak_time if seconds else None,
        "plateau": {
            "share": plateau.share,
            "start": plateau.start,
            "stop": plateau.stop,
            "ends_within_the_curve": plateau.stops_inside,
        },
        "steady_state": _steady_content(result),
        "energy": {
            "true": result.energy_true,
            "at_readout": result.energy_at_readout,
            "value": estimate.energy.value,
            "low": estimate.energy.low,
            "high": estimate.energy.high,
            "confidence": estimate.confidence,
        },
        "ergotropy": {
            "true": result.ergotropy_true,
            "at_readout": result.ergotropy_at_readout,
            **ergotropy_content(estimate),
        },
        "leakage": None if result.leakage is None else dataclasses.asdict(result.leakage),
        "shots_per_setting": estimate.shots,
        "smallest_eigenvalue_sigma": estimate.smallest_eigenvalue_sigma,
    }


def _details(result: ExperimentResult) -> dict[str, Any]:
    """What a report shows beside it."""
    device, battery = result.model.device, result.model.battery
    charged = result.curve.states[result.curve.best] if battery.levels == 2 else None
    return {
        "hypothetical_reason": "" if device is None else device.hypothetical_reason,
        "initial_state": result.model.initial_state,
        "chip": None if device is None else chip_content(device, device.qubits),
        "battery": battery_content(battery),
        **measured_content(result.counts, result.estimate, battery.energies, charged),
    }


def ergotropy_content(estimate: PauliEstimate) -> dict[str, Any]:
    """What counts say about the ergotropy, with the interval."""
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "confidence": estimate.confidence,
        "method": estimate.method,
        "guaranteed_low": estimate.guaranteed_low,
        "p_value": estimate.p_value,
        "plug_in": estimate.plug_in,
        "raw": estimate.raw_value,
    }


def result_dataset(result: ExperimentResult) -> xr.Dataset:
    """Every array of a run, labelled, with units and provenance.

    Variables: energy(time), ergotropy(time), charged_state(row, column), raw_state, physical_state,
    counts(setting, outcome), assignment(cell, read, prepared). States are little-endian.
    """
    import json

    import xarray as xr

    curve, counts, estimate = result.curve, result.counts, result.estimate
    n, d = result.model.battery.n_cells, result.model.battery.levels
    bits = [f"{b:0{n}b}" for b in range(2**n)]
    unit = {"units": "hbar*mean(omega)"}
    state = {"units": "1", "bit_order": "little-endian, q_{N-1}...q_0"}
    matrix = ("row", "column")
    whole = matrix if d == 2 else ("level_row", "level_column")  # a readout sees two levels only
    content = result_content(result)
    provenance = {
        key: content[key] if isinstance(content[key], str) else json.dumps(content[key])
        for key in (
            "statement",
            "experiment",
            "experiment_sha256",
            "versions",
            "seed",
            "assumptions",
            "notes",
        )
    }
    provenance["calibrated_at"] = content["calibrated_at"] or ""
    provenance["calibration_sha256"] = content["calibration_sha256"] or ""
    provenance["hypothetical"] = json.dumps(content["hypothetical"])
    return xr.Dataset(
        {
            "energy": ("time", curve.energy, {**unit, "long_name": "stored energy"}),
            "ergotropy": ("time", curve.ergotropy, {**unit, "long_name": "ergotropy"}),
            "charged_state": (whole, curve.states[curve.best], state),
            "raw_state": (matrix, estimate.raw_state, state),
            "physical_state": (matrix, estimate.state, state),
            "counts": (("setting", "outcome"), counts.table, {"units": "1"}),
            "assignment": (
                ("cell", "read", "prepared"),
                result.model.readout.assignment,
                {"units": "1", "long_name": "P(read | prepared)"},
            ),
        },
        coords={
            "time": ("time", curve.times, {"units": _time_unit(result)}),
            "row": ("row", bits, {"units": "1"}),
            "column": ("column", bits, {"units": "1"}),
            **{side: (side, _words(n, d), {"units": "1"}) for side in whole},
            "setting": ("setting", list(counts.settings), {"units": "1"}),
            "outcome": ("outcome", bits, {"units": "1"}),
            "cell": ("cell", np.arange(n), {"units": "1"}),
        },
        attrs={"format": FORMAT, **provenance},
    )


def _words(n_cells: int, levels: int) -> list[str]:
    """Names of the basis states: the level of each cell, cell N-1 first."""
    numbers = level_numbers(n_cells, levels)[:, ::-1]
    return ["".join(map(str, row)) for row in numbers.tolist()]


def result_files(result: ExperimentResult) -> dict[str, bytes]:
    """Name and content of every data file of a run, ready to be written."""
    return {
        "result.json": json_bytes(result_content(result)),
        "counts.json": json_bytes(result.counts.to_dict()),
        "result.nc": netcdf_bytes(result_dataset(result)),
    }


def check_writable(folder: Path) -> None:
    """Refuse a result folder that cannot be made or written, before the work and without a trace.

    Raises:
        InputError: naming the place.
    """
    above = (folder, *folder.absolute().parents)
    existing = next(place for place in above if os.path.exists(place))  # Path.exists may raise
    if not os.path.isdir(existing):
        raise InputError(f"The folder {os.fspath(folder)!r} cannot be made: a file is in the way.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"The folder {os.fspath(folder)!r} cannot be written.")
    for name in FILES:
        if os.path.isdir(folder / name):
            raise InputError(f"The folder {os.fspath(folder)!r} holds a folder named {name!r}.")


def write_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write a result's files into a folder, which is made if needed: all of them, or none.

    Raises:
        InputError: if the folder cannot be made or written.
    """
    return write_together(folder, files)


def _time_unit(result: ExperimentResult) -> str:
    return "1/rate" if result.model.device is None else "s"


def _quantum(frequency_hz: float | None) -> dict[str, float] | None:
    if frequency_hz is None:
        return None
    return {
        "frequency_hz": frequency_hz,
        "joule": quantum_j(frequency_hz),
        "uev": quantum_uev(frequency_hz),
    }


def _bath_content(result: ExperimentResult) -> dict[str, Any]:
    bath, frequency = result.model.battery.bath, result.model.frequency_hz
    thermal = bath.cross == 0 and bath.emission > bath.absorption
    known = thermal and frequency is not None
    return {
        "emission": bath.emission,
        "absorption": bath.absorption,
        "cross": [bath.cross.real, bath.cross.imag],
        "rate": bath.rate,
        "occupation": bath.occupation if math.isfinite(bath.occupation) else None,
        "temperature_k": temperature_from_occupation(frequency or 0.0, bath.occupation)
        if known
        else None,
        "coupling": dataclasses.asdict(bath.coupling),
        "off_during_readout": result.model.experiment.measurement.bath_off,
    }


def _steady_content(result: ExperimentResult) -> dict[str, Any] | None:
    steady = result.steady
    if steady is None:
        return None
    return {
        "energy": steady.energy,
        "ergotropy": steady.ergotropy,
        "unique": steady.unique,
        "sector_weights": {f"{j:g}": weight for j, weight in steady.sector_weights.items()},
    }
