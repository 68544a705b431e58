"""The chip as a simulator: counts with the right probabilities, by every way in."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from chips import chip, perfect
from qiskit import QuantumCircuit, transpile
from qiskit.primitives import BackendSamplerV2
from qiskit.providers import BackendV2
from scipy.stats import chi2

import qbat_circuits as qb
from qbat_circuits.analysis.linear_inversion import outcome_probabilities
from qbat_circuits.circuits.chip_target import chip_target
from qbat_circuits.circuits.compiled_collision import CompiledCollision, compile_collision
from qbat_circuits.circuits.noisy_program import NoisyProgram, density_matrix
from qbat_circuits.circuits.tomography import measurement_circuit
from qbat_circuits.errors import InputError
from qbat_circuits.gate_noise import ChipNoise
from qbat_circuits.placement import Placement
from qbat_circuits.readout_model import pauli_settings
from qbat_circuits.sampling.emulator import (
    charging_circuit,
    chip_emulator,
    emulate_collisions,
    emulated_state,
)

#: Readout errors that differ, so that mixing up cells or the two errors is seen.
PLACE = Placement(11, (12, 10))


def collision(ancilla: str = "measured") -> CompiledCollision:
    noise = ChipNoise(qb.load_calibration("brisbane"), residual_population=0.005)
    return compile_collision(noise, PLACE, 1.0, 0.8, ancilla)


def exact(made: CompiledCollision, k: int, label: str) -> np.ndarray:
    """Outcome probabilities of a setting, by the noisy program of charge, rotation and readout."""
    tail = QuantumCircuit(3, 2)
    tail.compose(measurement_circuit(label), [0, 1], [0, 1], inplace=True)
    tail = transpile(
        tail,
        target=chip_target(made.noise, PLACE.qubits),
        initial_layout=[0, 1, 2],
        optimization_level=1,
        scheduling_method="alap",
    )
    tail.data = [one for one in tail.data if one.operation.name != "measure"]
    *_, tensor = made.tensors(k)
    program = NoisyProgram.of(tail, made.noise, PLACE.qubits)
    readout = np.kron(*made.readout().matrices[::-1])
    return readout @ np.diag(density_matrix(program.apply(tensor)[0])).real


def p_value(table: np.ndarray, probabilities: np.ndarray) -> float:
    """Chi-square of counts, over all settings."""
    expected = table.sum(axis=1, keepdims=True) * probabilities
    return chi2.sf(np.sum((table - expected) ** 2 / expected), 3 * len(table))


# --- counts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ancilla", ["measured", "random-x"])
def test_counts_have_the_chips_probabilities(ancilla: str) -> None:
    made = collision(ancilla)
    counts = emulate_collisions(made, 3, 20000, seed=3)
    assert counts.settings == pauli_settings(2)
    assert set(counts.shots.tolist()) == {20000}
    wanted = np.array([exact(made, 3, label) for label in counts.settings])
    assert 1e-3 < p_value(counts.table, wanted) < 1 - 1e-3
    # Neither the perfect circuit nor a perfect readout nor exchanged cells would do.
    ideal = outcome_probabilities(qb.collision_states(2, 1.0, 0.8, 3)[-1])
    swapped = wanted[:, [0, 2, 1, 3]][[pauli_settings(2).index(s[::-1]) for s in counts.settings]]
    unread = outcome_probabilities(emulated_state(made, 3))
    for wrong in (ideal, swapped, unread):
        assert p_value(counts.table, wrong) < 1e-6


def test_the_same_seed_gives_the_same_counts() -> None:
    made, some = collision(), ["XX", "ZZ"]
    first, again, other = (emulate_collisions(made, 2, 500, s, some) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.table, again.table)
    assert np.any(first.table != other.table)
    assert first.settings == ("XX", "ZZ")
    assert (first.seed, first.origin) == (1, "emulated")


def test_counts_bring_the_readout_of_their_cells() -> None:
    made = collision()
    counts = emulate_collisions(made, 1, 10, 1, ["ZZ"])
    assert counts.readout == made.readout()
    figures = made.noise.calibration.qubits[PLACE.cells[1]]
    assert counts.readout.matrices[1][1, 0] == figures.prob_meas1_prep0


def test_estimates_cover_what_the_chip_delivers() -> None:
    """W of the noisy state; the rotations' own gate errors are small beside the interval."""
    made = collision()
    *_, state = made.states(4)
    true = qb.ergotropy(state)
    assert true > 0.08
    ends = [
        (one.low, one.high)
        for seed in range(10)
        for one in [qb.estimate_ergotropy(emulate_collisions(made, 4, 2000, seed), seed=seed)]
    ]
    assert sum(low < true < high for low, high in ends) >= 8
    assert max(high - low for low, high in ends) < 0.1


def test_aers_state_is_ours() -> None:
    made = collision("random-x")
    *_, ours = made.states(4)
    np.testing.assert_allclose(emulated_state(made, 4), ours, atol=1e-9)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"collisions": 0}, "'collisions' must be a whole number >= 1, not 0."),
        ({"seed": -1}, "'seed' must be a whole number >= 0, not -1."),
        ({"shots": 0}, "'shots' must be a whole number >= 1 and <= "),
        ({"settings": ["XXX"]}, "'settings"),
    ],
)
def test_wrong_arguments_get_one_sentence(changes: dict, sentence: str) -> None:
    good = {"collisions": 1, "shots": 10, "seed": 1}
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}"):
        emulate_collisions(collision(), **{**good, **changes})


# --- a backend ------------------------------------------------------------------------------------


def bell() -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def close(found: dict[str, int], wanted: dict[str, float]) -> bool:
    """Frequencies within five standard deviations."""
    shots = sum(found.values())
    return all(
        abs(found.get(key, 0) - shots * p) <= 5 * np.sqrt(shots * p * (1 - p)) + 1e-9
        for key, p in wanted.items()
    )


def test_the_emulator_is_a_backend_for_ordinary_circuits() -> None:
    """A Bell state: the readout of 5 % moves 2 x .05 x .95 from each right outcome's half."""
    noise = perfect(chip([(0, 1), (1, 2)], readout_error=0.05))
    backend = chip_emulator(noise, seed=2)
    assert isinstance(backend, BackendV2)
    assert backend.num_qubits == 3
    assert backend.coupling_map.get_edges()
    circuit = transpile(bell(), backend, scheduling_method="alap", optimization_level=1)
    assert set(circuit.count_ops()) <= {"rz", "sx", "x", "cz", "delay", "measure", "barrier"}
    right, wrong = (0.95**2 + 0.05**2) / 2, 0.05 * 0.95
    wanted = {"00": right, "11": right, "01": wrong, "10": wrong}
    found = backend.run(circuit, shots=20000).result().get_counts()
    assert close(found, wanted)
    (result,) = BackendSamplerV2(backend=backend).run([circuit], shots=20000).result()
    assert close(result.data.meas.get_counts(), wanted)
    assert not close(found, {**wanted, "00": 0.5})


def test_a_seed_fixes_the_emulators_counts() -> None:
    noise = ChipNoise(chip([(0, 1)]))
    runs = []
    for seed in (1, 1, 2):
        backend = chip_emulator(noise, seed=seed)
        runs.append(backend.run(transpile(bell(), backend), shots=2000).result().get_counts())
    assert runs[0] == runs[1] != runs[2]


def test_only_chosen_qubits_with_their_own_figures() -> None:
    """Qubit 2 of the chip becomes qubit 0: its excitation decays with its own T1."""
    calibration = chip([(0, 1), (1, 2)], one_qubit_error=0.0, readout_error=0.0)
    figures = (*calibration.qubits[:2], replace(calibration.qubits[2], t1_s=100e-6, t2_s=90e-6))
    noise = ChipNoise(replace(calibration, qubits=figures))
    for qubits, t1_s in (([2, 1], 100e-6), ([1, 2], 200e-6), (None, 200e-6)):
        backend = chip_emulator(noise, qubits, seed=4)
        circuit = QuantumCircuit(1, 1)
        circuit.x(0)
        circuit.delay(70e-6, 0, unit="s")
        circuit.measure(0, 0)
        made = transpile(circuit, backend, initial_layout=[0], scheduling_method="alap")
        p = np.exp(-(70e-6 + 35e-9) / t1_s)
        found = backend.run(made, shots=20000).result().get_counts()
        assert close(found, {"1": p, "0": 1 - p})


@pytest.mark.parametrize(("n_qubits", "method"), [(12, "density_matrix"), (13, "statevector")])
def test_larger_circuits_run_as_trajectories(n_qubits: int, method: str) -> None:
    """Excited qubits that wait, and then read 1 with exp(-t/T1)."""
    noise = ChipNoise(chip([(q, q + 1) for q in range(n_qubits - 1)], readout_error=0.0))
    if n_qubits == 13:
        assert_decays(chip_emulator(noise, seed=3), method)
    assert chip_emulator(noise).options.method == method


def test_a_whole_chip_runs_as_matrix_product_states() -> None:
    noise = ChipNoise(chip([(q, q + 1) for q in range(29)], readout_error=0.0))
    assert_decays(chip_emulator(noise, seed=3), "matrix_product_state")


def assert_decays(backend, method: str) -> None:
    assert backend.options.method == method
    circuit = QuantumCircuit(13)
    circuit.x(range(13))
    circuit.delay(60e-6, range(13), unit="s")
    circuit.measure_all()
    shots = 300
    layout = list(range(13))
    made = transpile(circuit, backend, initial_layout=layout, scheduling_method="alap")
    found = backend.run(made, shots=shots).result().get_counts()
    ones = sum(outcome.count("1") * number for outcome, number in found.items())
    p, tries = np.exp(-60e-6 / 200e-6), 13 * shots
    assert abs(ones - tries * p) < 5 * np.sqrt(tries * p * (1 - p)) + 1e-3 * tries


@pytest.mark.parametrize("qubits", [[0, 0], [0, 5], []])
def test_qubits_that_do_not_exist(qubits: list[int]) -> None:
    with pytest.raises(InputError):
        chip_emulator(ChipNoise(chip([(0, 1)])), qubits)


def test_the_circuit_for_aer_is_the_chips_own() -> None:
    made = collision()
    circuit = charging_circuit(made, 3)
    assert circuit.count_ops()["ecr"] == 3 * made.two_qubit_gates
    assert circuit.count_ops()["reset"] == 2
