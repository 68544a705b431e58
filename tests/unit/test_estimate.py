"""The estimate on exact and sampled counts: mitigation, invariances, warnings, refusals."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm
from states import ladder

from qbat_circuits.analysis.dicke import DickeEstimate
from qbat_circuits.analysis.estimate import SCHEMES, estimate_ergotropy
from qbat_circuits.analysis.intervals import cross_fit
from qbat_circuits.analysis.linear_inversion import (
    nearest_state,
    observable_weights,
    outcome_probabilities,
    reconstruct,
)
from qbat_circuits.analysis.pauli import METHOD, PauliEstimate, upper_bound, work_and_lowest
from qbat_circuits.analysis.sample import Sample
from qbat_circuits.analysis.scheme import ErgotropyEstimate
from qbat_circuits.cells import collective_lowering, level_energies
from qbat_circuits.errors import InputError
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.thermodynamics import energy, ergotropy, linear_ergotropy

READOUT = ReadoutModel.from_error_rates([0.015, 0.02, 0.025], [0.03, 0.025, 0.02])
EXACT = 10**8  # shots per setting whose rounding stands for exact probabilities


def readout(n_cells):
    return ReadoutModel(READOUT.assignment[:n_cells])


def random_state(n_cells, seed=0):
    rng = np.random.default_rng(seed)
    g = rng.normal(size=(2, 2**n_cells, 2**n_cells))
    rho = (g[0] + 1j * g[1]) @ (g[0] + 1j * g[1]).conj().T
    return rho / np.trace(rho)


def as_counts(table, model):
    n = model.n_cells
    return Counts(n_cells=n, settings=pauli_settings(n), table=table, readout=model)


def probabilities(rho, model):
    p = np.clip(model.apply(outcome_probabilities(rho)), 0, None)
    return p / p.sum(axis=1, keepdims=True)


def exact_counts(rho, model):
    return as_counts(np.rint(EXACT * probabilities(rho, model)).astype(int), model)


def drawn_counts(rho, model, shots, seed):
    table = np.random.default_rng(seed).multinomial(shots, probabilities(rho, model))
    return as_counts(table, model)


@pytest.mark.parametrize(("n_cells", "truth"), [(2, 1 / 7), (3, 4 / 15)])
def test_exact_counts_give_the_work_of_the_ladder(n_cells, truth):
    """docs/physics.md, section 3."""
    estimate = estimate_ergotropy(exact_counts(ladder(n_cells), readout(n_cells)))
    assert estimate.plug_in == pytest.approx(truth, abs=1e-6)
    assert estimate.value == pytest.approx(truth, abs=1e-4)
    assert estimate.low <= truth <= estimate.high
    assert estimate.high - estimate.low < 1e-3
    assert estimate.energy.value == pytest.approx(energy(ladder(n_cells)), abs=1e-6)
    np.testing.assert_allclose(estimate.raw_state, ladder(n_cells), atol=1e-6)
    np.testing.assert_allclose(estimate.state, ladder(n_cells), atol=1e-6)
    assert (estimate.method, estimate.confidence, estimate.warnings) == (METHOD, 0.95, ())


@pytest.mark.parametrize(("error", "raw"), [(0.01, 0.133), (0.02, 0.123), (0.05, 0.096)])
def test_mitigation_removes_the_bias_of_the_readout(error, raw):
    """docs/physics.md, section 7: unmitigated symmetric errors turn .1429 into these."""
    model = ReadoutModel.from_error_rates([error] * 2, [error] * 2)
    estimate = estimate_ergotropy(exact_counts(ladder(2), model))
    assert estimate.raw_value == pytest.approx(raw, abs=5e-4)
    assert estimate.plug_in == pytest.approx(1 / 7, abs=1e-6)


def test_the_given_readout_wins_over_the_one_of_the_counts():
    counts = exact_counts(ladder(2), readout(2))
    ideal = estimate_ergotropy(counts, readout=ReadoutModel.ideal(2))
    assert ideal.value == ideal.raw_value == estimate_ergotropy(counts).raw_value
    assert ideal.readout == ReadoutModel.ideal(2)


def test_phases_of_the_cells_change_nothing():
    """W is invariant under local Z rotations (docs/physics.md, section 7)."""
    rotation = reduce(np.kron, [np.diag([1, np.exp(1j * x)]) for x in (1.0, -2.3, 0.4)])
    rotated = rotation @ ladder(3) @ rotation.conj().T
    assert np.abs(rotated - ladder(3)).max() > 0.1
    estimate = estimate_ergotropy(exact_counts(rotated, readout(3)))
    assert estimate.plug_in == pytest.approx(4 / 15, abs=1e-6)
    assert estimate.energy.value == pytest.approx(energy(ladder(3)), abs=1e-6)
    assert estimate.value == pytest.approx(4 / 15, abs=1e-4)


def test_renaming_the_cells_permutes_the_state_and_nothing_else():
    counts = drawn_counts(random_state(3), READOUT, 500, seed=4)
    order = [2, 0, 1]  # new cell i is old cell order[i]
    old_bits = [sum(((b >> i) & 1) << order[i] for i in range(3)) for b in range(8)]
    renamed = ["".join(s[2 - order[2 - k]] for k in range(3)) for s in counts.settings]
    permuted = Counts(
        n_cells=3,
        settings=tuple(renamed),
        table=counts.table[:, old_bits],
        readout=ReadoutModel(READOUT.assignment[order]),
    )
    e = [0.8, 1.0, 1.3]
    before = estimate_ergotropy(counts, energies=e)
    after = estimate_ergotropy(permuted, energies=[e[i] for i in order])
    np.testing.assert_allclose(
        after.raw_state, before.raw_state[np.ix_(old_bits, old_bits)], atol=1e-13
    )
    for name in ("plug_in", "smallest_eigenvalue"):
        assert getattr(after, name) == pytest.approx(getattr(before, name), abs=1e-12)
    assert after.energy.high == pytest.approx(before.energy.high, abs=1e-12)


def test_cells_of_unequal_energy():
    e = [0.9, 1.25]
    rho = random_state(2, seed=5)
    estimate = estimate_ergotropy(exact_counts(rho, readout(2)), energies=e)
    assert estimate.plug_in == pytest.approx(ergotropy(rho, e), abs=1e-6)
    assert estimate.value == pytest.approx(ergotropy(rho, e), abs=1e-4)
    assert estimate.energy.value == pytest.approx(energy(rho, e), abs=1e-6)


def test_all_cells_excited_is_reported_at_the_largest_possible_work():
    """|11>: every shot reads 11 in ZZ; W = 2 is the ceiling of the interval."""
    state = np.zeros((4, 4), complex)
    state[3, 3] = 1
    estimate = estimate_ergotropy(drawn_counts(state, ReadoutModel.ideal(2), 1000, seed=0))
    assert estimate.high == 2.0
    assert 1.9 < estimate.low < estimate.value <= 2.0
    assert estimate.energy.high == 2.0


def test_a_larger_confidence_widens_both_ends_only():
    counts = drawn_counts(ladder(2), readout(2), 1000, seed=3)
    narrow, wide = (estimate_ergotropy(counts, confidence=c) for c in (0.9, 0.999))
    assert wide.low < narrow.low < narrow.value == wide.value < narrow.high < wide.high
    assert wide.energy.low < narrow.energy.low < narrow.energy.high < wide.energy.high


def test_the_seed_decides_the_split_and_is_recorded():
    counts = drawn_counts(ladder(2), readout(2), 1000, seed=3)
    one, same, other = (estimate_ergotropy(counts, seed=s) for s in (1, 1, 2))
    assert one.to_dict() == same.to_dict()
    assert one.seed == 1
    assert one.low != other.low
    assert (one.plug_in, one.energy) == (other.plug_in, other.energy)


@settings(max_examples=60, deadline=None)
@given(
    n_cells=st.integers(1, 3),
    shots=st.integers(5, 60),
    flat=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_the_value_lies_in_its_interval_whatever_was_counted(n_cells, shots, flat, seed):
    """Any table, also one that no state gives (outcomes drawn without regard to quantum theory)."""
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(2**n_cells, 1.0 if flat else 0.1), size=3**n_cells)
    counts = as_counts(rng.multinomial(shots, weights), readout(n_cells))
    estimate = estimate_ergotropy(counts, seed=seed)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= n_cells
    assert 0 <= estimate.energy.low <= estimate.energy.value <= estimate.energy.high <= n_cells
    assert np.linalg.eigvalsh(estimate.state)[0] > -1e-12
    assert estimate.warnings or shots >= 20


def test_raw_and_physical_state_are_both_kept_and_read_only():
    estimate = estimate_ergotropy(drawn_counts(ladder(3), READOUT, 200, seed=1))
    assert estimate.smallest_eigenvalue == np.linalg.eigvalsh(estimate.raw_state)[0] < -0.01
    assert np.linalg.eigvalsh(estimate.state)[0] > -1e-15
    np.testing.assert_allclose(estimate.state, nearest_state(estimate.raw_state))
    assert estimate.plug_in == linear_ergotropy(estimate.raw_state, level_energies(3))
    with pytest.raises(ValueError, match="read-only"):
        estimate.raw_state[0, 0] = 0
    with pytest.raises(ValueError, match="read-only"):
        estimate.state[0, 0] = 0


def test_the_dictionary_is_json_and_names_the_readout():
    estimate = estimate_ergotropy(drawn_counts(ladder(2), readout(2), 100, seed=1))
    content = json.loads(json.dumps(estimate.to_dict(), allow_nan=False))
    assert content["value"] == estimate.value
    assert content["energy"]["low"] == estimate.energy.low
    assert content["readout_sha256"] == readout(2).identity()
    assert (content["shots"], content["origin"]) == (100, "lab")


@pytest.mark.parametrize("name", ["pauli", "dicke", "energy-basis"])
def test_the_figures_of_every_scheme_are_json(name):
    counts = drawn_counts(ladder(2), readout(2), 100, seed=1)
    estimate = estimate_ergotropy(counts, scheme=name)
    content = json.loads(json.dumps(estimate.to_dict(), allow_nan=False))
    assert content["scheme"] == name
    assert content["leakage"] is None
    assert content["total_shots"] == 100 * len(SCHEMES[name].settings(2))
    left_out = {"raw_state", "state", "sectors", "populations", "standard_errors"}
    assert {f.name for f in fields(estimate)} - left_out <= set(content)
    again = estimate_ergotropy(counts, scheme=SCHEMES[name])
    assert again.to_dict() == estimate.to_dict()


@pytest.mark.parametrize("kind", [ErgotropyEstimate, PauliEstimate, DickeEstimate])
def test_every_figure_is_explained(kind):
    own = kind.__annotations__
    assert own
    for name in own:
        assert f"        {name}: " in kind.__doc__ or f"    {name}: " in kind.__doc__


def leaky_state(seed=0):
    """Two cells with three levels each, 9 x 9: a random state, mostly within the qubit block."""
    rng = np.random.default_rng(seed)
    g = rng.normal(size=(2, 9, 9))
    root = np.diag([1, 2, 0.5, 2, 2, 0.5, 0.5, 0.5, 0.3]) @ (g[0] + 1j * g[1])
    rho = root @ root.conj().T
    return rho / np.trace(rho)


BLOCK = [0, 1, 3, 4]  # both digits 0 or 1, little-endian to the base 3
SEEN_LEAKED = ReadoutModel(
    np.array(
        [
            [[0.97, 0.03, 0.02], [0.02, 0.94, 0.08], [0.01, 0.03, 0.9]],
            [[0.96, 0.04, 0.03], [0.03, 0.91, 0.1], [0.01, 0.05, 0.87]],
        ]
    )
)


def leaky_probabilities(rho):
    """Of the 9 readings in every setting: rotations act on the two lowest levels of a cell."""
    hadamard = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    rotations = {"X": hadamard, "Y": hadamard @ np.diag([1, -1j]), "Z": np.eye(2)}
    rows = []
    for label in pauli_settings(2):
        cells = [np.eye(3, dtype=complex) for _ in label]
        for cell, letter in zip(cells, label, strict=True):
            cell[:2, :2] = rotations[letter]
        u = np.kron(*cells)
        rows.append(SEEN_LEAKED.apply(np.clip(np.diagonal(u @ rho @ u.conj().T).real, 0, None)))
    return np.array(rows)


def leaky_counts(rho, shots, seed=None):
    p = leaky_probabilities(rho)
    if seed is None:
        table = np.rint(shots * p).astype(np.int64)
    else:
        table = np.random.default_rng(seed).multinomial(shots, p / p.sum(axis=1, keepdims=True))
    return Counts(
        n_cells=2, settings=pauli_settings(2), table=table, readout=SEEN_LEAKED, outcomes=3
    )


@pytest.mark.parametrize("seed", range(3))
def test_leaked_weight_is_missing_and_never_renormalised_away(seed):
    """The raw state is the qubit block, with its trace; its work is a lower bound on the work."""
    rho = leaky_state(seed)
    block = rho[np.ix_(BLOCK, BLOCK)]
    kept = np.trace(block).real
    assert 0.7 < kept < 0.97
    estimate = estimate_ergotropy(leaky_counts(rho, EXACT))
    np.testing.assert_allclose(estimate.raw_state, block, atol=1e-6)
    np.testing.assert_allclose(estimate.state, block, atol=1e-6)
    truth = linear_ergotropy(block, level_energies(2))
    assert truth > 0.1
    assert estimate.plug_in == pytest.approx(truth, abs=1e-6)
    assert estimate.value == pytest.approx(truth, abs=1e-3)
    assert estimate.low <= truth <= estimate.high
    stored = np.diagonal(block).real @ level_energies(2)
    assert estimate.energy.value == pytest.approx(stored, abs=1e-6)
    # all three levels, 6 % anharmonicity: the block's own unitary is one of all
    ladder_of_one = np.array([0, 1, 1.94])
    every = np.add.outer(ladder_of_one, ladder_of_one).ravel()
    whole = np.diagonal(rho).real @ every - np.linalg.eigvalsh(rho)[::-1] @ np.sort(every)
    assert truth < whole


def test_the_interval_of_a_leaky_state_covers_the_work_of_its_block():
    rho = leaky_state(1)
    truth = linear_ergotropy(rho[np.ix_(BLOCK, BLOCK)], level_energies(2))
    found = [estimate_ergotropy(leaky_counts(rho, 1000, seed)) for seed in range(60)]
    covered = [e.low <= truth <= e.high for e in found]
    assert np.mean(covered) >= 0.88  # 3 % less than that of a 95 % interval in 1 of 1000 cases
    assert all(e.guaranteed_low <= truth for e in found)
    assert np.mean([e.high - e.low for e in found]) < 0.2
    assert not any(e.warnings for e in found)


def collective_bath(n_cells, rate, occupation):
    """Liouvillian of a thermal collective bath on row-major vectors, built from its jumps."""
    down = collective_lowering(n_cells).toarray()
    one = np.eye(2**n_cells)
    total = np.zeros((4**n_cells, 4**n_cells), complex)
    for strength, jump in ((rate * (occupation + 1), down), (rate * occupation, down.T)):
        loss = jump.conj().T @ jump
        total += strength * np.kron(jump, jump.conj())
        total -= strength * (np.kron(loss, one) + np.kron(one, loss.T)) / 2
    return total


def bath_left_on(rho, model, duration_s, rate=6.3e6, occupation=1.0):
    """Outcome probabilities if the bath acts between the rotation and the readout."""
    hadamard = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    rotations = {"X": hadamard, "Y": hadamard @ np.diag([1, -1j]), "Z": np.eye(2)}
    after = expm(collective_bath(model.n_cells, rate, occupation) * duration_s)
    rows = []
    for label in pauli_settings(model.n_cells):
        u = reduce(np.kron, [rotations[letter] for letter in label])
        evolved = (after @ (u @ rho @ u.conj().T).reshape(-1)).reshape(rho.shape)
        rows.append(model.apply(np.diag(evolved).real))
    return np.array(rows)


@pytest.mark.parametrize(("duration_s", "fake"), [(20e-9, 0.174), (100e-9, 0.311), (500e-9, 0.355)])
def test_a_bath_left_on_fakes_work(duration_s, fake):
    """docs/physics.md, section 7: the ergotropy of the physical state, for a true .143."""
    p = bath_left_on(ladder(2), ReadoutModel.ideal(2), duration_s)
    raw = reconstruct(p)
    assert np.linalg.eigvalsh(raw)[0] < -0.02
    assert ergotropy(nearest_state(raw)) == pytest.approx(fake, abs=1e-3)


@pytest.mark.parametrize("n_cells", [2, 3])
def test_a_bath_left_on_is_reported_as_a_wrong_measurement_model(n_cells):
    model = readout(n_cells)
    p = bath_left_on(ladder(n_cells), model, 500e-9)
    for seed in range(20):
        table = np.random.default_rng(seed).multinomial(4000, p)
        estimate = estimate_ergotropy(as_counts(table, model), seed=seed)
        sigma = estimate.smallest_eigenvalue_sigma
        assert sigma < -5
        (warning,) = estimate.warnings
        assert warning == (
            f"The raw state has an eigenvalue of {estimate.smallest_eigenvalue:.3g}, "
            f"{-sigma:.0f} standard errors below zero, so the measurement model is wrong (a bath "
            "left on during readout, a wrong assignment matrix, drift) and the interval cannot be "
            "trusted."
        )
        assert estimate.low <= estimate.value <= estimate.high


def test_a_wrong_assignment_matrix_is_reported():
    """Counts without readout errors, inverted as if there were 8 %."""
    counts = drawn_counts(ladder(2), ReadoutModel.ideal(2), 4000, seed=1)
    wrong = ReadoutModel.from_error_rates([0.08] * 2, [0.08] * 2)
    assert "the measurement model is wrong" in estimate_ergotropy(counts, wrong).warnings[0]
    assert estimate_ergotropy(counts).warnings == ()


def test_few_shots_are_reported():
    estimate = estimate_ergotropy(drawn_counts(ladder(2), readout(2), 19, seed=1))
    assert estimate.warnings == (
        "A setting has 19 shots; the coverage of the interval was measured from 20 shots on.",
    )


# The parts of the interval.


def test_a_fixed_operator_has_its_plain_mean_and_standard_error_in_the_cross_fit():
    sample = Sample(drawn_counts(ladder(2), readout(2), 1000, seed=2).table, readout(2))
    h = observable_weights(np.diag(level_energies(2)).astype(complex))
    means, errors = cross_fit(sample, lambda _: h[None], np.random.default_rng(0))
    raw = reconstruct(sample.outcomes)
    assert means[0] == pytest.approx(np.diagonal(raw).real @ level_energies(2), abs=1e-12)
    assert errors[0] == pytest.approx(sample.standard_error(h), rel=1e-12)


def test_the_standard_error_of_the_cross_fit_is_honest_where_the_optimal_unitary_jumps():
    """Maximally mixed state: the terms of the parts are correlated through their operators.

    Without their covariance the standard error would be .73 of the true one; 300 draws know it to
    4 %. The mean is 0 = W, for any operators.
    """
    functionals = work_and_lowest(level_energies(2))
    rows = []
    for seed in range(300):
        sample = Sample(drawn_counts(np.eye(4) / 4, readout(2), 1000, seed).table, readout(2))
        means, errors = cross_fit(sample, functionals, np.random.default_rng(seed))
        rows.append((means[0], errors[0]))
    means, errors = np.array(rows).T
    assert 0.9 < np.mean(errors) / np.std(means) < 1.3
    assert abs(np.mean(means)) < 4 * np.std(means) / np.sqrt(300)


def test_the_operator_of_the_lower_end_never_promises_more_than_the_ergotropy():
    """Tr[rho O] <= W(rho) for whatever data O was built from; equal for its own state."""
    levels = level_energies(3, [0.9, 1.0, 1.2])

    def promised(table, model, rho):
        return np.sum(work_and_lowest(levels)(Sample(table, model))[0] * outcome_probabilities(rho))

    for seed in range(30):
        trained_on = ladder(3) if seed % 2 else random_state(3, seed)
        table = drawn_counts(trained_on, READOUT, 20, seed).table
        for rho in (random_state(3, seed + 100), ladder(3), np.eye(8) / 8):
            assert promised(table, READOUT, rho) <= linear_ergotropy(rho, levels) + 1e-12
    for rho in (random_state(3), ladder(3)):
        table = np.rint(10**15 * outcome_probabilities(rho)).astype(np.int64)
        own = promised(table, ReadoutModel.ideal(3), rho)
        assert own == pytest.approx(linear_ergotropy(rho, levels), abs=1e-9)


def test_the_upper_bound_is_the_plug_in_unless_empty_levels_are_capped():
    levels = level_energies(3)
    mixed = 0.5 * random_state(3) + np.eye(8) / 16
    sample = Sample(drawn_counts(mixed, READOUT, 10**6, seed=1).table, READOUT)
    plug_in = linear_ergotropy(reconstruct(sample.outcomes), levels)
    assert upper_bound(sample, levels)[0] == pytest.approx(plug_in, abs=1e-12)
    charged = Sample(drawn_counts(ladder(3), READOUT, 1000, 1).table, READOUT)
    plug_in = linear_ergotropy(reconstruct(charged.outcomes), levels)
    assert upper_bound(charged, levels, positive=False)[0] == pytest.approx(plug_in, abs=1e-12)
    capped, error = upper_bound(charged, levels)
    assert capped < plug_in - error
    assert upper_bound(charged, levels, positive=False)[1] > error


# Refusals.


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"counts": Counts(n_cells=1, settings=tuple("XYZ"), table=np.full((3, 2), 9))},
            "'readout' must be given because the counts carry none (ReadoutModel.ideal(1) for a "
            "readout without errors).",
        ),
        ({"counts": {"XX": {}}}, "'counts' must be Counts (see Counts.load), not {'XX': {}}."),
        ({"readout": ReadoutModel.ideal(3)}, "'readout' must describe 2 cells like the counts"),
        ({"readout": np.eye(2)}, "'readout' must be a ReadoutModel, not"),
        ({"confidence": 1.0}, "'confidence' must be a finite number > 0 and < 1, not 1.0."),
        ({"confidence": "high"}, "'confidence' must be a finite number > 0 and < 1, not 'high'."),
        ({"seed": -1}, "'seed' must be a whole number >= 0, not -1."),
        ({"energies": [1.0]}, "'energies' must hold one number per cell (2), not 1."),
        (
            {"energies": [1.0, 0.0]},
            "'energies' must be a finite number >= 1e-06 and <= 1e+06, not 0.0.",
        ),
    ],
)
def test_wrong_arguments_get_one_sentence(changes, sentence):
    good = {"counts": drawn_counts(ladder(2), readout(2), 100, seed=1)}
    with pytest.raises(InputError, match=re.escape(sentence)):
        estimate_ergotropy(**{**good, **changes})


def test_missing_settings_and_too_few_shots_are_refused():
    table = np.ones((9, 4), int)
    table[:, 0] = 2
    table[4, 1] = 0
    counts = as_counts(table, readout(2))
    sentence = "'shots of YY' must be >= 5, because an interval takes shots in 5 parts, not 4."
    with pytest.raises(InputError, match=re.escape(sentence)):
        estimate_ergotropy(counts)
    few = Counts(n_cells=2, settings=("ZZ",), table=table[:1], readout=readout(2))
    with pytest.raises(
        InputError, match="The counts lack 8 of the 9 settings that are needed: 'XX'"
    ):
        estimate_ergotropy(few)
