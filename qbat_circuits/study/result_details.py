"""What a report shows of a run beside its answer: chip, noise, findings, total spin, estimators."""

from __future__ import annotations

from typing import Any

from qbat_circuits.analysis.dicke import DickeEstimate
from qbat_circuits.analysis.estimate import SCHEMES
from qbat_circuits.analysis.pauli import PauliEstimate
from qbat_circuits.analysis.scheme import ErgotropyEstimate
from qbat_circuits.battery import Battery
from qbat_circuits.calibration import Calibration
from qbat_circuits.cells import ComplexArray
from qbat_circuits.device import Device
from qbat_circuits.dynamics.schur import populations_of
from qbat_circuits.errors import InputError
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.symmetric.sectors_jm import states_jm


def battery_content(battery: Battery) -> dict[str, Any]:
    """The model's numbers for each cell, and what physics decides about it beforehand."""
    return {
        "levels": battery.levels,
        "cells": [
            {"detuning": detuning, "energy": energy, **_noise(battery, cell)}
            for cell, (detuning, energy) in enumerate(
                zip(battery.detunings, battery.energies, strict=True)
            )
        ],
        "audit": [vars(finding) for finding in battery.audit()],
    }


def _noise(battery: Battery, cell: int) -> dict[str, float]:
    one = battery.noise[cell]
    return {"rate": one.rate, "occupation": one.occupation, "dephasing": one.dephasing}


def chip_content(chip: Device | Calibration, qubits: tuple[int, ...]) -> list[dict[str, Any]]:
    """What the calibration says of each cell, in SI."""
    figures = {one.index: one for one in (chip.cells if isinstance(chip, Device) else chip.qubits)}
    names = ("t1_s", "t2_s", "frequency_hz")
    return [{"qubit": q, **{name: getattr(figures[q], name) for name in names}} for q in qubits]


def measured_content(
    counts: Counts,
    estimate: PauliEstimate,
    energies: tuple[float, ...],
    charged: ComplexArray | None,
) -> dict[str, Any]:
    """Every reading of the same counts, and the populations of total spin, charged and measured.

    Args:
        counts: of all Pauli settings.
        estimate: of the main job.
        energies: of the cells.
        charged: two-level state at the end of charging, shape (2^N, 2^N); None for more levels.
    """
    others = [other for name in SCHEMES if name != estimate.scheme
              if (other := _other(name, counts, estimate, energies)) is not None]  # fmt: skip
    return {
        "estimators": [
            _estimator("mitigated", estimate.value, estimate),
            _estimator("not mitigated", estimate.raw_value, None),
            _estimator("plug-in", estimate.plug_in, None),
            *(_estimator(other.scheme, other.value, other) for other in others),
        ],
        "total_spin": None if charged is None else _total_spin(counts.n_cells, charged, others),
    }


def _other(
    name: str, counts: Counts, estimate: PauliEstimate, energies: tuple[float, ...]
) -> ErgotropyEstimate | None:
    """What another scheme says of the same counts; None where it cannot take them."""
    try:
        return SCHEMES[name].estimate(
            counts, estimate.readout, energies, estimate.confidence, estimate.seed
        )
    except InputError:
        return None


def _estimator(name: str, value: float, interval: ErgotropyEstimate | None) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "low": None if interval is None else interval.low,
        "high": None if interval is None else interval.high,
        "is_lower_bound": interval is not None and interval.is_lower_bound,
    }


def _total_spin(
    n_cells: int, charged: ComplexArray, others: list[ErgotropyEstimate]
) -> list[dict[str, Any]]:
    """p(j, m), j falling and m rising; what is measured is None where no scheme sees it."""
    states = states_jm(n_cells)
    spins = (n_cells / 2 - states.deficit).tolist()
    projections = (states.level - n_cells / 2).tolist()
    true = dict(zip(zip(spins, projections, strict=True), populations_of(charged), strict=True))
    seen = {}
    for other in others:
        if isinstance(other, DickeEstimate):
            pairs = zip(other.populations.tolist(), other.standard_errors.tolist(), strict=True)
            seen = dict(zip(other.sectors, pairs, strict=True))
    return [
        {
            "j": j,
            "m": m,
            "population": float(true[j, m]),
            "measured": seen.get((j, m), (None, None))[0],
            "standard_error": seen.get((j, m), (None, None))[1],
        }
        for j, m in sorted(true, key=lambda jm: (-jm[0], jm[1]))
    ]
