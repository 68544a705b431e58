"""What a chip's gates, waiting and resets do beside what they should: channels from a calibration.

Channels are Pauli transfer matrices, R_ij = Tr[P_i E(P_j)]/d in the order I, X, Y, Z, real, shape
(4, 4) for one qubit and (16, 16) for two, where the second qubit is the more significant digit.

- Waiting: relaxation towards the residual population with T1, and dephasing with T2 (clipped at
  2 T1), for as long as it takes.
- A gate: relaxation of its qubits for its duration, then the depolarising channel that brings the
  average gate error up to the reported one: none where relaxation alone exceeds it, and at most
  the complete one.
- A measurement whose result is dropped: dephasing, and relaxation for its duration.
- A reset: |0>, flipped with the probability (P(1|0) + P(0|1))/2 with which the measurement in it
  misreads, unless a figure is given.

Source: docs/chip-noise.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np

from qbat_circuits.calibration import Calibration
from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import InputError, broken_rule, check_choice, check_number

#: Gates without error and duration of their own: frames of the control electronics.
_VIRTUAL: Final = ("rz", "barrier")


def relaxation(seconds: float, t1_s: float, t2_s: float, population: float = 0.0) -> FloatArray:
    """Transfer matrix of waiting: Z relaxes to 1 - 2 p with T1, X and Y decay with T2.

    Args:
        seconds: how long, >= 0.
        t1_s, t2_s: relaxation times; T2 counts as at most 2 T1.
        population: excited population p at rest.
    """
    keep, coherence = math.exp(-seconds / t1_s), math.exp(-seconds / min(t2_s, 2 * t1_s))
    matrix = np.diag([1.0, coherence, coherence, keep])
    matrix[3, 0] = (1 - 2 * population) * (1 - keep)
    return matrix


def depolarising(parameter: float, n_qubits: int) -> FloatArray:
    """Transfer matrix of rho -> (1 - x) rho + x I/d on one or two qubits."""
    matrix = np.full(4**n_qubits, 1 - parameter)
    matrix[0] = 1.0
    return np.diag(matrix)


def missing_depolarisation(error: float, relaxed: FloatArray) -> float:
    """Parameter x that brings the average error of a relaxation channel up to a gate's.

    The average gate error is r = 1 - (d F + 1)/(d + 1) with the process fidelity F = Tr[R]/d^2, and
    Tr[R] = (1 - x) Tr[R_relaxed] + x.

    Args:
        error: average gate error r.
        relaxed: transfer matrix of what relaxation does during the gate.

    Returns:
        x in [0, 1]: 0 where relaxation alone exceeds the error, 1 where nothing reaches it.
    """
    d = math.isqrt(len(relaxed))
    trace = float(np.trace(relaxed))
    wanted = d * ((d + 1) * (1 - error) - 1)
    return min(max(0.0, (trace - wanted) / (trace - 1)), 1.0) if trace > 1 else 0.0


@dataclass(frozen=True, eq=False)
class ChipNoise:
    """The noise of a chip's operations.

    Args:
        calibration: the chip, with gates.
        residual_population: excited population of a qubit at rest, in [0, 0.5); by default what the
            calibration says of each qubit, and 0 where it says nothing.
        reset_error: probability that a reset leaves |1>; by default half of P(1|0) + P(0|1).
        assumed_durations_s: durations by the name of an operation ("sx", "measure", "reset", ...),
            for those of which the calibration has none, and only those.

    Raises:
        InputError: if the calibration has no gates or a figure is out of its range.
    """

    calibration: Calibration
    residual_population: float | None = None
    reset_error: float | None = None
    assumed_durations_s: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.calibration, Calibration):
            raise broken_rule("calibration", "a Calibration", self.calibration)
        if not self.calibration.gates:
            raise InputError(
                f"The calibration {self.calibration.name!r} has no gates, so no circuit can run on "
                "this chip."
            )
        for name, limits in (
            ("residual_population", {"at_least": 0, "below": 0.5}),
            ("reset_error", {"at_least": 0, "at_most": 1}),
        ):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, check_number(name, value, **limits))
        operations = {"measure", "reset", *self.calibration.gate_names}
        for name in dict(self.assumed_durations_s):
            check_choice("assumed_durations_s", name, tuple(sorted(operations)))
        durations = {
            name: check_number(f"assumed_durations_s.{name}", seconds, at_least=0)
            for name, seconds in dict(self.assumed_durations_s).items()
        }
        object.__setattr__(self, "assumed_durations_s", durations)

    def duration_s(self, name: str, qubits: tuple[int, ...]) -> float:
        """Duration of an operation on these qubits of the chip.

        Raises:
            InputError: if neither the calibration nor the assumptions have it.
        """
        if name in _VIRTUAL:
            return 0.0
        if name == "measure":
            known = self.calibration.qubits[qubits[0]].readout_length_s
        else:
            gate = self.calibration.gate(name, qubits)
            known = None if gate is None else gate.duration_s
        found = self.assumed_durations_s.get(name) if known is None else known
        if found is None:
            raise InputError(
                f"The calibration {self.calibration.name!r} has no duration of {name!r} on "
                f"{_named(qubits)}: assume one with 'assumed_durations_s' ({name!r})."
            )
        return found

    def population(self, qubit: int) -> float:
        """Excited population of a qubit at rest."""
        if self.residual_population is not None:
            return self.residual_population
        return self.calibration.qubits[qubit].residual_population or 0.0

    def waiting(self, qubit: int, seconds: float) -> FloatArray:
        """Transfer matrix of a qubit that waits.

        Raises:
            InputError: if the calibration has no T1 or T2 of it.
        """
        figures = self.calibration.qubits[qubit]
        if figures.t1_s is None or figures.t2_s is None:
            raise InputError(
                f"The calibration {self.calibration.name!r} has no T1 and T2 of qubit {qubit}."
            )
        return relaxation(seconds, figures.t1_s, figures.t2_s, self.population(qubit))

    def after_gate(self, name: str, qubits: tuple[int, ...]) -> FloatArray:
        """Transfer matrix of what follows a perfect gate.

        Raises:
            InputError: if the chip has no such gate there, or it is not calibrated.
        """
        if name in _VIRTUAL:
            return np.eye(4 ** len(qubits))
        if (name, qubits) not in self._known:
            self._known[name, qubits] = _after_gate(self, name, qubits)
        return self._known[name, qubits]

    def dropped_measurement(self, qubit: int) -> FloatArray:
        """Transfer matrix of a measurement whose result nobody uses."""
        dephasing = np.diag([1.0, 0.0, 0.0, 1.0])
        return self.waiting(qubit, self.duration_s("measure", (qubit,))) @ dephasing

    def reset(self, qubit: int) -> FloatArray:
        """Transfer matrix of a reset."""
        matrix = np.zeros((4, 4))
        matrix[0, 0] = 1.0
        matrix[3, 0] = 1 - 2 * self.error_of_reset(qubit)
        return matrix

    def error_of_reset(self, qubit: int) -> float:
        """Probability that a reset leaves a qubit in |1>."""
        if self.reset_error is not None:
            return self.reset_error
        total = self.calibration.qubits[qubit].total_readout_error
        if total is None:
            raise InputError(
                f"The calibration {self.calibration.name!r} has no readout errors of qubit "
                f"{qubit}: give 'reset_error'."
            )
        return total / 2

    @cached_property
    def _known(self) -> dict[tuple[str, tuple[int, ...]], FloatArray]:
        """Channels that follow gates, made once."""
        return {}

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is not in the calibration, one sentence each."""
        words = ["Errors of gates are depolarising beyond what relaxation during them explains."]
        if self.reset_error is None:
            words.append("A reset leaves |1> with the probability (P(1|0) + P(0|1))/2.")
        if self.residual_population is not None:
            words.append(
                f"Qubits at rest are excited with probability {self.residual_population:g}."
            )
        elif all(q.residual_population is None for q in self.calibration.qubits):
            words.append("Qubits relax to |0>: the calibration has no residual populations.")
        words += [
            f"{name!r} takes {seconds:g} s where the calibration has no duration."
            for name, seconds in self.assumed_durations_s.items()
        ]
        return tuple(words)


def _after_gate(noise: ChipNoise, name: str, qubits: tuple[int, ...]) -> FloatArray:
    gate = noise.calibration.gate(name, qubits)
    if gate is None or not gate.usable:
        what = "has no gate" if gate is None else "has not calibrated"
        raise InputError(
            f"The chip {noise.calibration.name!r} {what} {name!r} on {_named(qubits)}."
        )
    if gate.error is None:
        raise InputError(
            f"The calibration {noise.calibration.name!r} has no error of {name!r} on "
            f"{_named(qubits)}."
        )
    seconds = noise.duration_s(name, qubits)
    relaxed: FloatArray = np.eye(1)
    for qubit in qubits:
        relaxed = np.asarray(np.kron(noise.waiting(qubit, seconds), relaxed), dtype=np.float64)
    x = missing_depolarisation(gate.error, relaxed)
    matrix = np.asarray(depolarising(x, len(qubits)) @ relaxed, dtype=np.float64)
    matrix.flags.writeable = False
    return matrix


def _named(qubits: tuple[int, ...]) -> str:
    return f"qubit{'s' if len(qubits) > 1 else ''} {' and '.join(map(str, qubits))}"
