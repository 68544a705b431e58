"""Means and variances of linear functionals: shots and calibration against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from states import ladder

from qbat_circuits.analysis.linear_inversion import observable_weights, outcome_probabilities
from qbat_circuits.analysis.sample import Sample, check_calibration, split_counts
from qbat_circuits.cells import level_energies, product_state
from qbat_circuits.errors import InputError
from qbat_circuits.readout_model import ReadoutModel

#: P(read y | prepared x) of 2 levels, and of 3 seen by 2 or 3 readings.
TWO = np.array([[[0.92, 0.12], [0.08, 0.88]], [[0.9, 0.07], [0.1, 0.93]]])
THREE = np.array(
    [
        [[0.9, 0.08, 0.05], [0.07, 0.82, 0.15], [0.03, 0.1, 0.8]],
        [[0.88, 0.1, 0.03], [0.1, 0.84, 0.12], [0.02, 0.06, 0.85]],
    ]
)
DRAWS = 2000


def table_of(probabilities, shots, rng):
    return np.stack([rng.multinomial(n, p) for n, p in zip(shots, probabilities, strict=True)])


def calibrated(assignment, shots, rng):
    """The model that a calibration with these shots of every level finds."""
    columns = np.swapaxes(assignment, 1, 2)
    return ReadoutModel.from_calibration_counts(
        np.swapaxes(rng.multinomial(shots, columns), 1, 2).astype(np.int64)
    )


def drawn(weights, assignment, born, shots, calibration, seed):
    """Mean and variance of a functional in each of many experiments."""
    rng = np.random.default_rng(seed)
    model = ReadoutModel(assignment)
    read = np.clip(model.apply(born), 0, None)
    found = np.empty((DRAWS, 2))
    for k in range(DRAWS):
        measured = model if calibration is None else calibrated(assignment, calibration, rng)
        sample = Sample(table_of(read, shots, rng), measured)
        found[k] = sample.mean(weights), sample.variance(weights)
    return found.T


def functional(n_cells, seed=3):
    """Weights of the energy with a random observable beside it."""
    g = np.random.default_rng(seed).normal(size=(2, 2**n_cells, 2**n_cells))
    a = g[0] + 1j * g[1]
    return observable_weights(np.diag(level_energies(n_cells)) + (a + a.conj().T) / 4)


@pytest.mark.parametrize("n_cells", [1, 2])
def test_the_mean_is_unbiased_and_its_variance_that_of_multinomial_sampling(n_cells):
    """Exact matrices, unequal shots. 2000 draws know a variance to 3.2 %."""
    born = outcome_probabilities(ladder(n_cells))
    weights = functional(n_cells)
    shots = np.resize([300, 500, 900, 2000], len(born))
    means, variances = drawn(weights, TWO[:n_cells], born, shots, None, seed=n_cells)
    truth = np.sum(weights * born)
    assert abs(means.mean() - truth) < 4 * means.std() / np.sqrt(DRAWS)
    assert variances.mean() == pytest.approx(means.var(), rel=0.1)
    assert variances.std() < 0.1 * variances.mean()


@pytest.mark.parametrize(
    ("n_cells", "shots", "calibration", "share"),
    [(1, 500, 200, 0.3), (1, 500, 2000, 0.03), (2, 30000, 200, 0.95), (2, 1000, 2000, 0.1)],
)
def test_the_noise_of_the_calibration_is_in_the_variance(n_cells, shots, calibration, share):
    """Shots and calibration drawn anew each time; ``share`` of the variance is the calibration's.

    The extra shots of the calibration make the variance 4/K / (200 * 8 %), about 10 %, too large
    at 200 shots. The inverse of a measured matrix is biased at second order: little beside the
    noise.
    """
    rho = product_state([0.9] * n_cells)
    born, weights = outcome_probabilities(rho), functional(n_cells)
    all_shots = np.full(len(born), shots)
    means, variances = drawn(weights, TWO[:n_cells], born, all_shots, calibration, seed=5)
    assert abs(means.mean() - np.sum(weights * born)) < 0.15 * means.std()
    assert 0.92 < variances.mean() / means.var() < (1.25 if calibration == 200 else 1.1)
    exact = ReadoutModel(TWO[:n_cells])
    table = np.rint(1e6 * exact.apply(born)).astype(np.int64)
    of_shots = Sample(table, exact).variance(weights) * 1e6 / shots
    assert 1 - of_shots / variances.mean() > share


@pytest.mark.parametrize("calibration", [None, 300])
def test_three_levels_give_the_qubit_block_without_bias(calibration):
    """Leaked cells are seen: the outcomes are those of the block, and so are their variances."""
    rng = np.random.default_rng(7)
    born = rng.dirichlet(np.ones(9), size=2)  # of two cells with three levels, in two settings
    block = born[:, [0, 1, 3, 4]]
    weights = rng.normal(size=(2, 4))
    means, variances = drawn(weights, THREE, born, [400, 700], calibration, seed=8)
    truth = np.sum(weights * block)
    assert block.sum(axis=1).max() < 0.9
    assert abs(means.mean() - truth) < (4 / np.sqrt(DRAWS) + (calibration is not None) * 0.1) * (
        means.std()
    )
    assert 0.92 < variances.mean() / means.var() < 1.15
    table = np.rint(1e12 * ReadoutModel(THREE).apply(born)).astype(np.int64)
    np.testing.assert_allclose(Sample(table, ReadoutModel(THREE)).outcomes, block, atol=1e-9)


def test_covariances_are_the_variances_of_sums():
    rng = np.random.default_rng(1)
    measured = calibrated(TWO, 500, rng)
    born = outcome_probabilities(ladder(2))
    shots = np.arange(200, 1100, 100)
    sample = Sample(table_of(measured.apply(born), shots, rng), measured)
    weights = np.stack([functional(2, seed) for seed in range(4)])
    stacked = sample.covariance(weights)
    assert stacked.shape == (10, 4, 4)
    covariance = np.einsum("sfg,s->fg", stacked[:-1], 1 / shots) + stacked[-1]
    for c in (*np.eye(4), *rng.normal(size=(5, 4))):
        variance = sample.variance(np.tensordot(c, weights, 1))
        assert c @ covariance @ c == pytest.approx(variance, rel=1e-10)
    exact = Sample(sample.table, ReadoutModel(measured.assignment))
    assert not exact.covariance(weights)[-1].any()
    np.testing.assert_allclose(exact.covariance(weights)[:-1], stacked[:-1])
    np.testing.assert_allclose(sample.variance(weights), np.diagonal(covariance))
    np.testing.assert_allclose(sample.standard_error(weights[2]) ** 2, covariance[2, 2])


def test_a_part_of_the_shots_and_of_the_calibration_has_more_variance():
    """A fifth of both: five times the variance, with the probabilities of all shots."""
    rng = np.random.default_rng(2)
    measured = calibrated(TWO, 1000, rng)
    sample = Sample(rng.multinomial(1000, np.full(4, 0.25), size=9), measured)
    weights, part = functional(2), sample.split(5, rng)[0]
    # the extra calibration shots weigh more among 200 than among 1000
    assert sample.variance(weights, part) == pytest.approx(5 * sample.variance(weights), rel=0.01)
    np.testing.assert_allclose(sample.variance(weights, sample), sample.variance(weights))


@pytest.mark.parametrize("levels", [2, 3])
def test_parts_share_out_the_shots_and_those_of_the_calibration(levels):
    rng = np.random.default_rng(3)
    measured = calibrated(TWO if levels == 2 else THREE, 333, rng)
    sample = Sample(rng.multinomial([57, 400], np.full(levels**2, levels**-2.0)), measured)
    parts = sample.split(5, np.random.default_rng(4))
    np.testing.assert_array_equal(sum(part.table for part in parts), sample.table)
    whole = measured.calibration_counts()
    dealt = [part.readout.calibration_counts() for part in parts]
    np.testing.assert_array_equal(sum(dealt), whole)
    assert {int(n) for part in parts for n in part.readout.calibration_shots.ravel()} == {66, 67}
    rest = sample.without(parts[1], parts[3])
    np.testing.assert_array_equal(rest.table, sum(parts[k].table for k in (0, 2, 4)))
    np.testing.assert_array_equal(
        rest.readout.calibration_counts(), sum(dealt[k] for k in (0, 2, 4))
    )
    again = sample.split(5, np.random.default_rng(4))
    for part, same in zip(parts, again, strict=True):
        np.testing.assert_array_equal(part.table, same.table)
        assert part.readout == same.readout
    assert parts[0].readout != parts[1].readout


def test_parts_of_an_exact_readout_keep_it():
    sample = Sample(np.full((3, 2), 20), ReadoutModel(TWO[:1]))
    parts = sample.split(4, np.random.default_rng(0))
    assert all(part.readout is sample.readout for part in parts)
    assert sample.without(*parts[1:]).readout is sample.readout
    np.testing.assert_array_equal(sample.without(*parts[1:]).table, parts[0].table)


def test_outcomes_that_never_occurred_have_a_variance():
    """10 shots, all read 0: 4 extra ones, half of them 1, give p = 1/7 a variance of 6/49 / 10."""
    sample = Sample(np.array([[10, 0]]), ReadoutModel.ideal(1))
    weights = np.array([[0.0, 1.0]])
    assert sample.mean(weights) == 0
    assert sample.variance(weights) == pytest.approx(6 / 49 / 10)
    plain = Sample(sample.table, sample.readout, np.zeros((1, 2)))
    assert plain.variance(weights) == 0


def test_a_calibration_that_says_next_to_nothing_is_refused():
    check_calibration(ReadoutModel(TWO))
    check_calibration(ReadoutModel(TWO, 100))
    few = ReadoutModel(TWO, np.array([[1000, 1000], [99, 500]]))
    with pytest.raises(InputError, match=r">= 100 for an interval, not 99 \(cell 1\)"):
        check_calibration(few)


def test_the_parts_of_the_shots_add_up_and_have_equal_sizes():
    table = np.random.default_rng(0).multinomial([17, 100, 5], [[0.1, 0.2, 0.3, 0.4]] * 3)
    parts = split_counts(table, 5, np.random.default_rng(1))
    np.testing.assert_array_equal(sum(parts), table)
    sizes = np.array([part.sum(axis=1) for part in parts])
    assert min(part.min() for part in parts) >= 0
    np.testing.assert_array_equal(sizes.max(axis=0), [4, 20, 1])
    np.testing.assert_array_equal(sizes.min(axis=0), [3, 20, 1])


def test_parts_are_drawn_without_replacement():
    """Mean and variance of the multivariate hypergeometric: n/5 p and n/5 p (1-p) 4n/5/(n-1)."""
    table = np.array([[40, 60]])
    rng = np.random.default_rng(2)
    first = np.array([split_counts(table, 5, rng)[3][0, 0] for _ in range(3000)])
    variance = 20 * 0.4 * 0.6 * 80 / 99
    assert first.mean() == pytest.approx(8, abs=4 * np.sqrt(variance / 3000))
    assert first.var() == pytest.approx(variance, rel=0.1)
