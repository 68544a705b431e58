"""Circuits that measure the readout errors themselves: cells prepared in known levels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from qiskit import QuantumCircuit

from qbat_circuits.cells import MAX_CELLS
from qbat_circuits.errors import InputError, broken_rule, check_integer


def readout_calibration_circuits(
    n_cells: int, prepared: Sequence[str] | None = None
) -> list[QuantumCircuit]:
    """One circuit per prepared bit string: X on the cells that read 1, then all are measured.

    The metadata ``{"prepared": bits}`` tell `readout_from_primitive_result` what was prepared.

    Args:
        n_cells: number of cells N.
        prepared: distinct bit strings, leftmost digit for cell N-1; by default all 0 and all 1,
            which suffices where the errors of different cells are independent. Add others to see
            whether they are.

    Raises:
        InputError: if a bit string does not fit or stands twice.
    """
    n = check_integer("n_cells", n_cells, at_least=1, at_most=MAX_CELLS)
    strings = ["0" * n, "1" * n] if prepared is None else prepared
    if isinstance(strings, str) or not isinstance(strings, Sequence) or not strings:
        raise broken_rule("prepared", "a list of bit strings", strings)
    for bits in strings:
        if not isinstance(bits, str) or len(bits) != n or set(bits) - {"0", "1"}:
            raise broken_rule("prepared", f"bit strings of {n} digits 0 and 1", bits)
    bits, number = Counter(strings).most_common(1)[0]
    if number > 1:
        raise InputError(f"'prepared' must name {bits!r} once, not {number} times.")
    return [_prepared(bits) for bits in strings]


def _prepared(bits: str) -> QuantumCircuit:
    circuit = QuantumCircuit(len(bits), name=f"prepared_{bits}", metadata={"prepared": bits})
    for cell, digit in enumerate(reversed(bits)):
        if digit == "1":
            circuit.x(cell)
    circuit.measure_all()
    return circuit
