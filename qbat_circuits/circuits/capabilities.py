"""Whether circuits fit a machine, said before anything is submitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from qiskit import QuantumCircuit
from qiskit.circuit import ControlFlowOp, Instruction

from qbat_circuits.errors import InputError, broken_rule

#: What leaves a measured qubit alone.
_IDLE: Final = ("barrier", "delay")


def check_runs_on(
    circuits: Sequence[QuantumCircuit],
    target: Any,
    mid_circuit_measurement: bool = True,
    machine: str = "this machine",
) -> None:
    """Refuse circuits that a machine cannot run.

    Args:
        circuits: as they would be submitted.
        target: the machine's Qiskit `Target`. Where it couples all qubits, as a simulator's does,
            only those that a circuit uses are counted.
        mid_circuit_measurement: whether it can measure a qubit, or into a bit, and go on with it; a
            target does not say.
        machine: its name, for the sentence.

    Raises:
        InputError: naming the circuit and what is missing.
    """
    coupling = target.build_coupling_map()
    pairs = None if coupling is None else {frozenset(edge) for edge in coupling.get_edges()}
    for circuit in circuits:
        if not isinstance(circuit, QuantumCircuit):
            raise broken_rule("circuits", "QuantumCircuits", circuit)
        name = f"The circuit {circuit.name!r}"
        used = {qubit for _, qubits, _ in _operations(circuit) for qubit in qubits}
        size = len(used) if pairs is None else circuit.num_qubits
        if target.num_qubits is not None and size > target.num_qubits:
            raise InputError(f"{name} needs {size} qubits, but {machine} has {target.num_qubits}.")
        if not mid_circuit_measurement and _goes_on_measured(circuit):
            raise InputError(
                f"{name} goes on with a measured qubit or bit, which {machine} cannot do: for "
                'collisions use ancilla="random-x", which needs a reset but no measurement before '
                "the end."
            )
        for operation, qubits, _ in _operations(circuit):
            _check_operation(name, operation.name, qubits, target, pairs, machine)


def _check_operation(
    name: str,
    operation: str,
    qubits: tuple[int, ...],
    target: Any,
    pairs: set[frozenset[int]] | None,
    machine: str,
) -> None:
    known = operation in target.operation_names
    if operation == "barrier" or (known and pairs is None):
        return
    if known and target.instruction_supported(operation, qubits):
        return
    if operation == "reset":
        raise InputError(
            f"{name} resets qubit {qubits[0]}, which {machine} cannot do: no way to a fresh "
            "ancilla goes without it."
        )
    if known and pairs is not None and len(qubits) == 2 and frozenset(qubits) not in pairs:
        raise InputError(
            f"{name} needs a gate between {qubits[0]} and {qubits[1]}, which {machine} does not "
            "have: put the cells on other qubits."
        )
    raise InputError(
        f"{name} holds {operation!r} on {', '.join(map(str, qubits))}, which is no operation of "
        f"{machine} there: transpile the circuits first."
    )


def _operations(
    circuit: QuantumCircuit, outer: Sequence[int] | None = None
) -> Iterator[tuple[Instruction, tuple[int, ...], tuple[Any, ...]]]:
    """Operations with the numbers of their qubits and their bits, those of inner blocks too."""
    places = range(circuit.num_qubits) if outer is None else outer
    for instruction in circuit.data:
        qubits = tuple(places[circuit.find_bit(qubit).index] for qubit in instruction.qubits)
        yield instruction.operation, qubits, tuple(instruction.clbits)
        if isinstance(instruction.operation, ControlFlowOp):
            for block in instruction.operation.blocks:
                yield from _operations(block, qubits)


def _goes_on_measured(circuit: QuantumCircuit) -> bool:
    """Whether a qubit is used, or a bit is written or read, after a measurement."""
    measured: set[Any] = set()
    for operation, qubits, bits in _operations(circuit):
        if operation.name in _IDLE:
            continue
        if measured & {*qubits, *bits}:
            return True
        if operation.name == "measure":
            measured |= {*qubits, *bits}
    return False
