"""Tomography circuits read what their label says, and Aer draws from the Born probabilities."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import reduce

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, qasm3
from qiskit.quantum_info import DensityMatrix, Operator, Statevector
from qiskit_aer.library import SetDensityMatrix
from qiskit_aer.noise import NoiseModel, ReadoutError
from qiskit_aer.primitives import SamplerV2
from scipy.stats import chi2, chi2_contingency, norm

from qbat_circuits.analysis.linear_inversion import outcome_probabilities
from qbat_circuits.circuits.qasm import save_openqasm3, to_openqasm3
from qbat_circuits.circuits.readout_calibration import readout_calibration_circuits
from qbat_circuits.circuits.tomography import (
    measurement_circuit,
    measurement_circuits,
    pauli_settings,
    rotation_circuit,
    tomography_circuits,
)
from qbat_circuits.errors import InputError
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.aer import emulate_counts
from qbat_circuits.sampling.lab_results import (
    counts_from_primitive_result,
    readout_from_primitive_result,
)

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


def ghz():
    """A GHZ state of three cells, turned differently in each, and an ancilla that was read."""
    circuit = QuantumCircuit(QuantumRegister(3, "q"), QuantumRegister(1, "a"))
    circuit.add_register(ClassicalRegister(1, "flag"))
    circuit.x(3)
    circuit.measure(3, 0)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    circuit.ry(0.7, 0)
    circuit.rx(1.1, 1)
    return circuit


def ghz_state():
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    circuit.ry(0.7, 0)
    circuit.rx(1.1, 1)
    return Statevector(circuit)


def same_distribution(ours, theirs):
    """p-value of the chi-square test that two tables of counts were drawn alike."""
    statistic, freedom = 0.0, 0
    for pair in zip(ours.table, theirs.table, strict=True):
        drawn = np.array(pair)[:, np.sum(pair, axis=0) > 0]
        test = chi2_contingency(drawn)
        statistic, freedom = statistic + test.statistic, freedom + test.dof
    return chi2.sf(statistic, freedom)


def test_circuits_of_a_preparation_give_the_counts_of_its_state():
    result = SamplerV2(seed=6).run(tomography_circuits(3, ghz()), shots=3000).result()
    counts = counts_from_primitive_result(result)
    emulated = emulate_counts(ghz_state(), ReadoutModel.ideal(3), shots=3000, seed=8)
    assert counts.settings == emulated.settings == pauli_settings(3)
    assert 1e-3 < same_distribution(counts, emulated) < 1 - 1e-3
    mirrored = emulated.marginal([2, 1, 0]).select(counts.settings)  # the test sees the order
    assert same_distribution(counts, mirrored) < 1e-12
    assert counts.marginal([1]).shots.tolist() == [27000] * 3


def test_a_circuit_is_preparation_barrier_rotation_measurement():
    prepare = ghz()
    circuits = tomography_circuits(3, prepare, ["XYZ", "ZZZ"])
    assert [c.name for c in circuits] == ["XYZ", "ZZZ"]
    assert [c.metadata for c in circuits] == [{"setting": "XYZ"}, {"setting": "ZZZ"}]
    circuit = circuits[0]
    assert circuit.data[: len(prepare.data)] == prepare.data
    names = [instruction.operation.name for instruction in circuit.data[len(prepare.data) :]]
    assert names == ["barrier", "sdg", "h", "h", *["measure"] * 3]
    for cell, instruction in enumerate(circuit.data[-3:]):
        assert circuit.find_bit(instruction.qubits[0]).index == cell
        assert circuit.find_bit(instruction.clbits[0]).registers[0][0].name == "meas"
        assert circuit.find_bit(instruction.clbits[0]).registers[0][1] == cell
    assert prepare.num_clbits == 1  # the given circuit is left as it was


def test_no_preparation_measures_the_cells_as_they_are():
    circuits = tomography_circuits(2)
    assert tuple(c.name for c in circuits) == pauli_settings(2)
    for circuit in circuits:
        ours = Operator(circuit.remove_final_measurements(inplace=False))
        assert ours == Operator(rotation_circuit(circuit.name))


def ending_in_a_measurement(nested):
    """Cell 1 is measured last, if only for a barrier; perhaps inside an instruction."""
    inner = QuantumCircuit(2, 1)
    inner.h([0, 1])
    inner.measure(1, 0)
    inner.barrier()
    circuit = QuantumCircuit(2, 1)
    circuit.append(inner.to_instruction(), [0, 1], [0])
    return circuit if nested else inner


@pytest.mark.parametrize("nested", [False, True])
def test_a_collapsed_cell_is_not_measured_again(nested):
    sentence = (
        "'prepare' must not end with a measurement of cell 1, which leaves its outcome in place "
        "of its state."
    )
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        tomography_circuits(2, ending_in_a_measurement(nested))


def test_a_measurement_amid_the_preparation_is_part_of_it():
    """A heralded reset, a correction by the outcome, and an ancilla that is only measured."""
    prepare = QuantumCircuit(3, 1)
    prepare.h([0, 1])
    prepare.measure(0, 0)
    prepare.reset(0)
    prepare.measure(1, 0)
    with prepare.if_test((prepare.clbits[0], 1)):
        prepare.x(1)
    prepare.measure(2, 0)
    assert len(tomography_circuits(2, prepare, ["ZZ", "XX"])) == 2


class EvenScheme:
    def settings(self, n_cells):
        return ("X" * n_cells, "Z" * n_cells)


def test_a_scheme_brings_its_own_settings():
    assert [c.name for c in tomography_circuits(3, None, EvenScheme())] == ["XXX", "ZZZ"]
    assert len(tomography_circuits(12, None, EvenScheme())) == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0,), "'n_cells' must be a whole number >= 1 and <= 10000, not 0."),
        ((9,), "'n_cells' must be a whole number >= 1 and <= 8, not 9."),
        ((2, "h"), "'prepare' must be a QuantumCircuit or None, not 'h'."),
        ((2, QuantumCircuit(1)), "'prepare' must have a qubit for each of the 2 cells, not 1."),
        (
            (2, measurement_circuit("ZZ")),
            "'prepare' must not have a classical register 'meas': leave out its final measurement.",
        ),
        ((2, None, ["XI"]), "'scheme' must be Pauli labels of 2 letters X, Y, Z, not 'XI'."),
        ((2, None, ["XXX"]), "'scheme' must be Pauli labels of 2 letters X, Y, Z, not 'XXX'."),
        ((2, None, "XX"), "'scheme' must be a scheme or a list of Pauli labels, not 'XX'."),
        ((2, None, []), "'scheme' must be a scheme or a list of Pauli labels, not []."),
        ((2, None, 5), "'scheme' must be a scheme or a list of Pauli labels, not 5."),
        ((2, None, ["XX", "XX"]), "'scheme' must name 'XX' once, not 2 times."),
    ],
)
def test_wrong_tomography_gets_one_sentence(arguments, sentence):
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        tomography_circuits(*arguments)


def test_calibration_circuits_show_the_assignment_matrices():
    """Aer reads through known errors; each of the 2 x 3 rates is within 4 standard deviations."""
    noise = NoiseModel()
    for cell, matrix in enumerate(UNEQUAL.assignment):
        noise.add_readout_error(ReadoutError(matrix.T.tolist()), [cell])
    options = {"backend_options": {"noise_model": noise}}
    for prepared in (None, ["001", "010", "100", "111"]):
        circuits = readout_calibration_circuits(3, prepared)
        strings = prepared or ["000", "111"]
        assert [c.metadata for c in circuits] == [{"prepared": bits} for bits in strings]
        result = SamplerV2(options=options, seed=9).run(circuits, shots=20000).result()
        readout = readout_from_primitive_result(result)
        shots = readout.calibration_shots
        ones = np.array([[bits[2 - cell] == "1" for bits in strings] for cell in range(3)])
        np.testing.assert_array_equal(shots[:, 1], 20000 * ones.sum(axis=1))
        rates = UNEQUAL.assignment[:, 1]
        sigma = np.sqrt(rates * (1 - rates) / shots)
        assert np.all(np.abs(readout.assignment[:, 1] - rates) < 4 * sigma)


@pytest.mark.parametrize(
    ("prepared", "sentence"),
    [
        (["02"], "'prepared' must be bit strings of 2 digits 0 and 1, not '02'."),
        (["0"], "'prepared' must be bit strings of 2 digits 0 and 1, not '0'."),
        ("00", "'prepared' must be a list of bit strings, not '00'."),
        ([], "'prepared' must be a list of bit strings, not []."),
        (["01", "01"], "'prepared' must name '01' once, not 2 times."),
    ],
)
def test_wrong_prepared_strings_get_one_sentence(prepared, sentence):
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        readout_calibration_circuits(2, prepared)


def test_openqasm_says_the_same_circuit():
    for circuit in [
        *tomography_circuits(3, ghz(), ["XYZ", "YZX"]),
        *readout_calibration_circuits(2),
    ]:
        text = to_openqasm3(circuit)
        assert text.startswith("OPENQASM 3.0;")
        again = qasm3.loads(text)
        assert [r.name for r in again.cregs] == [r.name for r in circuit.cregs]
        measured = [
            [(c.find_bit(i.qubits[0]).index, c.find_bit(i.clbits[0]).index) for i in c.data[-2:]]
            for c in (circuit, again)
        ]
        assert measured[0] == measured[1]
        assert Operator(unitary_part(circuit)).equiv(Operator(unitary_part(again)))


def unitary_part(circuit):
    gates = circuit.copy_empty_like()
    for instruction in circuit.data:
        if instruction.operation.name not in ("measure", "barrier"):
            gates.append(instruction)
    return gates


def test_saved_circuits_have_the_names_of_their_settings(tmp_path):
    folder = tmp_path / "new" / "circuits"
    circuits = tomography_circuits(2)
    files = save_openqasm3(circuits, folder)
    assert [file.name for file in files] == [f"{label}.qasm" for label in pauli_settings(2)]
    assert sorted(folder.iterdir()) == sorted(files)  # no temporary file is left
    for file, circuit in zip(files, circuits, strict=True):
        assert file.read_text() == to_openqasm3(circuit)


def test_circuits_are_not_saved_over_anything(tmp_path):
    (tmp_path / "ZZ.qasm").write_text("old")
    with pytest.raises(InputError, match=r"ZZ\.qasm' exists already and is not overwritten\.$"):
        save_openqasm3(tomography_circuits(2), tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["ZZ.qasm"]
    assert (tmp_path / "ZZ.qasm").read_text() == "old"


def test_wrong_circuits_are_not_saved(tmp_path):
    folder = tmp_path / "new"
    for name in ("../ZZ", "", "a.b", "a" * 201):
        with pytest.raises(InputError, match="'name' must be letters, digits, '_' and '-' for"):
            save_openqasm3([QuantumCircuit(1, name=name)], folder)
    twice = [QuantumCircuit(1, name="zz"), QuantumCircuit(1, name="ZZ")]
    with pytest.raises(InputError, match="must have different names, but 'zz' stands twice"):
        save_openqasm3(twice, folder)
    with pytest.raises(InputError, match="'circuit' must be a QuantumCircuit, not 5"):
        save_openqasm3([5], folder)
    assert not folder.exists()
    folder.write_text("a file")
    with pytest.raises(InputError, match=r"new' cannot be made: File exists\.$"):
        save_openqasm3(twice[:1], folder)
    with pytest.raises(InputError, match=r"cannot be made: embedded null byte\.$"):
        save_openqasm3(twice[:1], "a\0b")


def test_what_openqasm_cannot_say_is_refused():
    started = QuantumCircuit(1, name="started")
    started.append(SetDensityMatrix(np.eye(2) / 2), [0])
    with pytest.raises(
        InputError, match="circuit 'started' cannot be written as OpenQASM 3: "
    ) as e:
        to_openqasm3(started)
    assert "\n" not in str(e.value)


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
    expected = shots * readout.apply(outcome_probabilities(rho))
    statistic = np.sum((counts.table - expected) ** 2 / expected, axis=1)
    freedom = 2**n_cells - 1
    assert chi2.sf(statistic, freedom).min() > 1e-3 / len(statistic)
    assert 1e-3 < chi2.sf(statistic.sum(), freedom * len(statistic)) < 1 - 1e-3
    mirrored = ReadoutModel(readout.assignment[::-1])  # the test sees an order of cells
    wrong = shots * mirrored.apply(outcome_probabilities(rho))
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
        ({"settings": ["XX"]}, "'settings' must be Pauli labels of 1 letter X, Y, Z, not 'XX'."),
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
