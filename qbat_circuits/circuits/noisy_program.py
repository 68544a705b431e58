"""What a scheduled circuit does on a noisy chip: an exact evolution of few qubits.

States are Pauli tensors, t_P = Tr[P rho], shape (4,)*n, real, with the first axis for the highest
qubit. Every operation is a transfer matrix (see `gate_noise`); operations on one qubit are merged
into the next one on two, so a state costs one product of (16, 16) for each two-qubit gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Gate

from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.circuits.chip_target import DT_S
from qbat_circuits.errors import InputError
from qbat_circuits.gate_noise import ChipNoise

#: I, X, Y, Z.
_PAULIS = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])

Step = tuple[FloatArray, tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class NoisyProgram:
    """Transfer matrices on qubits, in their order.

    Args:
        n_qubits: number of qubits.
        steps: (matrix, qubits), the first qubit being the least significant digit.
    """

    n_qubits: int
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, circuit: QuantumCircuit, noise: ChipNoise, qubits: Sequence[int]) -> NoisyProgram:
        """The program of a bound, scheduled circuit in the chip's gates.

        Args:
            circuit: as `transpile` with a scheduling method returns it; measurements count as
                dropped.
            noise: the chip.
            qubits: qubit of the chip for each qubit of the circuit.

        Raises:
            InputError: if an operation is none of the chip's.
        """
        steps = (s for one in circuit.data for s in _steps(circuit, one, noise, qubits))
        return cls(circuit.num_qubits, tuple(_merged(steps)))

    def then(self, *others: NoisyProgram) -> NoisyProgram:
        """This program and others after it, merged."""
        steps = (step for one in (self, *others) for step in one.steps)
        return NoisyProgram(self.n_qubits, tuple(_merged(steps)))

    def apply(self, tensor: FloatArray) -> FloatArray:
        """The Pauli tensor after the program."""
        n = self.n_qubits
        for matrix, qubits in self.steps:
            axes = [n - 1 - q for q in reversed(qubits)]
            front = list(range(len(axes)))
            moved = np.moveaxis(tensor, axes, front)
            done = (matrix @ moved.reshape(len(matrix), -1)).reshape(moved.shape)
            tensor = np.moveaxis(done, front, axes)
        return tensor


def mixed(programs: Sequence[NoisyProgram], weights: Sequence[float]) -> NoisyProgram:
    """The mixture of programs that differ in the operations of one qubit only, on it alone."""
    steps = []
    for alike in zip(*(one.steps for one in programs), strict=True):
        matrix = sum(w * step[0] for w, step in zip(weights, alike, strict=True))
        steps.append((np.asarray(matrix), alike[0][1]))
    return NoisyProgram(programs[0].n_qubits, tuple(steps))


def pauli_tensor(state: ComplexArray) -> FloatArray:
    """t_P = Tr[P rho] of a density matrix, shape (2^n, 2^n) -> (4,)*n."""
    n = len(state).bit_length() - 1
    pairs = [axis for qubit in range(n) for axis in (qubit, n + qubit)]
    tensor: Any = state.reshape((2,) * (2 * n)).transpose(pairs)
    for _ in range(n):  # the leading ket and bra become a Pauli index at the end
        tensor = np.tensordot(tensor, _PAULIS, axes=([0, 1], [2, 1]))
    return np.asarray(tensor.real)


def density_matrix(tensor: FloatArray) -> ComplexArray:
    """The density matrix of a Pauli tensor, the inverse of `pauli_tensor`."""
    n = tensor.ndim
    state: Any = tensor
    for _ in range(n):  # the leading Pauli index becomes a ket and a bra at the end
        state = np.tensordot(state, _PAULIS / 2, axes=([0], [0]))
    order = [*range(0, 2 * n, 2), *range(1, 2 * n, 2)]
    return np.asarray(state.transpose(order).reshape(2**n, 2**n), dtype=np.complex128)


def _steps(
    circuit: QuantumCircuit, instruction: Any, noise: ChipNoise, qubits: Sequence[int]
) -> Iterator[Step]:
    """One operation with its noise."""
    operation = instruction.operation
    own = tuple(circuit.find_bit(qubit).index for qubit in instruction.qubits)
    chip = tuple(qubits[q] for q in own)
    name = operation.name
    if name == "barrier":
        return
    if name == "delay":
        yield noise.waiting(chip[0], float(operation.duration) * DT_S), own
    elif name == "measure":
        yield noise.dropped_measurement(chip[0]), own
    elif name == "reset":
        yield noise.reset(chip[0]), own
    elif isinstance(operation, Gate) and len(own) <= 2 and not operation.is_parameterized():
        ideal = transfer_matrix(np.asarray(operation.to_matrix()))
        yield noise.after_gate(name, chip) @ ideal, own
    else:
        raise InputError(
            f"The circuit must hold the chip's gates, measurements, resets and delays only "
            f"(transpile it), not {name!r}."
        )


def transfer_matrix(unitary: ComplexArray) -> FloatArray:
    """R_ij = Tr[P_i U P_j U^dagger]/d of a gate on one or two qubits, shape (d^2, d^2)."""
    paulis = _PAULIS
    if len(unitary) == 4:
        paulis = np.array([np.kron(a, b) for a in _PAULIS for b in _PAULIS])
    turned = unitary @ paulis @ unitary.conj().T
    return np.asarray(np.einsum("iab,jba->ij", paulis, turned).real / len(unitary))


def _merged(steps: Iterable[Step]) -> Iterator[Step]:
    """The same with every one-qubit matrix taken into the next one on two qubits."""
    waiting: dict[int, FloatArray] = {}
    for matrix, qubits in steps:
        if len(qubits) == 1:
            waiting[qubits[0]] = matrix @ waiting.get(qubits[0], np.eye(4))
            continue
        low, high = (waiting.pop(q, np.eye(4)) for q in qubits)
        yield matrix @ np.kron(high, low), qubits
    for qubit in sorted(waiting):
        yield waiting[qubit], (qubit,)
