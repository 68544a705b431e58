"""Device: the chosen qubits of a calibrated chip as battery cells, with everything assumed named.

A device may leave unstated what no calibration says (residual excited population, whether the
cells are tuned to one frequency). Readout and cells are there regardless; the methods that need
such a value ask for it in one sentence, and nothing is filled in silently.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qbat_circuits.calibration import Calibration
from qbat_circuits.cells import FloatArray
from qbat_circuits.device_assumptions import (
    chosen_qubits,
    frequency_missing,
    idealisations,
    known_or_assumed_anharmonicities,
    known_or_assumed_frequencies,
    mean_for_all,
    residual_populations,
)
from qbat_circuits.errors import InputError, broken_rule, check_number
from qbat_circuits.markup import UNKNOWN, Markup, grid
from qbat_circuits.qubit_calibration import named_qubits
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.transmon import LocalRates, Transmon, population_unstated
from qbat_circuits.transmon_levels import TransmonLevels


def hypothetical_reason(name: str, common_line: bool, tunable: bool, tuned: bool | None) -> str:
    """Why a chip cannot be a battery on a common bath, in words; empty where it can.

    Args:
        name: of the chip.
        common_line: whether its cells share a line.
        tunable: whether their frequencies can be tuned.
        tuned: whether they are taken as tuned to one frequency.
    """
    reasons = [] if common_line else [f"{name} has no common line"]
    if tuned and not tunable:
        reasons.append("its qubits cannot be tuned to one frequency")
    return " and ".join(reasons)


def chip_statement(name: str, common_line: bool, hypothetical: bool, verified: bool) -> str:
    """What is made of a chip, in one line for a heading."""
    line = "on its common line" if common_line else "on a hypothetical common line"
    if common_line and hypothetical:
        line += ", hypothetically tuned to resonance"
    doubt = "" if verified else " (figures not verified)"
    return f"{name}'s T1, T2 and readout {line}{doubt}"


@dataclass(frozen=True)
class Device:
    """Chosen cells of a chip; cell i is the i-th chosen qubit.

    Args:
        name: name of the calibration.
        cells: one `Transmon` per cell.
        readout: assignment matrices of the cells.
        tunable, common_line, t1_includes_line: as in `Calibration`.
        tune_to_resonance: whether all cells sit at their mean frequency; None where unstated.
        calibrated_at: ISO date of the calibration, None where it has none.
        calibration_sha256: hash of the calibration's content.
        assumptions: everything assumed, overridden or clipped, one sentence each.
        warnings: the calibration's warnings for these qubits, one sentence per kind.
        verified: whether every figure of the calibration was read in its source.

    Raises:
        InputError: if there is no cell or the readout has another number of cells.
    """

    name: str
    cells: tuple[Transmon, ...]
    readout: ReadoutModel
    tunable: bool = False
    common_line: bool = False
    t1_includes_line: bool = False
    tune_to_resonance: bool | None = None
    calibrated_at: str | None = None
    calibration_sha256: str = ""
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    verified: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "cells", tuple(self.cells))
        if not self.cells or len(self.cells) != self.readout.n_cells:
            raise InputError(
                f"'readout' must be of as many cells as the device (at least 1), "
                f"not {self.readout.n_cells} for {len(self.cells)}."
            )
        _check_tuning(self.tune_to_resonance)

    @classmethod
    def from_calibration(
        cls,
        calibration: Calibration,
        qubits: Sequence[int],
        *,
        tune_to_resonance: bool | None = None,
        assumed_frequency_hz: float | None = None,
        assumed_anharmonicity_hz: float | None = None,
        residual_population: float | None = None,
        residual_temperature_k: float | None = None,
    ) -> Device:
        """Choose qubits of a calibrated chip as cells.

        Args:
            calibration: see `load_calibration`.
            qubits: numbers on the chip; cell i is qubits[i].
            tune_to_resonance: put all cells at their mean frequency. The dynamics needs true or
                false; a fixed-frequency chip cannot do it, and the device then says so.
            assumed_frequency_hz: frequency of the qubits that have none, and only of those.
            assumed_anharmonicity_hz: the same for anharmonicities, which only more than two levels
                need.
            residual_population: excited population at rest of every cell, in [0, 0.5).
            residual_temperature_k: instead of it, the temperature of the cells' environment:
                p = n/(2n+1) with the Bose occupation n at each cell's frequency. Without both, the
                calibration's own residual populations count, and stay unstated where it has none.
                P(1|0) is never used: it mixes residual excitation with readout error.

        Raises:
            InputError: if a qubit is outside the chip, named twice or lacks T1, T2 or a usable
                readout, a value breaks its rule, both residual arguments are given, or a
                temperature meets a qubit without frequency.

        Source: docs/physics.md, section 1.
        """
        chosen = chosen_qubits(calibration, qubits)
        _check_tuning(tune_to_resonance)
        frequencies, assumptions = known_or_assumed_frequencies(chosen, assumed_frequency_hz)
        anharmonicities, alpha_words = known_or_assumed_anharmonicities(
            chosen, assumed_anharmonicity_hz
        )
        populations, residual_words = residual_populations(
            chosen,
            mean_for_all(frequencies) if tune_to_resonance else frequencies,
            residual_population,
            residual_temperature_k,
        )
        cells = tuple(
            Transmon(
                index=qubit.index,
                t1_s=check_number("t1_s", qubit.t1_s),
                t2_s=check_number("t2_s", qubit.t2_s),
                frequency_hz=frequency,
                anharmonicity_hz=anharmonicity,
                residual_population=population,
            )
            for qubit, frequency, anharmonicity, population in zip(
                chosen, frequencies, anharmonicities, populations, strict=True
            )
        )
        assumptions += (
            alpha_words + residual_words + idealisations(calibration, cells, tune_to_resonance)
        )
        return cls(
            name=calibration.name,
            cells=cells,
            readout=ReadoutModel.from_error_rates(
                [check_number("prob_meas1_prep0", q.prob_meas1_prep0) for q in chosen],
                [check_number("prob_meas0_prep1", q.prob_meas0_prep1) for q in chosen],
            ),
            tunable=calibration.tunable,
            common_line=calibration.common_line,
            t1_includes_line=calibration.t1_includes_line,
            tune_to_resonance=tune_to_resonance,
            calibrated_at=calibration.calibrated_at,
            calibration_sha256=calibration.sha256,
            assumptions=tuple(assumptions),
            warnings=calibration.warnings_by_kind(qubit.index for qubit in chosen),
            verified=not calibration.unverified,
        )

    @property
    def n_cells(self) -> int:
        """Number of cells N."""
        return len(self.cells)

    @property
    def qubits(self) -> tuple[int, ...]:
        """Numbers of the cells on their chip, cell 0 first."""
        return tuple(cell.index for cell in self.cells)

    @property
    def hypothetical(self) -> bool:
        """Whether the chip cannot be what the model makes of it (see `hypothetical_reason`)."""
        return bool(self.hypothetical_reason)

    @property
    def hypothetical_reason(self) -> str:
        """Why the device is hypothetical, in words; empty where it is not."""
        return hypothetical_reason(
            self.name, self.common_line, self.tunable, self.tune_to_resonance
        )

    def statement(self) -> str:
        """What this device is, in one line for a heading."""
        return chip_statement(self.name, self.common_line, self.hypothetical, self.verified)

    @property
    def mean_frequency_hz(self) -> float:
        """Mean frequency of the cells in Hz.

        Raises:
            InputError: if a cell has no frequency.
        """
        return float(np.mean(self._frequencies_hz()))

    def residual_populations(self) -> FloatArray:
        """Excited population at rest of each cell, shape (N,).

        Raises:
            InputError: if it is unstated for a cell.
        """
        unstated = [cell.index for cell in self.cells if cell.residual_population is None]
        if unstated:
            raise population_unstated(unstated)
        return np.array([cell.residual_population for cell in self.cells], dtype=np.float64)

    def local_rates(self, line_rate: float | None = None) -> tuple[LocalRates, ...]:
        """Local noise of each cell in 1/s (`Transmon.local_rates`).

        Args:
            line_rate: kappa (2n+1) of the common line in 1/s, with the occupation n that it had
                when T1 was measured. It is subtracted from 1/T1 where the calibration says that
                T1 includes the line, and must be given there; elsewhere T1 is local already.

        Raises:
            InputError: if a residual population is unstated, or the line is not given where it is
                needed or is faster than T1.
        """
        self.residual_populations()
        if self.t1_includes_line and line_rate is None:
            raise InputError(
                f"'line_rate' must be given in 1/s, because T1 of {self.name} includes the line."
            )
        share = line_rate if self.t1_includes_line and line_rate is not None else 0.0
        return tuple(cell.local_rates(share) for cell in self.cells)

    def detunings(self) -> FloatArray:
        """delta_i = 2 pi (f_i - mean f) in 1/s, shape (N,); 0 for cells tuned to resonance.

        Raises:
            InputError: if tuning is unstated or a frequency is missing.
        """
        if self._tuned():
            return np.zeros(self.n_cells)
        frequencies = self._frequencies_hz()
        return np.asarray(2 * math.pi * (frequencies - frequencies.mean()), dtype=np.float64)

    def energies(self) -> FloatArray:
        """e_i = omega_i / mean(omega), shape (N,); 1 for cells tuned to resonance.

        Raises:
            InputError: if tuning is unstated or a frequency is missing.
        """
        if self._tuned():
            return np.ones(self.n_cells)
        frequencies = self._frequencies_hz()
        return np.asarray(frequencies / frequencies.mean(), dtype=np.float64)

    @property
    def anharmonicity_known(self) -> bool:
        """Whether every cell has a frequency and an anharmonicity."""
        return all(cell.frequency_hz and cell.anharmonicity_hz for cell in self.cells)

    def transmon_levels(self, levels: int, bandwidth: float | None = None) -> TransmonLevels:
        """d levels at the cells' mean frequency and mean anharmonicity, angular, in 1/s.

        Args:
            levels: d, from 2 to 8.
            bandwidth: of narrow-band noise in 1/s; broadband by default.

        Raises:
            InputError: if a frequency or an anharmonicity is missing.
        """
        missing = [cell.index for cell in self.cells if not cell.anharmonicity_hz]
        if missing:
            raise InputError(
                f"The anharmonicity of {named_qubits(missing)} is not known: give "
                "'assumed_anharmonicity_hz'."
            )
        alpha = float(np.mean([cell.anharmonicity_hz for cell in self.cells]))
        omega = 2 * math.pi * self.mean_frequency_hz
        return TransmonLevels(levels, omega, 2 * math.pi * alpha, bandwidth)

    def _repr_html_(self) -> Markup:
        """What a notebook shows."""
        headers = ("cell", "qubit", "T1 (µs)", "T2 (µs)", "f (GHz)", "P(1|0)", "P(0|1)")
        matrices = self.readout.assignment
        rows = [
            (
                cell,
                one.index,
                f"{one.t1_s * 1e6:.4g}",
                f"{one.t2_s * 1e6:.4g}",
                UNKNOWN if one.frequency_hz is None else f"{one.frequency_hz / 1e9:.4g}",
                f"{matrices[cell, 1, 0]:.2%}",
                f"{matrices[cell, 0, 1]:.2%}",
            )
            for cell, one in enumerate(self.cells)
        ]
        head = f"HYPOTHETICAL ({self.hypothetical_reason}): " if self.hypothetical else ""
        return grid(f"{head}{self.statement()}", headers, rows)

    def _tuned(self) -> bool:
        if self.tune_to_resonance is None:
            raise InputError(
                "'tune_to_resonance' must be stated as true or false for the dynamics of "
                f"{self.name}, it has no default."
            )
        return self.tune_to_resonance

    def _frequencies_hz(self) -> FloatArray:
        missing = [cell.index for cell in self.cells if cell.frequency_hz is None]
        if missing:
            raise frequency_missing(missing)
        return np.array([cell.frequency_hz for cell in self.cells], dtype=np.float64)


def _check_tuning(value: object) -> None:
    if value is not None and not isinstance(value, bool):
        raise broken_rule("tune_to_resonance", "true or false", value)
