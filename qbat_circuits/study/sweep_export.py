"""A sweep as a labelled dataset, and as a NetCDF file."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qbat_circuits.json_files import write_atomically
from qbat_circuits.study.netcdf import netcdf_bytes
from qbat_circuits.study.results import FORMAT, VERSION
from qbat_circuits.study.sweep_reading import StoredSweep, read_points, read_sweep
from qbat_circuits.study.sweep_statement import sweep_statement
from qbat_circuits.sweep_schema import CALIBRATION

if TYPE_CHECKING:
    import xarray as xr

#: Values of the variable "state", as the CF conventions want them: words apart by blanks.
STATES = ("not_computed", "computed", "failed")
#: Last words of fields that are a rate or a time, in 1/s and s with a chip.
_RATES = ("rate", "emission", "absorption", "dephasing", "bandwidth", "frequency", "anharmonicity")
_TIMES = ("start", "stop")
#: Units of variables but those of time.
_UNITS = {"energy": "hbar*mean(omega)", "angle": "rad", "number": "1"}
_FLAGS = " ".join(STATES)


def sweep_dataset(store: str | os.PathLike[str]) -> xr.Dataset:
    """Every committed point of a store, labelled by the axes, with units and provenance.

    Variables over the axes: those of `Grid.variables` (NaN where a point failed, is not computed or
    nothing is determined), `state` (see `STATES`) and `failure` (the sentence, else "").

    Raises:
        InputError: if there is no such store.
    """
    import xarray as xr

    path = Path(store)
    stored = read_sweep(path)
    grid = stored.grid
    values = np.full((len(grid.variables), grid.size), np.nan)
    state = np.zeros(grid.size, dtype=np.int8)
    failure = np.full(grid.size, "", dtype=object)
    for result in read_points(path):
        state[result.point] = 1 if result.values else 2
        if result.values:
            values[:, result.point] = result.values
        else:
            failure[result.point] = result.failure
    seconds = grid.base["chip"] is not None or CALIBRATION in grid.fields
    units = _UNITS | {"time": "s" if seconds else "1/rate"}
    variables: dict[str, Any] = {
        name: (grid.names, row.reshape(grid.shape), {"units": units[unit], "long_name": long_name})
        for (name, (unit, long_name)), row in zip(grid.variables.items(), values, strict=True)
    }
    flags = {"flag_values": np.arange(len(STATES), dtype=np.int8), "flag_meanings": _FLAGS}
    about = {"units": "1", "long_name": "what became of the point", **flags}
    variables["state"] = (grid.names, state.reshape(grid.shape), about)
    about = {"units": "1", "long_name": "why the point failed"}
    variables["failure"] = (grid.names, failure.reshape(grid.shape), about)
    axes = {
        name: (name, list(axis), {"units": _unit(field, seconds), "field": field})
        for name, field, axis in zip(grid.names, grid.fields, grid.values, strict=True)
    }
    return xr.Dataset(variables, coords=axes, attrs=_provenance(stored))


def export_sweep(store: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Write what a store holds as one NetCDF file, whole or not at all.

    Raises:
        InputError: if there is no such store, or the file cannot be written.
    """
    write_atomically(path, netcdf_bytes(sweep_dataset(store)))


def _provenance(stored: StoredSweep) -> dict[str, str]:
    grid = stored.grid
    statement, reason = sweep_statement(grid)
    return {
        "format": FORMAT,
        "version": str(VERSION),
        "kind": "sweep",
        "statement": statement,
        "hypothetical": json.dumps(bool(reason)),
        "hypothetical_reason": reason,
        "experiment": json.dumps(grid.base),
        "axes": json.dumps(dict(zip(grid.names, grid.fields, strict=True))),
        "sweep_sha256": grid.sha256,
        "package": grid.package,
        "calibration_sha256": json.dumps(grid.calibrations),
        "seed": json.dumps(grid.base.get("measurement", {}).get("seed")),
        "versions": json.dumps(stored.versions),
        "begun_at": stored.begun_at,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _unit(field: str, seconds: bool) -> str:
    """Unit of a field."""
    last = field.rpartition(".")[2]
    if last.endswith("_hz"):
        return "Hz"
    if last.endswith("_k"):
        return "K"
    if last == "theta":
        return "rad"
    if last in _RATES:
        return "1/s" if seconds else "rate"
    if last in _TIMES:
        return "s" if seconds else "1/rate"
    return "1"
