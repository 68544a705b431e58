"""Small chips for tests: every figure chosen, or the errors of a bundled one taken away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from qbat_circuits.calibration import Calibration, FigureSource, QubitCalibration
from qbat_circuits.calibration_files import GATE_FIGURES
from qbat_circuits.gate_calibration import GateCalibration
from qbat_circuits.gate_noise import ChipNoise
from qbat_circuits.qubit_calibration import FIGURES

Pair = tuple[int, int]
SOURCES = tuple(FigureSource(name, "a test", True) for name in (*FIGURES, *GATE_FIGURES))
#: Longer than anything that a test waits, s.
FOREVER = 1e9


def chip(
    pairs: Iterable[Pair] | Mapping[Pair, float],
    two_qubit_error: float = 3e-3,
    one_qubit_error: float = 2e-4,
    t_s: float = 200e-6,
    readout_error: float = 0.01,
    readout_s: float = 1e-6,
    reset_s: float = 3e-6,
) -> Calibration:
    """A chip with cz on these pairs; a mapping states the error of each."""
    pairs = {pair: two_qubit_error for pair in pairs} if not isinstance(pairs, Mapping) else pairs
    n = 1 + max(q for pair in pairs for q in pair)
    qubits = tuple(
        QubitCalibration(
            q,
            t1_s=t_s,
            t2_s=t_s,
            prob_meas1_prep0=readout_error,
            prob_meas0_prep1=readout_error,
            readout_length_s=readout_s,
        )
        for q in range(n)
    )
    gates = [GateCalibration("cz", pair, error, 70e-9) for pair, error in pairs.items()]
    for q in range(n):
        gates += [GateCalibration(name, (q,), one_qubit_error, 35e-9) for name in ("sx", "x")]
        gates += [
            GateCalibration("rz", (q,), 0.0, 0.0),
            GateCalibration("reset", (q,), None, reset_s),
        ]
    return Calibration(
        "test", "a test", "a test", qubits, SOURCES, coupling_map=tuple(pairs), gates=tuple(gates)
    )


def perfect(calibration: Calibration) -> ChipNoise:
    """The same chip without any error; durations stay."""
    gates = (gate if gate.error is None else replace(gate, error=0.0) for gate in calibration.gates)
    qubits = (replace(qubit, t1_s=FOREVER, t2_s=FOREVER) for qubit in calibration.qubits)
    return ChipNoise(
        replace(calibration, gates=tuple(gates), qubits=tuple(qubits)),
        residual_population=0.0,
        reset_error=0.0,
    )
