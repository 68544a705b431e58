"""Channels of a chip's operations against master equations, reported errors and Qiskit Aer."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from chips import chip
from qiskit.quantum_info import PTM, Choi, SuperOp, average_gate_fidelity
from qiskit_aer.noise import NoiseModel, thermal_relaxation_error
from scipy.linalg import expm

import qbat_circuits as qb
from qbat_circuits.errors import InputError
from qbat_circuits.gate_calibration import GateCalibration
from qbat_circuits.gate_noise import ChipNoise, depolarising, missing_depolarisation, relaxation

CHIPS = ("brisbane", "fez", "sherbrooke")
NOISES = {name: ChipNoise(qb.load_calibration(name)) for name in CHIPS}


def noisy_gates(noise: ChipNoise, *numbers_of_qubits: int) -> Iterator[GateCalibration]:
    """Gates with an error and a channel."""
    for gate in noise.calibration.gates:
        if gate.usable and gate.error and len(gate.qubits) in numbers_of_qubits:
            yield gate


def relaxed_alone(noise: ChipNoise, gate: GateCalibration) -> np.ndarray:
    """What the qubits of a gate would do for its duration without it."""
    alone = np.eye(1)
    for qubit in gate.qubits:
        waiting = noise.waiting(qubit, noise.duration_s(gate.name, gate.qubits))
        alone = np.kron(waiting, alone)
    return alone


def is_channel(matrix: np.ndarray) -> bool:
    """Trace kept, and a positive Choi matrix."""
    first = np.eye(len(matrix))[0]
    positive = np.linalg.eigvalsh(Choi(PTM(matrix)).data).min() > -1e-12
    return bool(positive and np.allclose(matrix[0], first, atol=1e-14))


# --- waiting --------------------------------------------------------------------------------------


def lindblad(seconds: float, t1_s: float, t2_s: float, population: float) -> np.ndarray:
    """exp(L t) of decay (1-p)/T1, excitation p/T1 and dephasing 1/T2 - 1/(2 T1), as a PTM."""
    lower, number, one = np.array([[0, 1], [0, 0]]), np.diag([0, 1]), np.eye(2)
    rates = ((1 - population) / t1_s, lower), (population / t1_s, lower.T)
    dephasing = 2 * max(0.0, 1 / t2_s - 1 / (2 * t1_s))
    generator = np.zeros((4, 4))
    for rate, jump in (*rates, (dephasing, number)):
        square = jump.T @ jump
        gain, loss = np.kron(jump, jump), np.kron(one, square) + np.kron(square, one)
        generator += rate * (gain - loss / 2)
    return PTM(SuperOp(expm(seconds * generator))).data.real


@pytest.mark.parametrize("population", [0.0, 0.03, 0.4])
@pytest.mark.parametrize("t2_s", [40e-6, 150e-6, 200e-6, 300e-6])
@pytest.mark.parametrize("seconds", [0.0, 3e-7, 8e-5])
def test_waiting_is_the_master_equation(seconds: float, t2_s: float, population: float) -> None:
    """T2 = 300 us beyond 2 T1 = 200 us counts as 200 us."""
    found = relaxation(seconds, 100e-6, t2_s, population)
    wanted = lindblad(seconds, 100e-6, t2_s, population)
    np.testing.assert_allclose(found, wanted, atol=1e-14)
    assert is_channel(found)


@pytest.mark.parametrize("t2_s", [40e-6, 150e-6, 200e-6])
def test_waiting_is_aers_relaxation(t2_s: float) -> None:
    theirs = thermal_relaxation_error(100e-6, t2_s, 30e-6, excited_state_population=0.03)
    ours = relaxation(30e-6, 100e-6, t2_s, 0.03)
    np.testing.assert_allclose(PTM(SuperOp(theirs)).data, ours, atol=1e-9)


def test_a_qubit_rests_where_its_chip_says() -> None:
    calibration = chip([(0, 1)])
    warm = replace(calibration.qubits[1], residual_population=0.02)
    noise = ChipNoise(replace(calibration, qubits=(calibration.qubits[0], warm)))
    assert [noise.population(q) for q in (0, 1)] == [0.0, 0.02]
    rest = noise.waiting(1, 1.0) @ [1, 0, 0, -1]
    np.testing.assert_allclose(rest, [1, 0, 0, 1 - 2 * 0.02], atol=1e-12)
    chosen = replace(noise, residual_population=0.1)
    assert [chosen.population(q) for q in (0, 1)] == [0.1, 0.1]


# --- gates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHIPS)
def test_gates_err_as_much_as_reported(name: str) -> None:
    """Exactly where relaxation alone errs less, and by relaxation alone elsewhere."""
    noise = NOISES[name]
    chosen = [g for g in noisy_gates(noise, 1) if g.name == "sx"] + list(noisy_gates(noise, 2))
    assert len(chosen) > 250
    for gate in chosen:
        channel = noise.after_gate(gate.name, gate.qubits)
        alone = relaxed_alone(noise, gate)
        relaxed = 1 - average_gate_fidelity(PTM(alone))
        found = 1 - average_gate_fidelity(PTM(channel))
        assert found == pytest.approx(max(gate.error, relaxed), abs=1e-12)
        if relaxed > gate.error:
            np.testing.assert_allclose(channel, alone, atol=1e-15)


@pytest.mark.parametrize("name", CHIPS)
def test_every_operation_is_a_channel(name: str) -> None:
    noise = NOISES[name]
    for gate in noisy_gates(noise, 1, 2):
        assert is_channel(noise.after_gate(gate.name, gate.qubits)), gate.label
    for qubit in range(len(noise.calibration.qubits)):
        assert is_channel(noise.reset(qubit))
        assert is_channel(noise.dropped_measurement(qubit))


@pytest.mark.parametrize("error", [0.0, 0.01, 0.3, 0.499, 0.6, 0.99])
def test_a_gate_is_at_most_fully_depolarising(error: float) -> None:
    """What nothing reaches (1/2 for one qubit) is no reason for a map that is not positive."""
    x = missing_depolarisation(error, np.eye(4))
    assert x == pytest.approx(min(2 * error, 1.0))
    assert is_channel(depolarising(x, 1))


def test_relaxation_that_exceeds_the_error_is_all_there_is() -> None:
    relaxed = relaxation(1e-6, 50e-6, 50e-6)
    assert missing_depolarisation(0.99 * (1 - average_gate_fidelity(PTM(relaxed))), relaxed) == 0


def test_gates_are_those_of_aers_noise_model() -> None:
    """`NoiseModel.from_backend` of the snapshot behind the bundled file, gate by gate.

    Aer depolarises first and relaxes then; in that order our two channels are its own. Gates of
    error 1 are left out: they are not calibrated, and Aer takes the error for one.
    """
    from qiskit_ibm_runtime.fake_provider import FakeBrisbane

    theirs = NoiseModel.from_backend(FakeBrisbane())._local_quantum_errors
    noise = NOISES["brisbane"]
    chosen = [g for g in noisy_gates(noise, 1, 2) if g.name in ("sx", "ecr")]
    assert len(chosen) == 127 + 143
    for gate in chosen:
        alone = relaxed_alone(noise, gate)
        mixing = depolarising(missing_depolarisation(gate.error, alone), len(gate.qubits))
        found = PTM(SuperOp(theirs[gate.name][gate.qubits])).data.real
        np.testing.assert_allclose(alone @ mixing, found, atol=1e-12)
        ours = noise.after_gate(gate.name, gate.qubits)
        np.testing.assert_allclose(ours, mixing @ alone, atol=1e-15)
        assert np.trace(ours) == pytest.approx(np.trace(found), abs=1e-12)


# --- reset and measurement ------------------------------------------------------------------------


def test_a_reset_leaves_its_error() -> None:
    noise = ChipNoise(chip([(0, 1)], readout_error=0.03))
    for start in (1, -1):
        after = noise.reset(0) @ [1, 0.1, 0.2, start]
        np.testing.assert_allclose(after, [1, 0, 0, 1 - 2 * 0.03], atol=1e-15)
    assert replace(noise, reset_error=0.2).reset(0)[3, 0] == pytest.approx(0.6)
    two = replace(noise.calibration.qubits[0], prob_meas1_prep0=0.01, prob_meas0_prep1=0.04)
    uneven = ChipNoise(replace(noise.calibration, qubits=(two, noise.calibration.qubits[1])))
    assert uneven.error_of_reset(0) == pytest.approx(0.025)


def test_a_dropped_measurement_dephases_and_takes_its_time() -> None:
    noise = ChipNoise(chip([(0, 1)], readout_s=2e-6), residual_population=0.05)
    keep = math.exp(-2e-6 / 200e-6)
    after = noise.dropped_measurement(0) @ [1, 0.3, -0.4, -0.8]
    np.testing.assert_allclose(after, [1, 0, 0, 0.9 + (-0.8 - 0.9) * keep], atol=1e-14)


# --- missing figures ------------------------------------------------------------------------------


def test_assumed_durations_only_fill_gaps() -> None:
    calibration = chip([(0, 1)])
    gates = tuple(g for g in calibration.gates if g.label != "reset[1]")
    untimed = replace(calibration.qubits[1], readout_length_s=None)
    gaps = replace(calibration, gates=gates, qubits=(calibration.qubits[0], untimed))
    noise = ChipNoise(gaps, assumed_durations_s={"reset": 9e-6, "measure": 8e-6, "sx": 1.0})
    assert [noise.duration_s("reset", (q,)) for q in (0, 1)] == [3e-6, 9e-6]
    assert [noise.duration_s("measure", (q,)) for q in (0, 1)] == [1e-6, 8e-6]
    assert noise.duration_s("sx", (0,)) == 35e-9
    assert noise.duration_s("rz", (0,)) == 0
    assert "'reset' takes 9e-06 s where the calibration has no duration." in noise.assumptions
    bare = ChipNoise(gaps)
    for name in ("reset", "measure"):
        sentence = (
            f"The calibration 'test' has no duration of '{name}' on qubit 1: assume one with "
            f"'assumed_durations_s' ('{name}')."
        )
        with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
            bare.duration_s(name, (1,))


def without(**figures: None) -> ChipNoise:
    calibration = chip([(0, 1), (1, 2)])
    first, *rest = calibration.qubits
    return ChipNoise(replace(calibration, qubits=(replace(first, **figures), *rest)))


def with_error(error: float | None) -> ChipNoise:
    calibration = chip([(0, 1), (1, 2)])
    gates = (replace(g, error=error) if g.name == "cz" else g for g in calibration.gates)
    return ChipNoise(replace(calibration, gates=tuple(gates)))


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: ChipNoise(3), "'calibration' must be a Calibration, not 3."),
        (
            lambda: ChipNoise(qb.load_calibration("waveguide4")),
            "The calibration 'waveguide4' has no gates, so no circuit can run on this chip.",
        ),
        (
            lambda: ChipNoise(chip([(0, 1)]), residual_population=0.5),
            "'residual_population' must be a finite number >= 0 and < 0.5, not 0.5.",
        ),
        (
            lambda: ChipNoise(chip([(0, 1)]), reset_error=-0.1),
            "'reset_error' must be a finite number >= 0 and <= 1, not -0.1.",
        ),
        (
            lambda: ChipNoise(chip([(0, 1)]), assumed_durations_s={"reset": -1}),
            "'assumed_durations_s.reset' must be a finite number >= 0, not -1.",
        ),
        (
            lambda: ChipNoise(chip([(0, 1)]), assumed_durations_s={"rest": 2e-6}),
            "'assumed_durations_s' must be one of 'cz', 'measure', 'reset', 'rz', 'sx', 'x', not "
            "'rest' (did you mean 'reset'?).",
        ),
        (
            lambda: without(t1_s=None).waiting(0, 1e-6),
            "The calibration 'test' has no T1 and T2 of qubit 0.",
        ),
        (
            lambda: without(t2_s=None).after_gate("sx", (0,)),
            "The calibration 'test' has no T1 and T2 of qubit 0.",
        ),
        (
            lambda: without(prob_meas1_prep0=None).reset(0),
            "The calibration 'test' has no readout errors of qubit 0: give 'reset_error'.",
        ),
        (
            lambda: without().after_gate("cz", (0, 2)),
            "The chip 'test' has no gate 'cz' on qubits 0 and 2.",
        ),
        (
            lambda: with_error(1.0).after_gate("cz", (1, 2)),
            "The chip 'test' has not calibrated 'cz' on qubits 1 and 2.",
        ),
        (
            lambda: with_error(None).after_gate("cz", (0, 1)),
            "The calibration 'test' has no error of 'cz' on qubits 0 and 1.",
        ),
    ],
)
def test_what_is_missing_gets_one_sentence(ask, sentence: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        ask()


def test_what_is_assumed_is_said() -> None:
    assert ChipNoise(chip([(0, 1)])).assumptions == (
        "Errors of gates are depolarising beyond what relaxation during them explains.",
        "A reset leaves |1> with the probability (P(1|0) + P(0|1))/2.",
        "Qubits relax to |0>: the calibration has no residual populations.",
    )
    told = ChipNoise(chip([(0, 1)]), residual_population=0.02, reset_error=0.0).assumptions
    assert told[1:] == ("Qubits at rest are excited with probability 0.02.",)
