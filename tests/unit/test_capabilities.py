"""What a machine cannot run is refused before anything is submitted, in one sentence."""

from __future__ import annotations

import re
from typing import Any

import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Measure, Parameter, Reset
from qiskit.circuit.library import CZGate, RZGate, SXGate
from qiskit.transpiler import Target
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime.fake_provider import FakeFez

import qbat_circuits as qb
from qbat_circuits.circuits.capabilities import check_runs_on
from qbat_circuits.errors import InputError
from qbat_circuits.sampling.machines import check_circuits

FEZ = FakeFez()


def machine(reset: bool = True) -> Target:
    """Three qubits in a line with one direction of each gate."""
    target = Target(num_qubits=3)
    every = {(q,): None for q in range(3)}
    target.add_instruction(SXGate(), every)
    target.add_instruction(RZGate(Parameter("t")), every)
    target.add_instruction(Measure(), every)
    target.add_instruction(CZGate(), {(0, 1): None, (1, 2): None})
    if reset:
        target.add_instruction(Reset(), every)
    return target


def one_sentence(sentence: str) -> pytest.RaisesExc:
    return pytest.raises(InputError, match=f"^{re.escape(sentence)}$")


def test_a_circuit_in_the_gates_of_the_machine_passes() -> None:
    circuit = QuantumCircuit(3, 1)
    circuit.sx(0)
    circuit.cz(0, 1)
    circuit.barrier()
    circuit.reset(1)
    circuit.measure(2, 0)
    check_runs_on([circuit], machine())


@pytest.mark.parametrize("ancilla", ["measured", "purified"])
def test_a_collision_circuit_passes_once_it_is_transpiled(ancilla: str) -> None:
    circuit = qb.collision_circuit(2, 1.0, 0.5, 2, ancilla=ancilla)
    circuits = qb.tomography_circuits(2, circuit, ["XY"])
    with one_sentence(
        "The circuit 'XY' holds 'ry' on "
        f"{3 if ancilla == 'purified' else 2}, which is no operation of fez there: transpile the "
        "circuits first."
    ):
        check_runs_on(circuits, FEZ.target, machine="fez")
    made = transpile(circuits, FEZ, optimization_level=0)
    check_runs_on(made, FEZ.target)
    with pytest.raises(InputError, match="holds 'xx_plus_yy' on"):
        check_runs_on(made + circuits, AerSimulator().target)


def test_circuits_of_a_chip_run_on_a_simulator_of_fewer_qubits() -> None:
    """It leaves idle qubits out: 156 qubits, of which three are used."""
    circuits = qb.tomography_circuits(2, qb.collision_circuit(2, 1.0, 0.5, 2), ["XY"])
    made = transpile(circuits, FEZ, initial_layout=[100, 102, 101], optimization_level=1)
    assert made[0].num_qubits == 156 > AerSimulator().target.num_qubits
    check_circuits(AerSimulator(), made)
    assert sum(AerSimulator().run(made, shots=9).result().get_counts().values()) == 9


def test_a_missing_reset_is_named() -> None:
    circuit = QuantumCircuit(2, name="charge")
    circuit.reset(0)
    with one_sentence(
        "The circuit 'charge' resets qubit 0, which this machine cannot do: no way to a fresh "
        "ancilla goes without it."
    ):
        check_runs_on([circuit], machine(reset=False))


def midway(kind: str) -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2, name="charge")
    if kind == "qubit":
        circuit.measure(0, 0)
        circuit.sx(0)
    elif kind == "bit":
        circuit.measure([0, 1], [0, 0])
    else:
        circuit.measure(0, 0)
        with circuit.if_test((circuit.clbits[0], 1)):
            circuit.sx(1)
    return circuit


@pytest.mark.parametrize("kind", ["qubit", "bit", "condition"])
def test_a_measurement_midway_is_refused_where_it_cannot_be(kind: str) -> None:
    check_runs_on([midway(kind)], AerSimulator().target)
    with one_sentence(
        "The circuit 'charge' goes on with a measured qubit or bit, which this machine cannot do: "
        'for collisions use ancilla="random-x", which needs a reset but no measurement before the '
        "end."
    ):
        check_runs_on([midway(kind)], AerSimulator().target, mid_circuit_measurement=False)


def test_a_measurement_at_the_end_is_not_midway() -> None:
    circuit = QuantumCircuit(2, 2)
    circuit.sx(0)
    circuit.measure([0, 1], [0, 1])
    circuit.barrier()
    circuit.delay(5, 0)
    check_runs_on([circuit], AerSimulator().target, mid_circuit_measurement=False)
    ensemble = qb.collision_circuit(2, 1.0, 0.5, 3, ancilla="random-x", randomizations=2, seed=1)
    drawn = transpile(qb.tomography_circuits(2, ensemble.template, ["ZZ"]), FEZ)
    check_runs_on(drawn, FEZ.target, mid_circuit_measurement=False)


@pytest.mark.parametrize(("says", "able"), [(True, True), (False, False), (None, True)])
def test_a_configuration_says_whether_measured_qubits_go_on(says: bool | None, able: bool) -> None:
    """As IBM's do; nothing is refused where a machine says nothing."""

    class Machine(FakeFez):
        def configuration(self) -> Any:
            told = super().configuration()
            told.multi_meas_enabled = says
            return told

    assert FEZ.configuration().multi_meas_enabled is True
    circuit = midway("qubit")
    if able:
        check_circuits(Machine(), [circuit])
    else:
        with pytest.raises(InputError, match="random-x"):
            check_circuits(Machine(), [circuit])
        check_circuits(Machine(), [circuit], mid_circuit_measurement=True)


def test_a_layout_that_the_machine_does_not_couple_is_named() -> None:
    circuit = QuantumCircuit(3, name="far")
    circuit.cz(0, 2)
    with one_sentence(
        "The circuit 'far' needs a gate between 0 and 2, which this machine does not have: put the "
        "cells on other qubits."
    ):
        check_runs_on([circuit], machine())
    circuit = QuantumCircuit(3, name="back")
    circuit.cz(1, 0)
    with pytest.raises(InputError, match="holds 'cz' on 1, 0, which is no operation"):
        check_runs_on([circuit], machine())


def test_operations_inside_a_condition_are_seen() -> None:
    circuit = QuantumCircuit(3, 1, name="inner")
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.cz(2, 0)
    target = machine()
    for operation in AerSimulator().target.operations:
        if getattr(operation, "__name__", "") == "IfElseOp":
            target.add_instruction(operation, name="if_else")
    with pytest.raises(InputError, match="a gate between 2 and 0"):
        check_runs_on([circuit], target)


def test_too_many_qubits_and_what_is_no_circuit() -> None:
    with one_sentence("The circuit 'wide' needs 4 qubits, but this machine has 3."):
        check_runs_on([QuantumCircuit(4, name="wide")], machine())
    wide = QuantumCircuit(40, name="wide")
    wide.h(range(40))
    with pytest.raises(InputError, match="'wide' needs 40 qubits, but aer_simulator has"):
        check_circuits(AerSimulator(), [wide])
    with pytest.raises(InputError, match="'circuits' must be QuantumCircuits"):
        check_runs_on(["circuit"], machine())  # type: ignore[list-item]
