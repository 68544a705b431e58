"""Tomography circuits read what their label says, and Aer draws from the Born probabilities."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import reduce

import numpy as np
import pytest
from qiskit.quantum_info import DensityMatrix, Operator, Statevector
from scipy.stats import chi2, norm

from qbat_circuits.analysis.linear_inversion import MeasurementFrame
from qbat_circuits.circuits.tomography import (
    measurement_circuit,
    measurement_circuits,
    pauli_settings,
)
from qbat_circuits.errors import InputError
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.aer import emulate_counts

EIGENVECTORS = {
    "X": np.array([[1, 1], [1, -1]]) / np.sqrt(2),
    "Y": np.array([[1, 1j], [1, -1j]]) / np.sqrt(2),
    "Z": np.eye(2),
}
UNEQUAL = ReadoutModel.from_error_rates([0.01, 0.05, 0.1], [0.2, 0.03, 0.07])


def random_state(n_cells, seed=0):
    rng = np.random.default_rng(seed)
    g = rng.normal(size=(2, 2**n_cells, 2**n_cells))
    rho = (g[0] + 1j * g[1]) @ (g[0] + 1j * g[1]).conj().T
    return rho / np.trace(rho)


@pytest.mark.parametrize("setting", pauli_settings(2))
def test_a_circuit_sends_the_eigenstates_of_its_label_to_the_basis_states(setting):
    circuit = measurement_circuit(setting)
    assert circuit.num_qubits == circuit.num_clbits == 2
    unitary = Operator(circuit.remove_final_measurements(inplace=False)).data
    eigenstates = reduce(np.kron, [EIGENVECTORS[letter] for letter in setting])
    for number, state in enumerate(eigenstates):
        assert abs((unitary @ state)[number]) == pytest.approx(1, abs=1e-12)


def test_each_cell_is_measured_into_its_own_bit():
    for instruction in measurement_circuit("XYZ").data:
        if instruction.operation.name == "measure":
            circuit = measurement_circuit("XYZ")
            qubit = circuit.find_bit(instruction.qubits[0]).index
            assert circuit.find_bit(instruction.clbits[0]).index == qubit


def test_circuits_come_in_the_order_of_their_settings():
    assert [c.name for c in measurement_circuits(["ZX", "YY"])] == ["ZX", "YY"]


@pytest.mark.parametrize("setting", ["", "XIZ", "xyz", 5])
def test_a_wrong_label_is_refused(setting):
    sentence = "'setting' must be a Pauli label with the letters X, Y, Z, not"
    with pytest.raises(InputError, match=sentence):
        measurement_circuit(setting)


def test_circuits_need_no_simulator():
    code = "import sys, qbat_circuits.circuits.tomography; assert 'qiskit_aer' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("n_cells", [2, 3])
def test_aer_draws_from_the_born_probabilities_through_the_assignment_matrices(n_cells):
    """Pearson's chi-square per setting and over all; every cell has other errors than the next."""
    rho, shots = random_state(n_cells), 4000
    readout = ReadoutModel(UNEQUAL.assignment[:n_cells])
    counts = emulate_counts(DensityMatrix(rho), readout, shots=shots, seed=5)
    assert counts.settings == pauli_settings(n_cells)
    assert (counts.origin, counts.seed, counts.readout) == ("emulated", 5, readout)
    np.testing.assert_array_equal(counts.shots, shots)
    expected = shots * MeasurementFrame(readout).probabilities(rho)
    statistic = np.sum((counts.table - expected) ** 2 / expected, axis=1)
    freedom = 2**n_cells - 1
    assert chi2.sf(statistic, freedom).min() > 1e-3 / len(statistic)
    assert 1e-3 < chi2.sf(statistic.sum(), freedom * len(statistic)) < 1 - 1e-3
    mirrored = ReadoutModel(readout.assignment[::-1])  # the test sees an order of cells
    wrong = shots * MeasurementFrame(mirrored).probabilities(rho)
    assert np.sum((counts.table - wrong) ** 2 / wrong) > 3 * freedom * len(statistic)


def test_a_single_excited_cell_reads_in_its_own_bit():
    state = np.zeros((4, 4))
    state[1, 1] = 1  # cell 0
    counts = emulate_counts(state, ReadoutModel.ideal(2), shots=50, seed=1, settings=["ZZ"])
    np.testing.assert_array_equal(counts.table, [[0, 50, 0, 0]])
    assert counts.to_dict()["settings"] == {"ZZ": {"01": 50}}


def test_the_same_seed_gives_the_same_counts_and_another_seed_others():
    tables = [
        emulate_counts(np.eye(4) / 4, ReadoutModel.ideal(2), shots=100, seed=seed).table
        for seed in (7, 7, 8, 7 + 2113)  # Aer steps by 2113 from circuit to circuit
    ]
    np.testing.assert_array_equal(tables[0], tables[1])
    assert not np.array_equal(tables[0], tables[2])
    assert not np.array_equal(tables[0][1:], tables[3][:-1])


def test_settings_have_independent_random_streams():
    """With one stream for all, the excess of cell 0 would be the same in X, Y and Z.

    At the maximally mixed state the ones of each of the 27 settings are binomial(400, 1/2) for
    each cell. Summed over settings the excess has variance 27 * 100; fully correlated streams
    would have 27^2 * 100.
    """
    excess = []
    for seed in range(12):
        table = emulate_counts(np.eye(8) / 8, ReadoutModel.ideal(3), shots=400, seed=seed).table
        ones = table @ ((np.arange(8)[:, None] >> np.arange(3)) & 1)
        excess.append((ones.sum(axis=0) - 27 * 200) / np.sqrt(27 * 100))
        assert len(np.unique(table, axis=0)) > 20
    statistic = np.sum(np.square(excess))
    assert chi2.ppf(1e-3, 36) < statistic < chi2.ppf(1 - 1e-3, 36)
    assert np.abs(excess).max() < norm.isf(1e-3 / 72)


def test_a_state_vector_is_a_state_too():
    plus = Statevector.from_label("+")
    counts = emulate_counts(plus, ReadoutModel.ideal(1), shots=30, seed=2, settings=["X"])
    np.testing.assert_array_equal(counts.table, [[30, 0]])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"state": np.eye(4)}, "A state must have trace 1"),
        ({"readout": ReadoutModel.ideal(2)}, "'readout' must describe 1 cells like the state"),
        ({"readout": None}, "'readout' must be a ReadoutModel, not None."),
        ({"shots": 0}, "'shots' must be a whole number >= 1"),
        ({"shots": 10.5}, "'shots' must be a whole number >= 1"),
        ({"seed": -3}, "'seed' must be a whole number >= 0, not -3."),
        ({"settings": ["X", "X"]}, "'settings' must name 'X' once, not 2 times."),
        ({"settings": ["XX"]}, "'settings' must be Pauli labels of 1 letters X, Y, Z, not 'XX'."),
        (
            {"state": np.eye(128) / 128},
            "'n_cells' must be <= 6 for emulated Pauli tomography, not 7: its 3^7 circuits would "
            "hold 5.73e+08 bytes; use fewer cells",
        ),
    ],
)
def test_wrong_arguments_get_one_sentence(changes, sentence):
    good = {"state": np.eye(2) / 2, "readout": ReadoutModel.ideal(1), "shots": 10, "seed": 1}
    with pytest.raises(InputError, match=re.escape(sentence)):
        emulate_counts(**{**good, **changes})
