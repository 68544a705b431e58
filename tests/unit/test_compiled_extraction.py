"""The extraction behind a collision circuit on a chip: work, noise, and where the cells end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import qbat_circuits as qb
from qbat_circuits.circuits.noisy_program import NoisyProgram
from qbat_circuits.sampling.emulator import charging_circuit, chip_emulator

STAR = qb.Placement(131, (132, 138))
STAR3 = qb.Placement(131, (130, 132, 138))


def chip(perfect: bool = False) -> qb.ChipNoise:
    """fez as it is, or without any error."""
    calibration = qb.load_calibration("fez")
    if not perfect:
        return qb.ChipNoise(calibration)
    qubits = tuple(replace(q, t1_s=1e9, t2_s=1e9) for q in calibration.qubits)
    gates = tuple(replace(g, error=0.0) if g.usable else g for g in calibration.gates)
    return qb.ChipNoise(replace(calibration, qubits=qubits, gates=gates), reset_error=0.0)


@pytest.mark.parametrize(("placement", "theta"), [(STAR, 0.5), (STAR3, 0.3)])
def test_perfect_gates_take_out_the_whole_work(placement: qb.Placement, theta: float) -> None:
    one = qb.compile_collision(chip(perfect=True), placement, 1.0, theta)
    found = qb.compile_extraction(one, 30)
    assert found.net_work == pytest.approx(found.ideal_work, abs=1e-9)
    assert found.ideal_work == pytest.approx(found.ergotropy, abs=1e-6)
    assert found.ergotropy == pytest.approx(
        qb.ergotropy(qb.collision_states(one.n_cells, 1.0, theta, 30)[-1]), abs=1e-9
    )


@pytest.mark.parametrize("placement", [STAR, STAR3])
def test_the_net_work_is_that_of_the_circuit_in_aer(placement: qb.Placement) -> None:
    """Energy before minus after, by another engine, with the cells where the router left them."""
    noise = chip()
    one = qb.compile_collision(noise, placement, 1.0, 0.9, "random-x")
    found = qb.compile_extraction(one, 3)
    emulator = chip_emulator(noise, placement.qubits)
    before = charging_circuit(one, 3)
    after = found.circuit.compose(before, range(before.num_qubits), front=True)
    energies = []
    n = len(placement.cells)
    for circuit, places in ((before, range(n)), (after, found.places)):
        circuit = circuit.copy()
        circuit.save_density_matrix()
        rho = np.asarray(emulator.run(circuit).result().data()["density_matrix"])
        weights = np.diagonal(rho).real
        numbers = np.arange(len(weights))
        energies.append(sum(weights @ ((numbers >> place) & 1) for place in places))
    assert found.net_work == pytest.approx(energies[0] - energies[1], abs=1e-9)


def test_noise_costs_work_and_the_best_circuit_never_beats_the_ergotropy() -> None:
    one = qb.compile_collision(chip(), STAR, 1.0, 1.0)
    found = qb.compile_extraction(one, 4)
    assert 0 < found.net_work < found.ideal_work <= found.ergotropy + 1e-9
    assert found.two_qubit_gates == 5  # two of the extraction, three of the way over the ancilla
    assert found.duration_s > 0


def test_what_idle_cells_lose_in_the_same_time_is_said() -> None:
    """Each cell relaxes towards |0> with its own T1; that lowers the energy without any work."""
    noise = chip()
    one = qb.compile_collision(noise, STAR, 1.0, 1.0)
    found = qb.compile_extraction(one, 4)
    *_, state = one.states(4)
    p = np.diagonal(state).real
    lost = sum(
        excited * -np.expm1(-found.duration_s / noise.calibration.qubits[qubit].t1_s)
        for excited, qubit in zip((p[1] + p[3], p[2] + p[3]), STAR.cells, strict=True)
    )
    assert found.idle_loss == pytest.approx(lost, abs=1e-12)
    quiet = qb.compile_extraction(qb.compile_collision(chip(perfect=True), STAR, 1.0, 1.0), 4)
    assert quiet.idle_loss == pytest.approx(0, abs=1e-9)


def test_at_the_break_even_error_nothing_is_gained() -> None:
    """Scaled by hand: every gate error in proportion, the charged cells as before."""
    noise = chip()
    one = qb.compile_collision(noise, STAR, 1.0, 1.0)
    found = qb.compile_extraction(one, 4)
    assert found.gain > 0
    assert found.break_even_error is not None
    pairs = [
        tuple(STAR.qubits[found.circuit.find_bit(q).index] for q in instruction.qubits)
        for instruction in found.circuit.data
        if instruction.operation.name == "cz"
    ]
    errors = [noise.calibration.gate("cz", pair).error for pair in pairs]
    factor = found.break_even_error / np.mean(errors)
    assert factor > 3
    gates = tuple(
        replace(g, error=min(factor * g.error, 0.5)) if g.usable and g.error is not None else g
        for g in noise.calibration.gates
    )
    worse = qb.ChipNoise(replace(noise.calibration, gates=gates))
    *_, charged = one.tensors(4)
    program = NoisyProgram.of(found.circuit, worse, STAR.qubits)
    energies = [
        sum((1 - tensor[tuple(3 if axis == 2 - q else 0 for axis in range(3))]) / 2 for q in places)
        for tensor, places in ((charged, (0, 1)), (program.apply(charged), found.places))
    ]
    assert energies[0] - energies[1] == pytest.approx(found.idle_loss, abs=1e-6)


def test_where_nothing_is_gained_there_are_no_gates() -> None:
    cold = qb.compile_collision(chip(), STAR3, 0.0, 1.0)
    found = qb.compile_extraction(cold, 1)
    assert (found.two_qubit_gates, found.net_work, found.idle_loss) == (0, 0.0, 0.0)
    assert found.break_even_error is None


def test_arguments_are_checked() -> None:
    one = qb.compile_collision(chip(), STAR, 1.0, 1.0)
    with pytest.raises(qb.InputError, match="'collisions' must be"):
        qb.compile_extraction(one, 0)
