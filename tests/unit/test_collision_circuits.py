"""Collision circuits do to the cells what the exact channel says, whichever ancilla they use."""

from __future__ import annotations

import io
import itertools
import math
import re
import warnings

import numpy as np
import pytest
from qiskit import QuantumCircuit, qasm3, qpy, transpile
from qiskit.circuit import Parameter
from qiskit.quantum_info import DensityMatrix, Operator, Pauli, partial_trace
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import SamplerV2
from scipy.stats import binom, chi2

import qbat_circuits as qb
from qbat_circuits.analysis.linear_inversion import outcome_probabilities
from qbat_circuits.cells import level_energies
from qbat_circuits.circuits.collision import collision_circuit
from qbat_circuits.collision_model import collision_kraus
from qbat_circuits.errors import InputError
from qbat_circuits.readout_model import pauli_settings

LOCAL = qb.LocalCollision(0.4, 0.2)
QUIET = pytest.mark.filterwarnings("ignore::qbat_circuits.SplittingWarning")


def cells_after(circuit: QuantumCircuit, n_cells: int, leave_out: str = "barrier") -> np.ndarray:
    """Exact state of the cells: a measurement whose result is dropped only dephases."""
    state = DensityMatrix.from_label("0" * circuit.num_qubits)
    for instruction in circuit.data:
        qubits = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
        name = instruction.operation.name
        if name in ("barrier", leave_out):
            continue
        if name == "reset":
            for qubit in qubits:
                state = state.reset([qubit])
        elif name == "measure":
            state = (state + state.evolve(Pauli("Z"), qubits)) / 2
        else:
            state = state.evolve(Operator(instruction.operation), qubits)
    return partial_trace(state, list(range(n_cells, circuit.num_qubits))).data


def names(circuit: QuantumCircuit) -> list[str]:
    return [instruction.operation.name for instruction in circuit.data]


def random_x(n_cells: int, k: int, **changes):
    good = {"ancilla": "random-x", "randomizations": 50, "seed": 4}
    return collision_circuit(n_cells, 1.0, 0.5, k, **{**good, **changes})


# --- circuit against channel ----------------------------------------------------------------------


@QUIET
@pytest.mark.parametrize("local", [None, LOCAL])
@pytest.mark.parametrize("splitting", ["strang", "first-order"])
@pytest.mark.parametrize("ancilla", ["measured", "purified"])
@pytest.mark.parametrize("n_cells", [1, 2, 3])
def test_a_circuit_is_the_channel(n_cells, ancilla, splitting, local):
    circuit = collision_circuit(n_cells, 0.7, 0.6, 4, splitting, ancilla, local=local)
    wanted = qb.collision_states(n_cells, 0.7, 0.6, 4, splitting, local)[-1]
    np.testing.assert_allclose(cells_after(circuit, n_cells), wanted, atol=1e-10)


@pytest.mark.parametrize(("k", "local"), [(5, None), (2, LOCAL)])
def test_all_flips_with_their_weights_are_the_channel(k, local):
    """The mixture over every possible draw, each weighted with its probability."""
    made = random_x(2, k, local=local)
    p = made.populations
    assert p == pytest.approx(([1 / 3] if local is None else [1 / 3, 1 / 7, 1 / 7]) * k)
    mixture = np.zeros((4, 4), dtype=complex)
    for flips in itertools.product([0, 1], repeat=len(p)):
        bound = made.template.assign_parameters([math.pi * flip for flip in flips])
        weight = np.prod(np.where(flips, p, 1 - p))
        mixture += weight * cells_after(bound, 2)
    wanted = qb.collision_states(2, 1.0, 0.5, k, local=local)[-1]
    np.testing.assert_allclose(mixture, wanted, atol=1e-10)


def test_the_same_flip_throughout_a_shot_fakes_work():
    """All flips alike: W = .333 in the end, for .143 of the bath."""
    template = random_x(2, 40).template
    ends = [cells_after(template.assign_parameters([x] * 40), 2) for x in (0.0, math.pi)]
    assert qb.ergotropy(2 / 3 * ends[0] + 1 / 3 * ends[1]) == pytest.approx(0.333, abs=2e-3)
    assert qb.ergotropy(qb.collision_states(2, 1.0, 0.5, 40)[-1]) < 0.143


def test_without_the_dropped_measurement_the_ancilla_drives_the_cells():
    circuit = collision_circuit(2, 1.0, 0.5, 60)
    assert qb.ergotropy(cells_after(circuit, 2, leave_out="measure")) == pytest.approx(
        0.41, abs=0.01
    )
    assert qb.ergotropy(cells_after(circuit, 2)) < 0.143


@pytest.mark.parametrize("ancilla", ["measured", "purified"])
def test_a_transpiler_keeps_the_channel(ancilla):
    circuit = collision_circuit(2, 1.0, 0.5, 6, ancilla=ancilla)
    basis = ["cz", "rz", "sx", "x", "reset", "measure"]
    compiled = transpile(circuit, basis_gates=basis, optimization_level=3, seed_transpiler=1)
    wanted = qb.collision_states(2, 1.0, 0.5, 6)[-1]
    np.testing.assert_allclose(cells_after(compiled, 2), wanted, atol=1e-10)
    swaps = compiled.count_ops()["cz"] - (6 if ancilla == "purified" else 0)
    assert swaps == 2 * 6 * 3  # two for each partial swap


# --- what a circuit consists of -------------------------------------------------------------------


def test_a_measured_circuit_step_by_step():
    circuit = collision_circuit(3, 1.0, 0.5, 2)
    swaps = ["xx_plus_yy"] * 5
    assert names(circuit) == ["ry", "measure", *swaps, "reset", "ry", "measure", *swaps]
    assert [register.name for register in circuit.qregs] == ["cell", "ancilla"]
    assert [register.name for register in circuit.cregs] == ["dropped"]
    gates = [one for one in circuit.data if one.operation.name == "xx_plus_yy"][:5]
    assert [circuit.find_bit(one.qubits[0]).index for one in gates] == [0, 1, 2, 1, 0]
    assert {circuit.find_bit(one.qubits[1]).index for one in gates} == {3}
    angles = [0.5, 0.5, 1.0, 0.5, 0.5]  # an XXPlusYY gate of angle x swaps by x/2
    assert [one.operation.params for one in gates] == [[angle, 0] for angle in angles]
    assert circuit.data[0].operation.params == [pytest.approx(2 * math.asin(math.sqrt(1 / 3)))]


def test_a_purified_circuit_measures_nothing():
    circuit = collision_circuit(2, 1.0, 0.5, 2, ancilla="purified", local=LOCAL)
    assert circuit.num_qubits == 4
    assert circuit.num_clbits == 0
    thermal, own = ["ry", "cx"], ["reset", "reset", "ry", "cx", "xx_plus_yy"]
    once = [*thermal, *["xx_plus_yy"] * 3, *own, *own]
    assert names(circuit) == [*once, "reset", "reset", *once]


def test_one_cell_needs_one_swap():
    assert names(collision_circuit(1, 1.0, 0.5, 1)) == ["ry", "measure", "xx_plus_yy"]


# --- random flips ---------------------------------------------------------------------------------


def test_flips_are_drawn_anew_for_every_shot_and_collision():
    """Frequencies of each ancilla, and of pairs of ancillas and neighbouring draws."""
    made = random_x(2, 8, local=LOCAL, randomizations=4000)
    angles = made.angles()
    assert angles.shape == (4000, 24)
    assert set(np.unique(angles)) == {0.0, math.pi}
    flips = angles > 0
    found = binom.cdf(flips.sum(axis=0), 4000, made.populations)
    assert np.all((found > 1e-4) & (found < 1 - 1e-4))
    for pairs in (flips[:, 1:] & flips[:, :-1], flips[1:] & flips[:-1]):
        p = made.populations
        both = p[1:] * p[:-1] if pairs.shape[1] == 23 else p**2
        spread = np.sqrt(both * (1 - both) / len(pairs))
        # Neighbouring draws share one of them, which widens the spread by less than 2.
        assert np.all(np.abs(pairs.mean(axis=0) - both) < 8 * spread)


@pytest.mark.parametrize(("n_cells", "k", "share"), [(2, 30, 0.305), (3, 26, 0.497)])
def test_the_draw_makes_much_of_the_spread_of_the_energy(n_cells, k, share):
    """Var(E[H | draw])/Var(H), exactly, from two copies of the cells that share the draw."""
    size, p = 2**n_cells, 1 / 3
    kraus = collision_kraus(n_cells, 1.0, 0.5).reshape(2, 2, size, size)  # [flip, ancilla after]
    pair = np.zeros((size**2,) * 2, dtype=complex)
    pair[0, 0] = 1.0
    for _ in range(k):
        both = [
            np.kron(one, two) / np.sqrt(weight)  # each brings sqrt(weight) along
            for drawn, weight in zip(kraus, (1 - p, p), strict=True)
            for one, two in itertools.product(drawn, repeat=2)
        ]
        pair = sum(operator @ pair @ operator.conj().T for operator in both)
    h, one = level_energies(n_cells), np.ones(size)
    mean, square, product = (
        np.diag(pair).real @ np.kron(x, y) for x, y in ((h, one), (h * h, one), (h, h))
    )
    assert (product - mean**2) / (square - mean**2) == pytest.approx(share, abs=1e-3)


def test_draws_follow_from_the_seed_and_differ_between_circuits():
    made, again, other = random_x(2, 20), random_x(2, 20), random_x(2, 20, seed=5)
    np.testing.assert_array_equal(made.angles(), again.angles())
    assert np.any(made.angles() != other.angles())
    assert np.any(made.angles() != made.angles(1))
    tomography = qb.tomography_circuits(2, made.template, ["ZZ", "XX"])
    pubs = made.pubs(tomography, shots=3)
    assert [pub[0].name for pub in pubs] == ["ZZ", "XX"]
    assert [pub[2] for pub in pubs] == [3, 3]
    for stream, (_, bindings, _) in enumerate(pubs):
        (values,) = bindings.values()
        np.testing.assert_array_equal(values, made.angles(stream))


def test_bound_circuits_are_the_pubs_one_by_one():
    made = random_x(2, 12, randomizations=3)
    tomography = qb.tomography_circuits(2, made.template, ["ZZ", "XX"])
    bound = made.circuits(tomography)
    assert [one.name for one in bound] == ["ZZ_r0", "ZZ_r1", "ZZ_r2", "XX_r0", "XX_r1", "XX_r2"]
    assert [one.metadata["setting"] for one in bound] == ["ZZ"] * 3 + ["XX"] * 3
    drawn = [
        [one.operation.params[0] for one in c.data if one.operation.name == "rx"] for c in bound
    ]
    np.testing.assert_allclose(drawn, np.concatenate([made.angles(0), made.angles(1)]))
    assert [one.name for one in made.circuits()] == [
        "collisions_r0",
        "collisions_r1",
        "collisions_r2",
    ]


def p_value(counts, state) -> float:
    """Chi-square of counts against the Born probabilities of a state, over all settings."""
    labels = pauli_settings(2)
    rows = [labels.index(label) for label in counts.settings]
    expected = counts.shots[:, None] * outcome_probabilities(state)[rows]
    return chi2.sf(np.sum((counts.table - expected) ** 2 / expected), 3 * len(rows))


@pytest.mark.parametrize("ancilla", ["measured", "purified"])
def test_tomography_of_the_circuit_gives_the_counts_of_the_state(ancilla):
    circuit = collision_circuit(2, 1.0, 0.5, 8, ancilla=ancilla)
    circuits = transpile(qb.tomography_circuits(2, circuit), AerSimulator())
    counts = qb.counts_from_primitive_result(SamplerV2(seed=3).run(circuits, shots=700).result())
    state = qb.collision_states(2, 1.0, 0.5, 8)[-1]
    assert 1e-3 < p_value(counts, state) < 1 - 1e-3
    assert p_value(counts, qb.collision_states(2, 1.0, 0.5, 2)[-1]) < 1e-6
    estimate = qb.estimate_ergotropy(counts, readout=qb.ReadoutModel.ideal(2), seed=1)
    assert estimate.low < qb.ergotropy(state) < estimate.high


def test_random_flips_through_a_sampler_give_the_counts_of_the_state():
    made = random_x(2, 8, randomizations=1500)
    circuits = qb.tomography_circuits(2, made.template, ["ZZ", "XX"])
    result = SamplerV2(seed=3).run(made.pubs(transpile(circuits, AerSimulator()))).result()
    # `get_counts` of an array of results sums over the draws.
    counts = qb.counts_from_dict(
        {
            circuit.name: pub.data.meas.get_counts()
            for circuit, pub in zip(circuits, result, strict=True)
        },
        bit_order="little",
    )
    assert counts.shots.tolist() == [1500, 1500]
    assert 1e-3 < p_value(counts, qb.collision_states(2, 1.0, 0.5, 8)[-1]) < 1 - 1e-3


# --- parameters and files -------------------------------------------------------------------------


@pytest.mark.parametrize("ancilla", ["measured", "purified"])
def test_free_parameters_are_bound_later(ancilla):
    theta, occupation = Parameter("theta"), Parameter("n")
    free = collision_circuit(2, occupation, theta, 3, ancilla=ancilla, local=LOCAL)
    assert set(free.parameters) == {theta, occupation}
    bound = free.assign_parameters({theta: 0.5, occupation: 1.3})
    wanted = qb.collision_states(2, 1.3, 0.5, 3, local=LOCAL)[-1]
    np.testing.assert_allclose(cells_after(bound, 2), wanted, atol=1e-10)


def test_random_flips_beside_a_free_angle():
    theta = Parameter("theta")
    made = collision_circuit(2, 1.0, theta, 12, ancilla="random-x", randomizations=4, seed=1)
    (circuit, bindings, _), *_ = made.pubs([made.template.assign_parameters({theta: 0.5})])
    assert len(circuit.parameters) == 12
    (flips,) = bindings
    assert [flip.name for flip in flips] == [f"flip[{i}]" for i in range(12)]
    first = made.circuits()[0]
    assert set(first.parameters) == {theta}


@pytest.mark.parametrize("ancilla", ["measured", "purified"])
@pytest.mark.parametrize("theta", [0.5, Parameter("theta")])
def test_openqasm_says_the_same_circuit(ancilla, theta):
    circuit = collision_circuit(2, 1.0, theta, 3, ancilla=ancilla, local=LOCAL)
    again = qasm3.loads(qb.to_openqasm3(circuit))
    assert [register.name for register in again.qregs] == [r.name for r in circuit.qregs]
    assert [p.name for p in again.parameters] == [p.name for p in circuit.parameters]
    if again.parameters:
        again = again.assign_parameters([0.5])
    wanted = qb.collision_states(2, 1.0, 0.5, 3, local=LOCAL)[-1]
    np.testing.assert_allclose(cells_after(again, 2), wanted, atol=1e-10)


def test_openqasm_holds_a_free_occupation_and_free_flips():
    text = qb.to_openqasm3(collision_circuit(2, Parameter("n"), Parameter("theta"), 1))
    assert "input float[64] n;" in text
    assert "ry(2*asin(" in text
    assert "input float[64] _flip_1_;" in qb.to_openqasm3(random_x(2, 2).template)


def test_qpy_keeps_the_circuit():
    circuits = [
        collision_circuit(2, 1.0, 0.5, 3),
        collision_circuit(2, Parameter("n"), Parameter("theta"), 3, ancilla="purified"),
        random_x(2, 12).template,
    ]
    file = io.BytesIO()
    qpy.dump(circuits, file)
    file.seek(0)
    again = qpy.load(file)
    assert again == circuits
    assert [one.parameters for one in again] == [one.parameters for one in circuits]


# --- warnings and refusals ------------------------------------------------------------------------


def test_first_order_splitting_is_warned_of():
    with pytest.warns(qb.SplittingWarning, match="'first-order' is no common bath") as caught:
        collision_circuit(2, 1.0, 0.5, 3, "first-order")
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        collision_circuit(2, 1.0, 0.5, 3)


def test_an_angle_near_a_trapping_angle_is_warned_of():
    with pytest.warns(qb.TrappingWarning, match="lies within 5% of the trapping angle") as caught:
        collision_circuit(2, 1.0, 2.3, 3)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_cells": 0}, "'n_cells' must be a whole number >= 1 and <= 1000, not 0."),
        ({"n_cells": 1001}, "'n_cells' must be a whole number >= 1 and <= 1000, not 1001."),
        ({"occupation": -1.0}, "'occupation' must be a finite number >= 0, not -1.0."),
        ({"occupation": math.inf}, "'occupation' must be a finite number >= 0, not inf."),
        ({"theta": 0}, "'theta' must be a finite number > 0 and <= 3.14159, not 0."),
        ({"theta": -0.5}, "'theta' must be a finite number > 0 and <= 3.14159, not -0.5."),
        ({"theta": 3.15}, "'theta' must be a finite number > 0 and <= 3.14159, not 3.15."),
        (
            {"theta": 2.221},
            "'theta' must not lie within 1% of the trapping angle 2.2214 of 2 cells, where a step "
            "of their ladder is left out, as 2.221 does.",
        ),
        ({"collisions": 0}, "'collisions' must be a whole number >= 1, not 0."),
        (
            {"collisions": 40_000},
            "'collisions' must be few enough for 2 cells: 40000 make 120000 partial swaps, more "
            "than 100000.",
        ),
        (
            {"splitting": "exact"},
            "'splitting' must be one of 'strang', 'first-order', not 'exact'.",
        ),
        (
            {"ancilla": "random_x"},
            "'ancilla' must be one of 'measured', 'random-x', 'purified', not 'random_x' (did you "
            "mean 'random-x'?).",
        ),
        ({"local": (0.1, 0.2)}, "'local' must be a LocalCollision or None, not (0.1, 0.2)."),
        ({"seed": 3}, "'randomizations' and 'seed' belong to the ancilla 'random-x' only."),
        (
            {"ancilla": "random-x", "seed": 3},
            "'randomizations' must be a whole number >= 2, not None.",
        ),
        (
            {"ancilla": "random-x", "seed": 3, "randomizations": 1},
            "'randomizations' must be a whole number >= 2, not 1.",
        ),
        (
            {"ancilla": "random-x", "randomizations": 9},
            "'seed' must be a whole number >= 0, not None.",
        ),
        (
            {"ancilla": "random-x", "seed": 3, "randomizations": 4_000_000},
            "'randomizations' must be few enough: 4000000 draws of 3 ancillas are more than "
            "2000000 flips.",
        ),
        (
            {"ancilla": "random-x", "seed": 3, "randomizations": 9, "occupation": Parameter("n")},
            "'occupation' must be a number where flips are drawn from it, not Parameter(n).",
        ),
    ],
)
def test_wrong_arguments_get_one_sentence(changes, sentence):
    good = {"n_cells": 2, "occupation": 1.0, "theta": 0.5, "collisions": 3}
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        collision_circuit(**{**good, **changes})


def test_wrong_pubs_get_one_sentence():
    made = random_x(2, 3, randomizations=6000)
    with pytest.raises(InputError, match=r"^'circuits' must be circuits that hold the template, "):
        made.pubs([QuantumCircuit(2)])
    with pytest.raises(InputError, match=r"^'shots' must be a whole number >= 1, not 0\.$"):
        made.pubs(shots=0)
    with pytest.raises(InputError, match="must make at most 10000 circuits, not 12000: 'pubs' "):
        made.circuits([made.template] * 2)
    with pytest.raises(InputError, match=r"^'stream' must be a whole number >= 0, not -1\.$"):
        made.angles(-1)
