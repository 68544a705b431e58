"""Extraction circuits: the whole ergotropy, few two-qubit gates, and what noise leaves of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit, qasm3, transpile
from qiskit.circuit import Parameter
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import DensityMatrix, Operator, Statevector
from qiskit.transpiler import CouplingMap
from scipy.stats import unitary_group

from qbat_circuits import (
    Battery,
    CollectiveBath,
    ExtractionScheme,
    break_even_error,
    charge,
    ergotropy,
    extraction_circuit,
    extraction_performance,
    extraction_task,
    net_work,
    save_openqasm3,
    to_openqasm3,
)
from qbat_circuits.analysis.extraction import _check_extraction
from qbat_circuits.cells import excitations, level_energies
from qbat_circuits.circuits import extraction as extraction_module
from qbat_circuits.errors import AccuracyError, InputError

CX = ["cx", "rz", "sx", "x"]
CZ = ["cz", "rz", "sx", "x"]
LINE = {n: [(i, i + 1) for i in range(n - 1)] for n in (2, 3, 4, 5)}
STAR = [(0, 1), (0, 2), (0, 3)]


def ladder(n_cells, r):
    """Dicke states with populations r^k / sum_l r^l, written out."""
    excited = excitations(n_cells)
    rho = np.zeros((2**n_cells, 2**n_cells))
    for k in range(n_cells + 1):
        dicke = (excited == k) / np.sqrt(np.sum(excited == k))
        rho += r**k * np.outer(dicke, dicke)
    return rho / np.trace(rho)


def random_state(n_cells, seed):
    rng = np.random.default_rng(seed)
    basis = unitary_group.rvs(2**n_cells, random_state=rng)
    return basis * rng.dirichlet(np.ones(2**n_cells)) @ basis.conj().T


def two_qubit_gates(circuit):
    return circuit.num_nonlocal_gates()


def drop(circuit, rho, energies=None):
    """<H_B> before - after, by Qiskit's own evolution."""
    n = circuit.num_qubits
    after = DensityMatrix(rho).evolve(circuit).data
    return float(np.real(np.diag(rho - after)) @ level_energies(n, energies))


def from_unitary_gate(rho, basis, edges=None):
    """Qiskit's synthesis of the eigenvector unitary."""
    n = extraction_task(rho).n_cells
    plain = QuantumCircuit(n)
    plain.append(UnitaryGate(extraction_task(rho).unitary()), range(n))
    coupling = None if edges is None else CouplingMap([*edges, *((b, a) for a, b in edges)])
    return transpile(
        plain, basis_gates=basis, coupling_map=coupling, optimization_level=3, seed_transpiler=1
    )


def pairs_used(circuit):
    return {
        tuple(sorted(circuit.find_bit(q).index for q in gate.qubits))
        for gate in circuit.data
        if len(gate.qubits) == 2
    }


@pytest.mark.parametrize("basis", [None, CX, CZ])
@pytest.mark.parametrize(
    ("n", "edges", "gates", "share"),
    [
        (2, None, 2, 1.0),
        (3, None, 6, 0.7),
        (3, LINE[3], 7, 0.7),
        (4, None, 13, 0.7),
        (4, LINE[4], 15, 0.7),
        (4, STAR, 15, 0.7),
    ],
)
def test_charged_states_take_few_two_qubit_gates(n, edges, gates, share, basis):
    rho = ladder(n, 0.5)
    circuit = extraction_circuit(rho, basis_gates=basis, coupling_map=edges)
    assert two_qubit_gates(circuit) == gates
    plain = from_unitary_gate(rho, basis or CZ, edges)
    assert gates <= share * two_qubit_gates(plain)  # ladders of 3 and 4 cells save 30 % at least
    assert drop(circuit, rho) == pytest.approx(ergotropy(rho), abs=1e-12)
    assert set(circuit.count_ops()) <= set(basis or ("rz", "ry", "cz"))
    if edges is not None:
        assert pairs_used(circuit) <= set(edges)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_bath_itself_charges_such_states(n):
    """The charged state of the engine, n = 1, with its round-off."""
    battery = Battery.identical(n, CollectiveBath(rate=1.0, occupation=1.0))
    rho = charge(battery, [0.0, 50.0]).states[-1]
    circuit = extraction_circuit(rho)
    assert two_qubit_gates(circuit) == {2: 2, 3: 6, 4: 13}[n]
    assert drop(circuit, rho) == pytest.approx({2: 1 / 7, 3: 4 / 15, 4: 11 / 31}[n], abs=1e-9)


@settings(max_examples=8, deadline=None)
@given(st.integers(2, 4), st.floats(0.02, 50.0))
def test_one_circuit_serves_every_occupation(n, r):
    """The order of the Dicke states does not depend on r <= 1; for a pump it is reversed."""
    rho = ladder(n, r)
    circuit = extraction_circuit(rho)
    assert two_qubit_gates(circuit) <= {2: 2, 3: 6, 4: 13}[n]
    assert drop(circuit, rho) == pytest.approx(ergotropy(rho), abs=1e-10)
    fixed = extraction_circuit(ladder(n, 0.5 if r <= 1 else 2.0))
    assert drop(fixed, rho) == pytest.approx(ergotropy(rho), abs=1e-10)
    if n > 2 and r < 1:
        assert circuit == fixed


@pytest.mark.parametrize(("n", "most"), [(1, 0), (2, 2), (3, 10)])
@pytest.mark.parametrize("energies", [None, [1.0, 1.2, 0.9]])
def test_a_generic_state_takes_as_many_gates_as_its_constraints_ask_for(n, most, energies):
    """(c - 2N)/4, rounded up: with equal energies 2 for N = 2 and 10 for N = 3."""
    rho, e = random_state(n, n), None if energies is None else energies[:n]
    circuit = extraction_circuit(rho, e)
    task = extraction_task(rho, e)
    enough = max(0, -(-(task.n_constraints - 2 * n) // 4))
    assert two_qubit_gates(circuit) <= enough
    assert (enough == most) or energies is not None
    assert drop(circuit, rho, e) == pytest.approx(ergotropy(rho, e), abs=1e-12)
    assert two_qubit_gates(circuit) <= two_qubit_gates(from_unitary_gate(rho, CZ))


def test_four_cells_in_any_state_take_half_of_the_gates_on_a_star():
    rho = random_state(4, 1)
    circuit = extraction_circuit(rho, coupling_map=STAR)
    assert two_qubit_gates(circuit) <= 46
    assert two_qubit_gates(from_unitary_gate(rho, CZ)) > 90
    assert pairs_used(circuit) <= set(STAR)
    assert drop(circuit, rho) == pytest.approx(ergotropy(rho), abs=1e-12)


def test_a_line_in_any_order_serves():
    edges = [(2, 0), (0, 3), (1, 3)]
    circuit = extraction_circuit(ladder(4, 0.5), coupling_map=CouplingMap(edges))
    assert two_qubit_gates(circuit) == 15
    assert pairs_used(circuit) == {(0, 2), (0, 3), (1, 3)}
    assert drop(circuit, ladder(4, 0.5)) == pytest.approx(11 / 31, abs=1e-12)


def test_an_estimated_state_gets_the_gates_of_the_state_behind_it():
    """With its uncertainty as tolerance, which bounds what is lost; without it, generic ones."""
    rho = 0.999 * ladder(3, 0.5) + 0.001 * random_state(3, 2)
    wide, sharp = extraction_circuit(rho, tolerance=1e-3), extraction_circuit(rho)
    assert (two_qubit_gates(wide), two_qubit_gates(sharp)) == (6, 10)
    assert 1e-9 < ergotropy(rho) - drop(wide, rho) < 1e-3 * 12
    assert drop(sharp, rho) == pytest.approx(ergotropy(rho), abs=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_routing_never_exchanges_cells_of_different_energies(seed):
    """It is refused where Qiskit's routing would; otherwise the work comes out."""
    rho, energies = ladder(5, 0.5), [1.0, 1.1, 1.2, 1.3, 1.4]
    refusal = "'coupling_map' must be left out for more than 4 cells of different energies"
    try:
        circuit, said = extraction_circuit(rho, energies, None, LINE[5], seed=seed), refusal
    except InputError as error:
        circuit, said = extraction_circuit(rho, energies, seed=seed), str(error)
    assert said.startswith(refusal)
    assert drop(circuit, rho, energies) == pytest.approx(ergotropy(rho, energies), abs=1e-9)


def test_only_the_ladder_itself_has_to_be_placed():
    """The 2^N - N - 1 other states fill the levels above: they follow."""
    for n in (3, 4):
        vectors, forbidden = extraction_module._needed(extraction_task(ladder(n, 0.5)))
        assert vectors.shape == forbidden.shape == (2**n, n + 1)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("n", [2, 3])
def test_states_without_coherence_never_take_more_gates_than_with_qiskit(n, seed):
    """Permutations of basis states: some are a gate or two."""
    populations = np.random.default_rng(seed).permutation(np.arange(2.0**n)) + 1
    rho = np.diag(populations / populations.sum())
    circuit = extraction_circuit(rho, basis_gates=CX)
    assert two_qubit_gates(circuit) <= two_qubit_gates(from_unitary_gate(rho, CX))
    assert drop(circuit, rho) == pytest.approx(ergotropy(rho), abs=1e-9)


def test_a_state_without_correlations_takes_no_two_qubit_gate():
    cells = [random_state(1, seed) for seed in (1, 2, 3)]
    for rho in (Statevector.from_label("111").data, Statevector.from_label("+1l").data):
        circuit = extraction_circuit(rho)
        assert two_qubit_gates(circuit) == 0
        assert drop(circuit, np.outer(rho, rho.conj())) > 1
    mixed = np.kron(cells[1], cells[0])
    assert two_qubit_gates(extraction_circuit(mixed)) <= 2


@pytest.mark.parametrize("rho", [ladder(2, 0.0), np.eye(8) / 8, np.diag([0.5, 0.2, 0.2, 0.1])])
def test_a_passive_state_takes_no_gate(rho):
    circuit = extraction_circuit(rho)
    assert circuit.size() == 0
    performance = extraction_performance(circuit, rho, error=0.1)
    assert performance.ideal_work == performance.net_work == 0
    assert performance.break_even_error is None


def test_beyond_four_cells_the_circuit_is_that_of_qiskit():
    rho = ladder(5, 0.5)
    circuit = extraction_circuit(rho, coupling_map=LINE[5])
    assert drop(circuit, rho) == pytest.approx(ergotropy(rho), abs=1e-9)
    assert pairs_used(circuit) <= set(LINE[5])
    assert circuit.layout is None


def test_where_no_fit_serves_the_circuit_is_that_of_qiskit(monkeypatch):
    monkeypatch.setattr(extraction_module, "fit_angles", lambda *given: None)
    extraction_module._ladder_circuit.cache_clear()
    rho = ladder(3, 0.5)
    circuit = extraction_circuit(rho, basis_gates=CZ)
    extraction_module._ladder_circuit.cache_clear()
    assert two_qubit_gates(circuit) == two_qubit_gates(from_unitary_gate(rho, CZ))
    assert drop(circuit, rho) == pytest.approx(ergotropy(rho), abs=1e-9)


def test_a_circuit_that_leaves_work_is_never_given_out(monkeypatch):
    monkeypatch.setattr(extraction_module, "fitted_circuit", lambda n, *given: QuantumCircuit(n))
    with pytest.raises(AccuracyError, match=r"leaves 0\.143 of the work in the cells\.$"):
        extraction_circuit(ladder(2, 0.5))


def test_the_same_seed_gives_the_same_circuit():
    rho = random_state(2, 5)
    assert extraction_circuit(rho, seed=3) == extraction_circuit(rho, seed=3)
    assert extraction_circuit(rho, seed=3) != extraction_circuit(rho, seed=4)


def test_the_circuit_goes_through_openqasm_3_and_into_the_extraction_scheme(tmp_path):
    rho = ladder(3, 0.5)
    circuit = extraction_circuit(rho, basis_gates=CX, coupling_map=LINE[3])
    again = qasm3.loads(to_openqasm3(circuit))
    assert drop(again, rho) == pytest.approx(4 / 15, abs=1e-9)
    assert [file.name for file in save_openqasm3([circuit], tmp_path)] == ["extraction.qasm"]
    _check_extraction(circuit, 3)
    names = [c.name for c in ExtractionScheme().circuits(3, None, circuit)]
    assert names == ["before", "after"]


@pytest.mark.parametrize(
    ("padding", "error", "net", "break_even"),
    [(0, 0.005, 0.1372, 0.134), (3, 0.02, 0.0880, 0.056)],
)
def test_the_noisy_numbers_of_two_cells(padding, error, net, break_even):
    """n = 1; two gates, and five with three that do nothing ideally (diagonal, at the end).

    (1 - x)^g of the state is left, so net = E - (1 - x)^g (E - W) - (1 - (1 - x)^g) N/2.
    """
    rho = ladder(2, 0.5)
    circuit = extraction_circuit(rho)
    for _ in range(padding):
        circuit.cz(0, 1)
    performance = extraction_performance(circuit, rho, error)
    assert performance.two_qubit_gates == performance.two_qubit_depth == 2 + padding
    assert performance.ergotropy == pytest.approx(1 / 7, abs=1e-12)
    assert performance.ideal_work == pytest.approx(1 / 7, abs=1e-12)
    kept = (1 - error) ** (2 + padding)
    assert performance.net_work == pytest.approx(4 / 7 - kept * 3 / 7 - (1 - kept), abs=1e-12)
    assert performance.net_work == pytest.approx(net, abs=5e-5)
    zero = 1 - 0.75 ** (1 / (2 + padding))
    assert performance.break_even_error == pytest.approx(zero, abs=1e-10)
    assert performance.break_even_error == pytest.approx(break_even, abs=5e-4)
    assert break_even_error(circuit, rho) == performance.break_even_error
    assert net_work(circuit, rho, zero) == pytest.approx(0.0, abs=1e-10)


def test_the_depolarising_parameter_against_all_paulis():
    """x = 16/15 of the share of the 15 Paulis; average gate error 3x/4."""
    rho, x = random_state(3, 8), 0.3
    circuit = QuantumCircuit(3)
    circuit.h(1)
    circuit.cx(0, 2)
    circuit.sx(2)
    mixed = np.zeros((8, 8), dtype=complex)
    for a in "IXYZ":
        for b in "IXYZ":
            share = 1 - 15 * x / 16 if a + b == "II" else x / 16
            noisy = circuit.copy_empty_like()
            noisy.h(1)
            noisy.cx(0, 2)
            noisy.append(Operator.from_label(a).to_instruction(), [0])
            noisy.append(Operator.from_label(b).to_instruction(), [2])
            noisy.sx(2)
            mixed += share * DensityMatrix(rho).evolve(noisy).data
    e = [1.0, 1.5, 0.7]
    expected = np.diag(rho - mixed).real @ level_energies(3, e)
    assert net_work(circuit, rho, x, e) == pytest.approx(expected, abs=1e-12)
    assert net_work(circuit, rho, 0.0, e) == pytest.approx(drop(circuit, rho, e), abs=1e-12)


def test_no_error_ends_the_work_of_a_state_above_the_mixed_one():
    rho = Statevector.from_label("11").data
    circuit = QuantumCircuit(2)
    circuit.x([0, 1])
    assert break_even_error(circuit, rho) is None
    circuit.cz(0, 1)
    assert break_even_error(circuit, rho) is None
    assert net_work(circuit, rho, 1.0) == pytest.approx(1.0, abs=1e-12)


def test_barriers_and_delays_cost_nothing():
    rho = ladder(2, 0.5)
    circuit = extraction_circuit(rho)
    padded = circuit.copy()
    padded.barrier()
    padded.delay(100, 0, unit="ns")
    assert net_work(padded, rho, 0.01) == net_work(circuit, rho, 0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"state": np.eye(128) / 128}, r"^'state' must be of at most 6 cells for .*, not of 7\.$"),
        ({"state": np.eye(3) / 3}, r"^A state must have shape"),
        ({"energies": [1.0]}, r"^'energies' must hold one number per cell \(3\), not 1\.$"),
        ({"coupling_map": [(0, 1)]}, r"^'coupling_map' must connect all 3 cells\.$"),
        ({"coupling_map": [(0, 3)]}, r"^'coupling_map' must be a whole number >= 0 and <= 2, not"),
        ({"coupling_map": [(1, 1)]}, r"^'coupling_map' must be a list of pairs of different cells"),
        (
            {"coupling_map": ["01"]},
            r"^'coupling_map' must be a list of pairs of cells, not '01'\.$",
        ),
        ({"coupling_map": 5}, r"^'coupling_map' must be a list of pairs of cells, not 5\.$"),
        ({"basis_gates": 5}, r"^'basis_gates' must be a list of names of gates, not 5\.$"),
        ({"basis_gates": "cx"}, r"^'basis_gates' must be a list of names of gates, not 'cx'\.$"),
        ({"basis_gates": ["rz"]}, r"^The extraction circuit cannot be written in these 'basis"),
        ({"seed": -1}, r"^'seed' must be a whole number >= 0, not -1\.$"),
        ({"tolerance": 2}, r"^'tolerance' must be a finite number >= 0 and <= 1, not 2\.$"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        extraction_circuit(**{"state": ladder(3, 0.5), **options})


def circuit_of(n, *gates):
    circuit = QuantumCircuit(n, 1)
    for name, *arguments in gates:
        getattr(circuit, name)(*arguments)
    return circuit


@pytest.mark.parametrize(
    ("circuit", "message"),
    [
        ("cx", r"^'circuit' must be a QuantumCircuit, not 'cx'\.$"),
        (circuit_of(3), r"^'circuit' must have one qubit for each of the 2 cells, not 3\.$"),
        (circuit_of(2, ("measure", 0, 0)), r"^'circuit' must hold bound gates .* not 'measure'"),
        (circuit_of(2, ("rx", Parameter("a"), 0)), r"^'circuit' must hold bound gates .* not 'rx'"),
    ],
)
def test_a_circuit_that_cannot_be_rated_is_refused(circuit, message):
    with pytest.raises(InputError, match=message):
        net_work(circuit, ladder(2, 0.5))


def test_gates_of_three_qubits_and_bad_errors_are_refused():
    with pytest.raises(InputError, match=r"only \(transpile it\), not 'ccx' on 3\.$"):
        net_work(circuit_of(3, ("ccx", 0, 1, 2)), ladder(3, 0.5))
    with pytest.raises(InputError, match=r"^'error' must be a finite number >= 0 and <= 1, not 2"):
        net_work(circuit_of(2), ladder(2, 0.5), 2)
    with pytest.raises(InputError, match=r"^There is no break-even error: .* takes out 0\.$"):
        break_even_error(circuit_of(2), ladder(2, 0.5))
