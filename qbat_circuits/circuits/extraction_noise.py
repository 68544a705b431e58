"""What an extraction circuit is worth with noisy two-qubit gates.

Net work is <H_B> before minus <H_B> after the circuit. Each two-qubit gate is followed by the
depolarising channel of its two cells a, b with parameter x:

    rho -> (1 - x) rho + x Tr_ab[rho] (x) I/4

A vendor's average gate error r is a parameter x = 4r/3. One-qubit gates are taken as ideal, and the
energy that controls spend or take up is not counted. See docs/extraction.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Gate
from qiskit.quantum_info import Choi, DensityMatrix, Operator, SuperOp
from scipy.optimize import brentq

from qbat_circuits.cells import ComplexArray, FloatArray, level_energies, n_cells_of
from qbat_circuits.errors import InputError, broken_rule, check_number
from qbat_circuits.thermodynamics import as_density_matrix, ergotropy

#: Parameters at which the sign of the net work is looked at before the zero is refined.
_GRID = np.linspace(0.0, 1.0, 101)
#: Net work below this counts as none.
_NO_WORK = 1e-12


@dataclass(frozen=True, kw_only=True)
class ExtractionPerformance:
    """What a circuit takes out of a state; energies in units of hbar*mean(omega).

    Args:
        ergotropy: W of the state, the most that any circuit can take out.
        ideal_work: <H_B> before - after with perfect gates.
        net_work: the same at the given error.
        error: depolarising parameter of each two-qubit gate.
        two_qubit_gates: their number.
        two_qubit_depth: longest chain of two-qubit gates.
        break_even_error: see `break_even_error`.
    """

    ergotropy: float
    ideal_work: float
    net_work: float
    error: float
    two_qubit_gates: int
    two_qubit_depth: int
    break_even_error: float | None


def net_work(
    circuit: QuantumCircuit,
    state: Any,
    error: float = 0.0,
    energies: Sequence[float] | None = None,
) -> float:
    """<H_B> before - <H_B> after a circuit with noisy two-qubit gates; negative if it adds energy.

    Args:
        circuit: gates of one and two qubits, qubit i on cell i; barriers and delays do nothing.
        state: see `as_density_matrix`.
        error: depolarising parameter x of each two-qubit gate, 0 to 1; 4r/3 for an average gate
            error r.
        energies: cell energies e_i, 1 each by default.

    Raises:
        InputError: if the circuit does not fit the state or holds anything else than such gates.
    """
    x = check_number("error", error, at_least=0, at_most=1)
    return _Noisy.of(circuit, state, energies).net_work(x)


def break_even_error(
    circuit: QuantumCircuit, state: Any, energies: Sequence[float] | None = None
) -> float | None:
    """Smallest depolarising parameter of the two-qubit gates at which the net work is 0.

    Args:
        circuit, state, energies: as in `net_work`.

    Returns:
        The parameter, from 0 to 1; None if some work is left at each of them, as without two-qubit
        gates or for states with more energy than the fully mixed one.

    Raises:
        InputError: as `net_work`, and if the perfect circuit takes out no work.
    """
    noisy = _Noisy.of(circuit, state, energies)
    ideal = noisy.net_work(0.0)
    if ideal <= _NO_WORK:
        raise InputError(
            f"There is no break-even error: the perfect circuit takes out {ideal:.3g}."
        )
    return noisy.break_even()


def extraction_performance(
    circuit: QuantumCircuit,
    state: Any,
    error: float = 0.0,
    energies: Sequence[float] | None = None,
) -> ExtractionPerformance:
    """Work, net work at an error, gate counts and break-even error of a circuit on a state.

    Arguments and errors as in `net_work`; the break-even error is None where the circuit takes out
    nothing either.
    """
    x = check_number("error", error, at_least=0, at_most=1)
    noisy = _Noisy.of(circuit, state, energies)
    ideal = noisy.net_work(0.0)
    return ExtractionPerformance(
        ergotropy=ergotropy(noisy.rho, energies),
        ideal_work=ideal,
        net_work=noisy.net_work(x),
        error=x,
        two_qubit_gates=len(noisy.steps),
        two_qubit_depth=circuit.depth(_is_two_qubit_gate),
        break_even_error=noisy.break_even() if ideal > _NO_WORK else None,
    )


@dataclass(frozen=True, eq=False)
class _Noisy:
    """A circuit as unitaries that end with a two-qubit gate each, and one without.

    Args:
        rho: the state before.
        levels: diagonal of H_B.
        steps: unitary of all cells up to a two-qubit gate, and the cells of that gate.
        last: unitary of what follows.
    """

    rho: ComplexArray
    levels: FloatArray
    steps: tuple[tuple[Operator, tuple[int, ...]], ...]
    last: Operator

    @classmethod
    def of(cls, circuit: QuantumCircuit, state: Any, energies: Sequence[float] | None) -> _Noisy:
        rho = as_density_matrix(state)
        n = n_cells_of(rho)
        if not isinstance(circuit, QuantumCircuit):
            raise broken_rule("circuit", "a QuantumCircuit", circuit)
        if circuit.num_qubits != n:
            raise InputError(
                f"'circuit' must have one qubit for each of the {n} cells, "
                f"not {circuit.num_qubits}."
            )
        steps = []
        piece = QuantumCircuit(n)
        for instruction in circuit.data:
            operation = instruction.operation
            cells = tuple(circuit.find_bit(qubit).index for qubit in instruction.qubits)
            if operation.name in ("barrier", "delay"):
                continue
            if not isinstance(operation, Gate) or len(cells) > 2 or operation.is_parameterized():
                raise InputError(
                    "'circuit' must hold bound gates of one and two qubits only (transpile it), "
                    f"not {operation.name!r} on {len(cells)}."
                )
            piece.append(operation, cells)
            if len(cells) == 2:
                steps.append((Operator(piece), cells))
                piece = QuantumCircuit(n)
        return cls(rho, level_energies(n, energies), tuple(steps), Operator(piece))

    def net_work(self, error: float) -> float:
        noise = (1 - error) * SuperOp(np.eye(16)) + error * SuperOp(Choi(np.eye(16) / 4))
        rho = DensityMatrix(self.rho)
        for unitary, cells in self.steps:
            rho = rho.evolve(unitary).evolve(noise, cells)
        after = np.diagonal(rho.evolve(self.last).data).real
        return float(self.levels @ (np.diagonal(self.rho).real - after))

    def break_even(self) -> float | None:
        """First zero of the net work, which is a polynomial of the parameter."""
        if not self.steps:
            return None
        work = [self.net_work(float(x)) for x in _GRID]
        lost = next((k for k, w in enumerate(work) if w <= 0), None)
        if lost is None:
            return None
        return float(brentq(self.net_work, _GRID[lost - 1], _GRID[lost], xtol=1e-12))


def _is_two_qubit_gate(instruction: Any) -> bool:
    return isinstance(instruction.operation, Gate) and len(instruction.qubits) == 2
