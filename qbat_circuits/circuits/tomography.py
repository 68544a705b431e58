"""Measurement circuits of Pauli tomography, alone or behind any preparation.

Each cell is rotated so that reading Z reads its Pauli letter: X by H, Y by S^dagger then H, Z as it
is. A setting is a Qiskit Pauli label: its leftmost letter belongs to cell N-1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Gate, Qubit
from qiskit.quantum_info import Operator

from qbat_circuits.cells import MAX_CELLS, ComplexArray
from qbat_circuits.errors import InputError, broken_rule, check_integer
from qbat_circuits.readout_model import pauli_settings

__all__ = [
    "measurement_circuit",
    "measurement_circuits",
    "pauli_settings",
    "rotation_circuit",
    "rotation_matrix",
    "tomography_circuits",
]

#: The classical register that the cells are measured into, as `QuantumCircuit.measure_all` has it.
REGISTER = "meas"


def rotation_circuit(setting: str) -> QuantumCircuit:
    """The circuit that rotates N cells so that reading Z reads the letters of one setting.

    Args:
        setting: N letters X, Y or Z, leftmost for cell N-1.

    Raises:
        InputError: if a letter is not X, Y or Z, or there is none.
    """
    if not isinstance(setting, str) or not setting or set(setting) - set("XYZ"):
        raise broken_rule("setting", "a Pauli label with the letters X, Y, Z", setting)
    circuit = QuantumCircuit(len(setting), name=setting)
    for cell, letter in enumerate(reversed(setting)):
        if letter == "Y":
            circuit.sdg(cell)
        if letter in "XY":
            circuit.h(cell)
    return circuit


def rotation_matrix(letter: str) -> ComplexArray:
    """The unitary of one cell's rotation, shape (2, 2)."""
    return np.asarray(Operator(rotation_circuit(letter)).data, dtype=np.complex128)


def measurement_circuit(setting: str) -> QuantumCircuit:
    """`rotation_circuit` of a setting, with a measurement of every cell behind it."""
    circuit = rotation_circuit(setting)
    circuit.measure_all()
    return circuit


def measurement_circuits(settings: Sequence[str]) -> list[QuantumCircuit]:
    """One `measurement_circuit` per setting, in the given order."""
    return [measurement_circuit(setting) for setting in settings]


def tomography_circuits(
    n_cells: int, prepare: QuantumCircuit | None = None, scheme: Any = None
) -> list[QuantumCircuit]:
    """The circuits that a laboratory runs: preparation, barrier, rotations, measurement.

    Each circuit has its setting as name and as metadata, ``{"setting": label}``, which samplers
    hand on to their results; only the N cells are measured, into the register "meas".

    Args:
        n_cells: number of cells N.
        prepare: the preparation, without the final measurement; its qubits 0..N-1 are the cells,
            and it may have more qubits and classical bits of its own. By default there is none: the
            cells are measured as they are.
        scheme: which settings are measured: an object with a method ``settings(n_cells)`` and
            possibly ``phases``, the local phases that are undone first (see `fit_local_phases`), or
            a list of Pauli labels; all 3^N by default.

    Raises:
        InputError: if the preparation has fewer qubits than cells, already the register "meas" or
            ends with the measurement of a cell, or a setting does not fit.
    """
    n = check_integer("n_cells", n_cells, at_least=1, at_most=MAX_CELLS)
    labels = _labels(n, scheme)
    if prepare is None:
        prepare = QuantumCircuit(n)
    if not isinstance(prepare, QuantumCircuit):
        raise broken_rule("prepare", "a QuantumCircuit or None", prepare)
    if prepare.num_qubits < n:
        raise InputError(
            f"'prepare' must have a qubit for each of the {n} cells, not {prepare.num_qubits}."
        )
    if any(register.name == REGISTER for register in prepare.cregs):
        raise InputError(
            f"'prepare' must not have a classical register '{REGISTER}': leave out its final "
            "measurement."
        )
    for cell in range(n):
        if _ends_measured(prepare, prepare.qubits[cell]):
            raise InputError(
                f"'prepare' must not end with a measurement of cell {cell}, which leaves its "
                "outcome in place of its state."
            )
    phases = getattr(scheme, "phases", None) or (0.0,) * n
    if len(phases) != n:
        raise InputError(f"'phases' must hold one number for each of the {n} cells.")
    return [_measured(prepare, label, phases) for label in labels]


def _measured(prepare: QuantumCircuit, label: str, phases: Sequence[float]) -> QuantumCircuit:
    circuit = prepare.copy(name=label)
    circuit.metadata = {"setting": label}
    cells = range(len(label))
    circuit.barrier()  # a transpiler must not merge the rotations into the preparation
    for cell, phase in enumerate(phases):
        if phase:
            circuit.p(-phase, cell)  # into the frame of the cell: X then reads cos X + sin Y
    circuit.compose(rotation_circuit(label), cells, inplace=True)
    register = ClassicalRegister(len(label), REGISTER)
    circuit.add_register(register)
    circuit.measure(cells, register)
    return circuit


def _ends_measured(circuit: QuantumCircuit, qubit: Qubit) -> bool:
    """Whether the last operation on a qubit, at any depth, is a measurement."""
    for instruction in reversed(circuit.data):
        operation = instruction.operation
        if qubit not in instruction.qubits or operation.name in ("barrier", "delay"):
            continue
        if operation.name == "measure":
            return True
        inner = None if isinstance(operation, Gate) else getattr(operation, "definition", None)
        if inner is None:
            return False
        return _ends_measured(inner, inner.qubits[instruction.qubits.index(qubit)])
    return False


def _labels(n: int, scheme: Any) -> Sequence[str]:
    """The settings of a scheme: distinct labels of N letters."""
    if scheme is None:
        return pauli_settings(n)
    labels = scheme.settings(n) if callable(getattr(scheme, "settings", None)) else scheme
    if isinstance(labels, str) or not isinstance(labels, Sequence) or not labels:
        raise broken_rule("scheme", "a scheme or a list of Pauli labels", labels)
    for label in labels:
        if not isinstance(label, str) or len(label) != n or set(label) - set("XYZ"):
            raise broken_rule("scheme", f"Pauli labels of {n} letters X, Y, Z", label)
    label, number = Counter(labels).most_common(1)[0]
    if number > 1:
        raise InputError(f"'scheme' must name {label!r} once, not {number} times.")
    return labels
