"""Qubits chosen as cells: what their calibration says of them, and what is assumed instead.

Every function that fills a gap returns the words that say so; `device` keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qbat_circuits.calibration import Calibration
from qbat_circuits.errors import InputError, broken_rule, check_integer, check_number, shown
from qbat_circuits.qubit_calibration import QubitCalibration, named_qubits
from qbat_circuits.transmon import Transmon
from qbat_circuits.units import (
    occupation_from_population,
    occupation_from_temperature,
    population_from_occupation,
)


def chosen_qubits(calibration: Calibration, qubits: Sequence[int]) -> list[QubitCalibration]:
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


def known_or_assumed_frequencies(
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


def known_or_assumed_anharmonicities(
    chosen: list[QubitCalibration], assumed_hz: float | None
) -> tuple[list[float | None], list[str]]:
    """Anharmonicity of each cell (0 counts as missing), and what was assumed."""
    known = [qubit.anharmonicity_hz or None for qubit in chosen]
    missing = [q.index for q, value in zip(chosen, known, strict=True) if value is None]
    if assumed_hz is None or not missing:
        return known, []
    assumed = check_number("assumed_anharmonicity_hz", assumed_hz)
    words = f"anharmonicity of {named_qubits(missing)} is missing: {assumed:g} Hz assumed"
    return [assumed if value is None else value for value in known], [words]


def mean_for_all(frequencies: list[float | None]) -> list[float | None]:
    """The mean frequency for each cell where all are known, else what is known."""
    known = [f for f in frequencies if f is not None]
    complete = len(known) == len(frequencies)
    return [sum(known) / len(known)] * len(known) if complete else frequencies


def residual_populations(
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
            raise frequency_missing(missing)
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


def idealisations(
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


def frequency_missing(qubits: Sequence[int]) -> InputError:
    """The error of needing a frequency that nobody stated."""
    return InputError(
        f"The frequency of {named_qubits(qubits)} is not known: give 'assumed_frequency_hz'."
    )
