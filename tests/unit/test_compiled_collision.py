"""Collisions in a chip's gates: exact on perfect ones, Aer's density matrix on noisy ones."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from chips import chip, perfect
from qiskit import QuantumCircuit
from qiskit.circuit.library import CXGate, ECRGate, RXGate, SXGate
from qiskit.quantum_info import PTM, DensityMatrix, Pauli, SuperOp, random_density_matrix

import qbat_circuits as qb
from qbat_circuits.circuits.chip_target import chip_target
from qbat_circuits.circuits.compiled_collision import compile_collision
from qbat_circuits.circuits.noisy_program import (
    NoisyProgram,
    density_matrix,
    mixed,
    pauli_tensor,
    transfer_matrix,
)
from qbat_circuits.errors import InputError
from qbat_circuits.gate_noise import ChipNoise, depolarising
from qbat_circuits.placement import Placement
from qbat_circuits.sampling.emulator import charging_circuit, chip_emulator

BRISBANE = qb.load_calibration("brisbane")
FEZ = qb.load_calibration("fez")
#: brisbane: 4 is coupled to 3, 5 and 15; fez: 3 to 2, 4 and 16.
STAR, HOP, TWO_HOPS = (
    Placement(4, (3, 5)),
    Placement(4, (3, 5, 6), (1,)),
    Placement(4, (5, 6, 7, 8), (0, 1, 2)),
)
ANCILLAS = ("measured", "random-x")


def compiled_on(noise: ChipNoise, place: Placement, **changes):
    return compile_collision(noise, place, **{"occupation": 1.0, "theta": 0.7, **changes})


# --- perfect gates --------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("ancilla", ANCILLAS)
@pytest.mark.parametrize("place", [STAR, HOP, TWO_HOPS], ids=["star", "hop", "chain"])
def test_perfect_gates_do_the_collision(place: Placement, ancilla: str, level: int) -> None:
    made = compiled_on(perfect(BRISBANE), place, ancilla=ancilla, level=level, occupation=0.6)
    wanted = qb.collision_states(made.n_cells, 0.6, 0.7, 3)[1:]
    np.testing.assert_allclose(list(made.states(3)), wanted, atol=1e-10)
    assert made.two_qubit_gates == place.two_qubit_gates


@pytest.mark.parametrize("place", [Placement(3, (2, 4, 16)), Placement(3, (4, 5), (0,))])
def test_a_chip_with_another_gate_does_the_same(place: Placement) -> None:
    made = compiled_on(perfect(FEZ), place)
    wanted = qb.collision_states(made.n_cells, 1.0, 0.7, 3)[1:]
    np.testing.assert_allclose(list(made.states(3)), wanted, atol=1e-10)
    assert made.sweep.count_ops()["cz"] == place.two_qubit_gates


# --- noisy gates ----------------------------------------------------------------------------------


@pytest.mark.parametrize("ancilla", ANCILLAS)
@pytest.mark.parametrize("place", [STAR, HOP], ids=["star", "hop"])
@pytest.mark.parametrize("population", [None, 0.03])
def test_noisy_states_are_aers(place: Placement, ancilla: str, population: float | None) -> None:
    """By density matrices of the circuit, with Aer's noise model of the same chip."""
    noise = ChipNoise(BRISBANE, residual_population=population)
    made = compiled_on(noise, place, ancilla=ancilla)
    emulator = chip_emulator(noise, place.qubits)
    for number, state in enumerate(made.states(3), 1):
        assert np.trace(state) == pytest.approx(1, abs=1e-12)
        assert np.linalg.eigvalsh(state).min() > -1e-12
        np.testing.assert_allclose(state, state.conj().T, atol=1e-14)
        circuit = charging_circuit(made, number)
        circuit.save_density_matrix(list(range(made.n_cells)))
        data = emulator.run(circuit, method="density_matrix").result().data()
        np.testing.assert_allclose(state, np.asarray(data["density_matrix"]), atol=1e-9)
    assert abs(state - qb.collision_states(made.n_cells, 1.0, 0.7, 3)[-1]).max() > 0.01


def test_cells_start_at_rest_and_the_ancilla_comes_back_reset() -> None:
    """A tiny angle leaves the cells alone: only the populations at rest are there."""
    noise = replace(perfect(BRISBANE), residual_population=0.04, reset_error=0.1)
    *_, tensor = compiled_on(noise, STAR, theta=1e-6, occupation=0.0).tensors(2)
    found = np.diag(density_matrix(tensor)).real
    wanted = 1.0
    for p in (0.1, 0.04, 0.04):
        wanted = np.kron(wanted, [1 - p, p])
    np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_readout_is_that_of_the_cells() -> None:
    model = compiled_on(ChipNoise(BRISBANE), STAR).readout()
    for matrix, qubit in zip(model.matrices, STAR.cells, strict=True):
        figures = BRISBANE.qubits[qubit]
        assert matrix[1, 0] == figures.prob_meas1_prep0
        assert matrix[0, 1] == figures.prob_meas0_prep1


# --- durations ------------------------------------------------------------------------------------


def seconds_of(circuit: QuantumCircuit, target, qubit: int) -> float:
    """Gates, measurements, resets and delays of one qubit."""
    total = 0.0
    for one in circuit.data:
        own = tuple(circuit.find_bit(q).index for q in one.qubits)
        if qubit not in own or one.operation.name == "barrier":
            continue
        if one.operation.name == "delay":
            total += one.operation.duration * target.dt
        else:
            total += target[one.operation.name][own].duration
    return total


@pytest.mark.parametrize("place", [STAR, HOP], ids=["star", "hop"])
@pytest.mark.parametrize("ancilla", ANCILLAS)
def test_no_qubit_ever_waits_unseen(place: Placement, ancilla: str) -> None:
    """Every qubit is busy or delayed for as long as each part takes."""
    noise = ChipNoise(BRISBANE)
    made, target = compiled_on(noise, place, ancilla=ancilla), chip_target(noise, place.qubits)
    long = []
    for part in (made.prepare, made.sweep, made.refresh):
        spent = [seconds_of(part, target, q) for q in range(made.n_cells + 1)]
        assert spent == pytest.approx([spent[0]] * len(spent), abs=1e-15)
        long.append(spent[0])
    for k in (1, 4):
        wanted = k * (long[0] + long[1]) + (k - 1) * long[2]
        assert made.duration_s(k) == pytest.approx(wanted, abs=1e-15)
    assert long[2] == pytest.approx(noise.duration_s("reset", (place.ancilla,)))


def test_a_measured_ancilla_takes_longer_by_its_readout() -> None:
    noise = ChipNoise(BRISBANE)
    measured, random = (compiled_on(noise, STAR, ancilla=kind) for kind in ANCILLAS)
    difference = measured.duration_s(3) - random.duration_s(3)
    readout = noise.duration_s("measure", (STAR.ancilla,))
    assert difference == pytest.approx(3 * readout, abs=3 * 130e-9)  # their one-qubit gates differ
    slower = replace(
        BRISBANE, qubits=tuple(replace(q, readout_length_s=5e-6) for q in BRISBANE.qubits)
    )
    again = compiled_on(ChipNoise(slower), STAR)
    wanted = 3 * (5e-6 - readout)
    assert again.duration_s(3) - measured.duration_s(3) == pytest.approx(wanted, abs=1e-12)


# --- programs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_qubits", [1, 2, 3])
def test_pauli_tensors_are_states(n_qubits: int) -> None:
    state = random_density_matrix(2**n_qubits, seed=n_qubits).data
    tensor = pauli_tensor(state)
    assert tensor.shape == (4,) * n_qubits
    assert tensor[(0,) * n_qubits] == pytest.approx(1)
    np.testing.assert_allclose(density_matrix(tensor), state, atol=1e-14)
    label = "XYZ"[:n_qubits]
    wanted = DensityMatrix(state).expectation_value(Pauli(label))
    assert tensor[tuple("IXYZ".index(letter) for letter in label)] == pytest.approx(wanted.real)


@pytest.mark.parametrize("gate", [SXGate(), RXGate(0.3), CXGate(), ECRGate()])
def test_transfer_matrices_are_qiskits(gate) -> None:
    np.testing.assert_allclose(
        transfer_matrix(gate.to_matrix()), PTM(SuperOp(gate)).data.real, atol=1e-14
    )


def test_a_program_is_its_circuit() -> None:
    """Merged steps on three qubits in any order, against Qiskit's density matrix."""
    circuit = QuantumCircuit(3)
    circuit.sx(0)
    circuit.rz(0.4, 0)
    circuit.cz(2, 0)
    circuit.sx(2)
    circuit.sx(1)
    circuit.cz(0, 1)
    circuit.rz(1.1, 1)
    circuit.sx(1)
    noise = perfect(chip([(0, 1), (2, 0)]))
    program = NoisyProgram.of(circuit, noise, [0, 1, 2])
    assert [qubits for _, qubits in program.steps] == [(2, 0), (0, 1), (1,), (2,)]
    state = random_density_matrix(8, seed=4)
    found = density_matrix(program.apply(pauli_tensor(state.data)))
    np.testing.assert_allclose(found, state.evolve(circuit).data, atol=1e-10)
    twice = density_matrix(program.then(program).apply(pauli_tensor(state.data)))
    np.testing.assert_allclose(twice, state.evolve(circuit).evolve(circuit).data, atol=1e-10)


def test_programs_mix_by_their_weights() -> None:
    one, two = (NoisyProgram(2, ((depolarising(x, 1), (1,)),)) for x in (0.2, 0.6))
    ((matrix, qubits),) = mixed([one, two], [0.75, 0.25]).steps
    assert qubits == (1,)
    np.testing.assert_allclose(matrix, depolarising(0.3, 1), atol=1e-15)


@pytest.mark.parametrize("population", [0.0, 0.05])
def test_random_flips_are_the_mixture_of_both_circuits(population: float) -> None:
    """The template with flip 0 and pi, weighted, is what `preparation` does to the ancilla."""
    noise = ChipNoise(BRISBANE, residual_population=population)
    made = compiled_on(noise, STAR, ancilla="random-x", occupation=0.6)
    (flip,) = made.prepare.parameters
    start = pauli_tensor(random_density_matrix(8, seed=2).data)
    p, found = 0.6 / 2.2, made.preparation.apply(start)
    wanted = sum(
        weight
        * NoisyProgram.of(made.prepare.assign_parameters({flip: x}), noise, STAR.qubits).apply(
            start
        )
        for weight, x in ((1 - p, 0.0), (p, math.pi))
    )
    np.testing.assert_allclose(found, wanted, atol=1e-14)


# --- refusals -------------------------------------------------------------------------------------


def with_gates(change) -> ChipNoise:
    gates = (change(gate) for gate in BRISBANE.gates)
    return ChipNoise(replace(BRISBANE, gates=tuple(g for g in gates if g is not None)))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: compiled_on(ChipNoise(BRISBANE), Placement(4, (3, 6))),
            "'placement' needs a two-qubit gate between qubits 4 and 6, which 'brisbane' does not "
            "have.",
        ),
        (
            lambda: compiled_on(ChipNoise(BRISBANE), STAR, ancilla="purified"),
            "'ancilla' must be one of 'measured', 'random-x', not 'purified'.",
        ),
        (
            lambda: compiled_on(ChipNoise(BRISBANE), STAR, level=0),
            "'level' must be a whole number >= 1 and <= 3, not 0.",
        ),
        (
            lambda: compiled_on(ChipNoise(BRISBANE), STAR, theta=math.pi / math.sqrt(2)),
            "'theta' must not lie within 1% of the trapping angle 2.2214 of 2 cells, where a step "
            "of their ladder is left out, as 2.22144 does.",
        ),
        (
            lambda: compiled_on(with_gates(lambda g: None if g.name == "reset" else g), STAR),
            "The calibration 'brisbane' has no duration of 'reset' on qubit 4: assume one with "
            "'assumed_durations_s' ('reset').",
        ),
        (
            lambda: compiled_on(
                with_gates(lambda g: replace(g, error=1.0) if g.label == "sx[3]" else g), STAR
            ),
            "The chip 'brisbane' lacks calibrated gates that a collision takes on the qubits 3, 5, "
            "4.",
        ),
        (
            lambda: next(compiled_on(ChipNoise(BRISBANE), STAR).states(0)),
            "'collisions' must be a whole number >= 1, not 0.",
        ),
        (
            lambda: NoisyProgram.of(crossed(), ChipNoise(BRISBANE), [0, 1, 2]),
            "The circuit must hold the chip's gates, measurements, resets and delays only "
            "(transpile it), not 'ccx'.",
        ),
    ],
)
def test_what_cannot_be_compiled_gets_one_sentence(make, sentence: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        make()


def crossed() -> QuantumCircuit:
    circuit = QuantumCircuit(3)
    circuit.ccx(0, 1, 2)
    return circuit


def test_a_chip_as_a_target() -> None:
    """Usable gates with their figures, on qubits of their own numbers; nothing without an error."""
    calibration = chip({(0, 1): 0.01, (1, 2): 1.0, (2, 3): 0.02})
    gates = (replace(g, error=None) if g.label == "cz[2, 3]" else g for g in calibration.gates)
    noise = ChipNoise(replace(calibration, gates=tuple(gates)))
    target = chip_target(noise)
    assert set(target.operation_names) == {"cz", "sx", "x", "rz", "measure", "reset", "delay"}
    assert set(target["cz"]) == {(0, 1)}
    assert (target["cz"][0, 1].error, target["cz"][0, 1].duration) == (0.01, 70e-9)
    assert set(target["rz"]) == {(q,) for q in range(4)}
    some = chip_target(noise, [1, 0])
    assert set(some["cz"]) == {(1, 0)}
    assert some["measure"][0,].duration == pytest.approx(1e-6)
    for wrong in ([0, 0], [0, 4]):
        with pytest.raises(InputError, match="must be different qubits from 0 to 3, not"):
            chip_target(noise, wrong)
