"""Device: the chosen qubits of a calibrated chip as battery cells, with everything assumed named.

A device may leave unstated what no calibration says (residual excited population, whether the
cells are tuned to one frequency). Readout and cells are there regardless; the methods that need
such a value ask for it in one sentence, and nothing is filled in silently.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from qbat_circuits.calibration import Calibration
from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import InputError, broken_rule, check_integer, check_number, shown
from qbat_circuits.qubit_calibration import QubitCalibration, named_qubits
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.transmon import LocalRates, Transmon, population_unstated
from qbat_circuits.units import (
    occupation_from_population,
    occupation_from_temperature,
    population_from_occupation,
)


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
        chosen = _chosen(calibration, qubits)
        _check_tuning(tune_to_resonance)
        frequencies, assumptions = _frequencies(chosen, assumed_frequency_hz)
        populations, residual_words = _populations(
            chosen,
            _mean_for_all(frequencies) if tune_to_resonance else frequencies,
            residual_population,
            residual_temperature_k,
        )
        cells = tuple(
            Transmon(
                index=qubit.index,
                t1_s=check_number("t1_s", qubit.t1_s),
                t2_s=check_number("t2_s", qubit.t2_s),
                frequency_hz=frequency,
                anharmonicity_hz=qubit.anharmonicity_hz or None,  # 0 counts as missing
                residual_population=population,
            )
            for qubit, frequency, population in zip(chosen, frequencies, populations, strict=True)
        )
        assumptions += residual_words + _idealisations(calibration, cells, tune_to_resonance)
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
        reasons = [] if self.common_line else [f"{self.name} has no common line"]
        if self.tune_to_resonance and not self.tunable:
            reasons.append("its qubits cannot be tuned to one frequency")
        return " and ".join(reasons)

    def statement(self) -> str:
        """What this device is, in one line for a heading."""
        figures = f"{self.name}'s T1, T2 and readout"
        if not self.common_line:
            line = f"{figures} on a hypothetical common line"
        elif self.hypothetical:
            line = f"{figures} on its common line, hypothetically tuned to resonance"
        else:
            line = f"{figures} on its common line"
        return line if self.verified else f"{line} (figures not verified)"

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
            raise _frequency_missing(missing)
        return np.array([cell.frequency_hz for cell in self.cells], dtype=np.float64)


def _check_tuning(value: object) -> None:
    if value is not None and not isinstance(value, bool):
        raise broken_rule("tune_to_resonance", "true or false", value)


def _chosen(calibration: Calibration, qubits: Sequence[int]) -> list[QubitCalibration]:
    """The figures of the chosen qubits, refused where one cannot be a cell."""
    if isinstance(qubits, (str, bytes)) or not isinstance(qubits, Iterable):
        raise broken_rule("qubits", "a list of qubit numbers", qubits)
    last = len(calibration.qubits) - 1
    numbers = [check_integer("qubits", q) for q in qubits]
    if not numbers:
        raise broken_rule("qubits", "at least one qubit number", numbers)
    for q in numbers:
        if not 0 <= q <= last:
            raise broken_rule("qubits", f"numbers from 0 to {last} on {calibration.name}", q)
        if numbers.count(q) > 1:
            raise InputError(f"'qubits' must name each qubit once, not qubit {q} twice.")
        if obstacles := calibration.qubits[q].obstacles:
            raise InputError(
                f"'qubits' must name usable qubits of {calibration.name}, not {q}, which has "
                f"{' and '.join(obstacles)}."
            )
    return [calibration.qubits[q] for q in numbers]


def _frequencies(
    chosen: list[QubitCalibration], assumed_hz: float | None
) -> tuple[list[float | None], list[str]]:
    """Frequency of each cell, and what was assumed."""
    missing = [qubit.index for qubit in chosen if qubit.frequency_hz is None]
    if assumed_hz is None:
        return [qubit.frequency_hz for qubit in chosen], []
    assumed = check_number("assumed_frequency_hz", assumed_hz, above=0)
    frequencies = [assumed if q.frequency_hz is None else q.frequency_hz for q in chosen]
    words = f"frequency of {named_qubits(missing)} is missing: {assumed:g} Hz assumed"
    if len(missing) > 1:
        words += ", so no detuning between them"
    return list(frequencies), [words] if missing else []


def _mean_for_all(frequencies: list[float | None]) -> list[float | None]:
    known = [f for f in frequencies if f is not None]
    complete = len(known) == len(frequencies)
    return [sum(known) / len(known)] * len(known) if complete else frequencies


def _populations(
    chosen: list[QubitCalibration],
    frequencies: list[float | None],
    population: float | None,
    temperature_k: float | None,
) -> tuple[list[float | None], list[str]]:
    """Residual population of each cell, and what was assumed or overridden."""
    measured = [qubit.residual_population for qubit in chosen]
    if population is not None and temperature_k is not None:
        raise InputError(
            "'residual_population' and 'residual_temperature_k' must not be given together, not "
            f"{shown(population)} and {shown(temperature_k)}."
        )
    values: list[float | None]
    if population is not None:
        occupation_from_population(population)
        values = [float(population)] * len(chosen)
        words = f"residual excited population {population:g} assumed"
    elif temperature_k is not None:
        kelvin = check_number("residual_temperature_k", temperature_k, at_least=0)
        missing = [q.index for q, f in zip(chosen, frequencies, strict=True) if f is None]
        if missing:
            raise _frequency_missing(missing)
        values = [
            population_from_occupation(occupation_from_temperature(f, kelvin))
            for f in frequencies
            if f is not None
        ]
        listed = ", ".join(f"{p:.3g}" for p in dict.fromkeys(values))
        words = f"residual excited population {listed} ({kelvin:g} K) assumed"
    else:
        return measured, []
    words += f" for {named_qubits(qubit.index for qubit in chosen)}"
    replaced = [
        f"{p:g} of qubit {q.index}" for q, p in zip(chosen, measured, strict=True) if p is not None
    ]
    return values, [
        words + (f", instead of the calibration's {', '.join(replaced)}" if replaced else "")
    ]


def _idealisations(
    calibration: Calibration, cells: tuple[Transmon, ...], tune_to_resonance: bool | None
) -> list[str]:
    """What else the model assumes about these cells, or clips."""
    everyone, words = named_qubits(cell.index for cell in cells), []
    if not calibration.common_line:
        words.append(f"a common line through {everyone} assumed: {calibration.name} has none")
    if tune_to_resonance:
        able = "" if calibration.tunable else ", although they cannot be tuned"
        words.append(
            f"{everyone} at their mean frequency with unchanged T1, T2 and readout assumed{able}"
        )
    clipped = [cell.index for cell in cells if cell.t2_s > 2 * cell.t1_s]
    if clipped:
        words.append(f"T2 > 2 T1 for {named_qubits(clipped)}: pure dephasing clipped at 0")
    if calibration.unverified:
        words.append(f"not verified: {', '.join(calibration.unverified)} of {calibration.name}")
    return words


def _frequency_missing(qubits: Sequence[int]) -> InputError:
    return InputError(
        f"The frequency of {named_qubits(qubits)} is not known: give 'assumed_frequency_hz'."
    )
