"""Measurement circuits of Pauli tomography, without any state preparation.

Each cell is rotated so that reading Z reads its Pauli letter: X by H, Y by S^dagger then H, Z as it
is. A setting is a Qiskit Pauli label: its leftmost letter belongs to cell N-1.
"""

from __future__ import annotations

from collections.abc import Sequence

from qiskit import QuantumCircuit

from qbat_circuits.errors import broken_rule
from qbat_circuits.readout_model import pauli_settings

__all__ = ["measurement_circuit", "measurement_circuits", "pauli_settings", "rotation_circuit"]


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


def measurement_circuit(setting: str) -> QuantumCircuit:
    """`rotation_circuit` of a setting, with a measurement of every cell behind it."""
    circuit = rotation_circuit(setting)
    circuit.measure_all()
    return circuit


def measurement_circuits(settings: Sequence[str]) -> list[QuantumCircuit]:
    """One `measurement_circuit` per setting, in the given order."""
    return [measurement_circuit(setting) for setting in settings]
