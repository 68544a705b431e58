"""Our own sampler: its probabilities against dense matrices and Aer, its random streams."""

from __future__ import annotations

import re
from functools import reduce

import numpy as np
import pytest
from qiskit.quantum_info import DensityMatrix, Operator
from scipy.stats import chi2, norm

from qbat_circuits.circuits.tomography import rotation_circuit
from qbat_circuits.errors import InputError
from qbat_circuits.pair_readout import PairReadoutModel
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.aer import emulate_counts
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.sampling.multinomial import reading_probabilities, sample_counts

UNEQUAL = ReadoutModel.from_error_rates([0.01, 0.05, 0.1], [0.2, 0.03, 0.07])
IDEAL3 = ReadoutModel.ideal(2, levels=3)


def random_state(dimension, seed=0):
    rng = np.random.default_rng(seed)
    g = rng.normal(size=(2, dimension, dimension))
    rho = (g[0] + 1j * g[1]) @ (g[0] + 1j * g[1]).conj().T
    return rho / np.trace(rho)


def random_readout(n_cells, readings, levels, seed=1):
    rng = np.random.default_rng(seed)
    right = np.eye(3)[:readings, :levels]
    right[-1, 2:] = 1
    noise = rng.dirichlet(np.ones(readings), size=(n_cells, levels)).swapaxes(1, 2)
    return ReadoutModel(0.7 * right + 0.3 * noise)


def dense_probabilities(rho, readout, label, levels):
    """diag(U rho U^dagger) with U from Qiskit's own circuits, then the whole assignment matrix."""
    rotations = []
    for letter in label:
        rotation = np.eye(levels, dtype=complex)
        rotation[:2, :2] = Operator(rotation_circuit(letter)).data
        rotations.append(rotation)
    u = reduce(np.kron, rotations)
    whole = reduce(np.kron, readout.assignment[::-1, :, :levels])
    return whole @ np.diag(u @ rho @ u.conj().T).real


@pytest.mark.parametrize(
    ("levels", "shape"), [(2, (2, 2)), (2, (2, 3)), (2, (3, 3)), (3, (2, 3)), (3, (3, 3))]
)
@pytest.mark.parametrize("n_cells", [1, 2, 3])
def test_probabilities_are_those_of_the_rotated_state_read_through_the_matrices(
    n_cells, levels, shape
):
    rho, readout = random_state(levels**n_cells), random_readout(n_cells, *shape)
    settings = pauli_settings(n_cells)[::-1]
    found = reading_probabilities(rho, readout, settings)
    wanted = [dense_probabilities(rho, readout, label, levels) for label in settings]
    assert found.shape == (3**n_cells, shape[0] ** n_cells)
    np.testing.assert_allclose(found, wanted, atol=1e-14)


def test_a_leaked_cell_reads_2_in_every_setting_and_leaves_its_neighbour_alone():
    state = np.zeros((9, 9))
    state[6, 6] = 1  # level 0 of cell 0, level 2 of cell 1: number 0 + 2 * 3
    counts = sample_counts(state, IDEAL3, 500, seed=1, settings=["XZ", "YZ", "ZZ", "ZX"])
    assert counts.outcomes == 3
    np.testing.assert_array_equal(counts.table[:3, 6], 500)
    np.testing.assert_array_equal(
        counts.table[3, [6, 7]], [counts.table[3, 6], 500 - counts.table[3, 6]]
    )
    assert 180 < counts.table[3, 6] < 320  # X of a ground state: binomial(500, 1/2)
    two_by_three = ReadoutModel([[[1, 0, 0.25], [0, 1, 0.75]]] * 2)
    np.testing.assert_allclose(
        reading_probabilities(state, two_by_three, ["XZ"]), [[0.25, 0, 0.75, 0]], atol=1e-15
    )


@pytest.mark.parametrize("n_cells", [2, 3])
def test_two_level_cells_have_the_distribution_of_aer(n_cells):
    """Two-sample chi-square over all settings, and of our counts against the probabilities."""
    rho, shots = random_state(2**n_cells), 4000
    readout = ReadoutModel(UNEQUAL.assignment[:n_cells])
    ours = sample_counts(rho, readout, shots, seed=5)
    aer = emulate_counts(rho, readout, shots, seed=5)
    assert ours.settings == aer.settings
    assert (ours.origin, ours.seed, ours.readout) == ("emulated", 5, readout)
    freedom = (2**n_cells - 1) * 3**n_cells
    both = np.sum((ours.table - aer.table) ** 2 / (ours.table + aer.table))
    assert 1e-3 < chi2.sf(both, freedom) < 1 - 1e-3
    expected = shots * reading_probabilities(rho, readout, ours.settings)
    assert 1e-3 < chi2.sf(np.sum((ours.table - expected) ** 2 / expected), freedom) < 1 - 1e-3
    mirrored = sample_counts(rho, ReadoutModel(readout.assignment[::-1]), shots, seed=5)
    assert (
        chi2.sf(np.sum((mirrored.table - aer.table) ** 2 / (mirrored.table + aer.table)), freedom)
        < 1e-6
    )


def test_inverting_the_readout_gives_the_leaked_weight_back():
    rho, readout = random_state(9), random_readout(2, 3, 3)
    counts = sample_counts(rho, readout, 10**8, seed=2, settings=["XY"])
    weights = np.diag(rho).real.reshape(3, 3)  # cell 1, cell 0
    found = readout.leakage(counts.table / counts.shots[:, None])
    np.testing.assert_allclose(found, [[weights[:, 2].sum(), weights[2].sum()]], atol=1e-3)


def test_a_setting_has_the_same_counts_whatever_else_is_drawn():
    rho = random_state(4)
    every = sample_counts(rho, ReadoutModel.ideal(2), 300, seed=7)
    some = sample_counts(rho, ReadoutModel.ideal(2), {"ZX": 300, "XX": 20}, seed=7)
    assert some.settings == ("ZX", "XX")
    np.testing.assert_array_equal(some.shots, [300, 20])
    np.testing.assert_array_equal(some.table[0], every.table[every.settings.index("ZX")])
    other = sample_counts(rho, ReadoutModel.ideal(2), 300, seed=8)
    assert not np.any(np.all(every.table == other.table, axis=1))


def test_settings_have_independent_random_streams():
    """As for Aer: the summed excess has variance 27 * 100, not 27^2 * 100, over the seeds."""
    excess = []
    for seed in range(40):
        table = sample_counts(np.eye(8) / 8, ReadoutModel.ideal(3), 400, seed).table
        ones = table @ ((np.arange(8)[:, None] >> np.arange(3)) & 1)
        excess.append((ones.sum(axis=0) - 27 * 200) / np.sqrt(27 * 100))
        assert len(np.unique(table, axis=0)) == 27
    statistic = np.sum(np.square(excess))
    assert chi2.ppf(1e-3, 120) < statistic < chi2.ppf(1 - 1e-3, 120)
    assert np.abs(excess).max() < norm.isf(1e-3 / 240)


def test_shots_may_be_many_and_differ():
    shots = {"X": 999_999_999, "Y": 1}
    counts = sample_counts([1, 1j] / np.sqrt(2), ReadoutModel.ideal(1), shots, seed=3)
    np.testing.assert_array_equal(counts.shots, [999_999_999, 1])
    np.testing.assert_array_equal(counts.table[1], [1, 0])  # Y of its eigenstate +1


def test_states_may_be_vectors_or_qiskit_states():
    plus = DensityMatrix.from_label("+")
    counts = sample_counts(plus, ReadoutModel.ideal(1), 30, seed=2, settings=["X"])
    np.testing.assert_array_equal(counts.table, [[30, 0]])
    leaked = np.eye(9)[8]
    counts = sample_counts(leaked, IDEAL3, 30, seed=2, settings=["XY"])
    np.testing.assert_array_equal(counts.table, [[0] * 8 + [30]])


def test_pairs_that_are_read_together_can_be_sampled():
    rho = random_state(8)
    matrix = 0.8 * np.eye(4) + 0.2 * np.random.default_rng(3).dirichlet(np.ones(4), 4).T
    readout = PairReadoutModel(((0, 2), (1,)), (matrix, UNEQUAL.assignment[1]))
    ideal = reading_probabilities(rho, ReadoutModel.ideal(3), ["XYZ", "ZZX"])
    found = reading_probabilities(rho, readout, ["XYZ", "ZZX"])
    np.testing.assert_allclose(found, readout.apply(ideal), atol=1e-15)
    counts = sample_counts(rho, readout, 5000, seed=4)
    expected = 5000 * reading_probabilities(rho, readout, counts.settings)
    assert 1e-3 < chi2.sf(np.sum((counts.table - expected) ** 2 / expected), 27 * 7) < 1 - 1e-3
    assert counts.readout == readout
    assert Counts.from_dict(counts.to_dict()).readout == readout


def test_counts_of_three_outcomes_survive_a_file():
    counts = sample_counts(random_state(9), random_readout(2, 3, 3), 100, seed=1)
    again = Counts.from_dict(counts.to_dict())
    np.testing.assert_array_equal(again.table, counts.table)
    assert again.readout == counts.readout


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"state": np.eye(9)}, "A state must have trace 1 within"),
        ({"state": np.diag([1.5, -0.5, 0])}, "A state must have eigenvalues >= 0 within"),
        ({"state": np.triu(np.ones((9, 9))) / 9}, "A state must be Hermitian within"),
        ({"state": np.full((9, 9), np.nan)}, "A state must hold finite numbers only."),
        (
            {"state": np.eye(5) / 5},
            "(2^N, 2^N) or (3^N, 3^N) or be a vector of that length, not (5, 5).",
        ),
        ({"state": np.eye(1)}, "A state must have shape (2^N, 2^N) or (3^N, 3^N)"),
        ({"state": np.ones((2, 4))}, "A state must have shape (2^N, 2^N) or (3^N, 3^N)"),
        ({"state": "a state"}, "A state must be an array of numbers or a Qiskit state."),
        ({"state": np.eye(2048)[0]}, "'n_cells of 2 levels' must be a whole number <= 10, not 11."),
        ({"state": np.eye(2187)[0]}, "'n_cells of 3 levels' must be a whole number <= 6, not 7."),
        ({"readout": None}, "'readout' must be a ReadoutModel or a PairReadoutModel, not None."),
        ({"readout": ReadoutModel.ideal(3, levels=3)}, "'readout' must describe 2 cells like the"),
        ({"readout": ReadoutModel.ideal(2)}, "'readout' must have 3 levels like the state, not 2:"),
        ({"shots": 0}, "'shots' must be a whole number >= 1 and <= 999999999, not 0."),
        ({"shots": 10.5}, "'shots' must be a whole number >= 1 and <= 999999999, not 10.5."),
        ({"shots": {}}, "'settings' must hold at least one setting."),
        (
            {"shots": {"XX": 0}},
            "'shots of XX' must be a whole number >= 1 and <= 999999999, not 0.",
        ),
        ({"shots": {"XI": 5}}, "'settings' must be Pauli labels of 2 letters X, Y, Z, not 'XI'."),
        (
            {"shots": {"XX": 5}, "settings": ["XX", "YY"]},
            "'shots' must name every setting, but 'YY' is missing.",
        ),
        (
            {"shots": {"XX": 5, "YY": 5}, "settings": ["XX"]},
            "'shots' names 'YY', which is none of the settings.",
        ),
        ({"seed": -3}, "'seed' must be a whole number >= 0, not -3."),
        ({"settings": ["XX", "XX"]}, "'settings' must name 'XX' once, not 2 times."),
    ],
)
def test_wrong_arguments_get_one_sentence(changes, sentence):
    good = {"state": np.eye(9) / 9, "readout": IDEAL3, "shots": 10, "seed": 1}
    with pytest.raises(InputError, match=re.escape(sentence)) as caught:
        sample_counts(**{**good, **changes})
    assert "\n" not in str(caught.value)


def test_a_table_that_does_not_fit_in_memory_is_refused_beforehand():
    letters = np.array(list("XYZ"))
    numbers = np.arange(3**10)[:40_000, None] // 3 ** np.arange(10) % 3
    settings = ["".join(row) for row in letters[numbers]]
    sentence = "a table of counts of at most 2.68e+08 bytes, not 3.28e+08: use fewer settings"
    with pytest.raises(InputError, match=re.escape(sentence)):
        sample_counts(np.eye(1024)[0], ReadoutModel.ideal(10), 10, 1, settings)


def test_aer_takes_different_shots_and_keeps_its_counts_for_equal_ones():
    rho, readout = random_state(4), ReadoutModel(UNEQUAL.assignment[:2])
    equal = emulate_counts(rho, readout, 300, seed=7)
    by_name = emulate_counts(rho, readout, dict.fromkeys(equal.settings, 300), seed=7)
    np.testing.assert_array_equal(by_name.table, equal.table)
    shots = {"ZX": 4000, "XX": 50, "YY": 4001, "ZZ": 50}
    counts = emulate_counts(rho, readout, shots, seed=7)
    assert counts.settings == tuple(shots)
    np.testing.assert_array_equal(counts.shots, list(shots.values()))
    expected = counts.shots[:, None] * reading_probabilities(rho, readout, counts.settings)
    assert chi2.sf(np.sum((counts.table - expected) ** 2 / expected), 12) > 1e-3


def test_aer_gives_settings_of_different_shots_different_streams():
    """From one stream, 2000 and 2001 shots of the same state would differ in one shot."""
    shots = {"XX": 2000, "YY": 2001, "ZZ": 2002}
    table = emulate_counts(np.eye(4) / 4, ReadoutModel.ideal(2), shots, seed=3).table
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(table[one] - table[other]).sum() > 10


def test_aer_refuses_three_levels_and_names_the_sampler_that_takes_them():
    sentence = "takes qubit states only, not 3: use sample_counts"
    with pytest.raises(InputError, match=re.escape(sentence)):
        emulate_counts(np.eye(4) / 4, IDEAL3, 10, seed=1)
