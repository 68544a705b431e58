"""Each step of the bound that holds for any number of shots, against its own statement."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import binomtest
from states import ladder

from qbat_circuits.analysis.guaranteed import (
    CALIBRATION_RISK,
    MAX_BOX_CELLS,
    _clopper_pearson,
    _Corners,
    _error_box,
    _pulled_to_corners,
    guarantee,
    guarantee_fixed,
)
from qbat_circuits.analysis.linear_inversion import outcome_probabilities
from qbat_circuits.analysis.pauli import work_and_lowest
from qbat_circuits.analysis.sample import Sample
from qbat_circuits.cells import level_energies
from qbat_circuits.pair_readout import PairReadoutModel
from qbat_circuits.readout_model import ReadoutModel

NO_BOX = np.zeros((0, 2)), np.zeros((0, 2))


def model(n_cells, shots=None):
    return ReadoutModel.from_error_rates(
        [0.015, 0.04, 0.03][:n_cells], [0.06, 0.025, 0.02][:n_cells], shots
    )


def sample_of(rho, readout, shots, seed=0):
    p = np.clip(readout.apply(outcome_probabilities(rho)), 0, None)
    rng = np.random.default_rng(seed)
    return Sample(rng.multinomial(shots, p / p.sum(axis=1, keepdims=True)), readout)


def work(n_cells):
    functionals = work_and_lowest(level_energies(n_cells))
    return lambda part: functionals(part)[0]


def test_clopper_and_pearson_against_scipy():
    events = np.array([[0, 1], [7, 50], [99, 100]])
    low, high = _clopper_pearson(events, np.full((3, 2), 100), 1e-5)
    for index, k in np.ndenumerate(events):
        theirs = binomtest(int(k), 100).proportion_ci(1 - 1e-5, "exact")
        assert low[index] == pytest.approx(theirs.low, abs=1e-9)
        assert high[index] == pytest.approx(theirs.high, abs=1e-9)


def test_all_boxes_of_both_halves_share_the_risk_of_the_calibration():
    """Each of 4N rates has CALIBRATION_RISK/(4N), from the counts of prepared 0 and prepared 1."""
    shots = np.array([[300, 700], [2000, 400]])
    measured = model(2, shots)
    low, high = _error_box(measured)
    counts = measured.calibration_counts()
    for cell, (level, wrong) in product(range(2), ((0, 1), (1, 0))):
        test = binomtest(int(counts[cell, wrong, level]), int(shots[cell, level]))
        theirs = test.proportion_ci(1 - CALIBRATION_RISK / 8, "exact")
        assert low[cell, level] == pytest.approx(theirs.low, abs=1e-9)
        assert high[cell, level] == pytest.approx(theirs.high, abs=1e-9)


@pytest.mark.parametrize("n_cells", [1, 2, 3])
def test_weights_at_every_corner_are_those_of_that_readout(n_cells):
    weights = np.random.default_rng(n_cells).normal(size=(4, 2**n_cells))
    box = _error_box(model(n_cells, 1000))
    found = _pulled_to_corners(weights, model(n_cells, 1000), box)
    assert found.shape == (4**n_cells, 4, 2**n_cells)
    rates = [product(*zip(low, high, strict=True)) for low, high in zip(*box, strict=True)]
    expected = [
        ReadoutModel.from_error_rates(*zip(*corner, strict=True)).pull_back(weights)
        for corner in product(*rates)
    ]
    # in some order: compare as sorted lists of rows
    order = [
        min(range(len(found)), key=lambda c, e=e: np.abs(found[c] - e).max()) for e in expected
    ]
    assert sorted(order) == list(range(4**n_cells))
    np.testing.assert_allclose(found[order], expected, atol=1e-12)


@pytest.mark.parametrize(("n_cells", "shots"), [(1, 20), (1, 1000), (2, 20), (2, 1000)])
def test_no_point_inside_the_box_has_a_smaller_bound_than_the_worst_corner(n_cells, shots):
    """The bound at exact error rates from anywhere in the box, and for any risk."""
    measured = model(n_cells, 300)
    low, high = _error_box(measured)
    rng = np.random.default_rng(n_cells)
    for seed in range(6):
        sample = sample_of(ladder(n_cells), measured, shots, seed)
        weights = rng.normal(size=sample.table.shape)
        corners = _Corners.of(weights, sample, (low, high))
        inside = []
        for _ in range(40):
            a, b = (low + rng.random(low.shape) * (high - low)).T
            exact = ReadoutModel.from_error_rates(a.tolist(), b.tolist())
            inside.append(_Corners.of(weights, Sample(sample.table, exact), NO_BOX))
        for risk in (1e-9, 0.01, 0.2):
            bounds = [point.bound(risk) for point in inside]
            assert corners.bound(risk) <= min(bounds) + 1e-12
            # the nominal rates would promise more
            nominal = Sample(sample.table, ReadoutModel(measured.assignment))
            assert corners.bound(risk) < _Corners.of(weights, nominal, NO_BOX).bound(risk) - 1e-3


@pytest.mark.parametrize("shots", [5, 10, 50])
def test_the_variance_is_above_its_bound_as_seldom_as_stated(shots):
    """sqrt(V) <= sqrt(V_S) + b sqrt(2 a ln(1/d)); one rare outcome holds most of the variance."""
    rng = np.random.default_rng(shots)
    p = np.array([[0.01, 0.49, 0.5], [0.02, 0.9, 0.08]])
    w = np.array([[3.0, 0.1, 0.0], [1.0, 0.0, 0.1]])
    n = np.array([shots, 2 * shots])
    table = rng.multinomial(n, p, size=(20000, 2))
    f = table / n[:, None]
    v = np.sum((np.sum(p * w**2, axis=1) - np.sum(p * w, axis=1) ** 2) / n)
    centred = w - np.sum(f * w, axis=2)[..., None]
    estimated = np.sum(np.sum(f * centred**2, axis=2) / (n - 1), axis=1)
    assert estimated.mean() == pytest.approx(v, rel=0.05)  # unbiased
    b, a = 3.0 / shots, shots / (shots - 1)
    for risk in (0.3, 0.05, 0.01):
        beyond = np.sqrt(v) > np.sqrt(estimated) + b * np.sqrt(2 * a * np.log(1 / risk))
        assert np.mean(beyond) <= risk
    assert np.mean(np.sqrt(v) > np.sqrt(estimated)) > 0.5  # without the second term


def test_mean_variance_and_range_of_a_functional():
    """A corner of exact rates is Sample's mean, the unbiased variance and the largest range."""
    sample = sample_of(ladder(2), model(2), 50)
    weights = work(2)(sample_of(ladder(2), model(2), 50, seed=1))
    corners = _Corners.of(weights, sample, NO_BOX)
    assert corners.mean == pytest.approx([float(sample.mean(weights))])
    plain = Sample(sample.table, sample.readout, np.zeros(sample.table.shape))
    assert corners.variance == pytest.approx([float(plain.variance(weights)) * 50 / 49])
    read = sample.readout.pull_back(weights)
    assert corners.largest == pytest.approx([np.ptp(read, axis=1).max() / 50])
    assert corners.excess == pytest.approx(50 / 49)


def test_the_bound_is_that_of_bernstein_and_of_maurer_and_pontil():
    corners = _Corners(np.array([1.0]), np.array([0.04]), np.array([0.01]), 1.25)
    mean, variance = np.log(1 / (0.05 * 0.9)), np.log(1 / (0.05 * 0.1))
    root = 0.2 + 0.01 * np.sqrt(2.5 * variance)
    expected = 1 - np.sqrt(2 * mean) * root - 0.01 * mean / 3
    assert corners.bound(0.05) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("scale", [0.3, 0.8, 1.5])
def test_the_p_value_is_the_risk_at_which_the_bound_leaves_zero(scale):
    corners = _Corners(np.array([scale, 1.0]), np.array([0.04, 0.05]), np.array([0.01, 0.02]), 1.1)
    p = corners.p_value()
    assert corners.bound(p) > 0 >= corners.bound(p / 1.06)
    assert _Corners(np.array([9.0]), np.array([0.04]), np.array([0.01]), 1.1).p_value() == 1e-12
    assert _Corners(np.array([-1.0]), np.array([0.04]), np.array([0.01]), 1.1).p_value() == 1.0


@pytest.mark.parametrize("calibration", [None, 3000])
def test_bound_and_p_value_say_the_same(calibration):
    """The bound is above 0 at the confidence 1 - p, and not at one that is higher."""
    sample = sample_of(ladder(2), model(2, calibration), 1300)
    found = guarantee(sample, work(2), 0.95, np.random.default_rng(1))
    assert 1e-5 < found.p_value < 0.05
    assert 0 < found.low < 1 / 7
    more, less = (
        guarantee(sample, work(2), 1 - factor * found.p_value, np.random.default_rng(1)).low
        for factor in (1.01, 0.94)
    )
    assert more > 0 == less


def test_each_half_chooses_for_the_other_and_pays_for_two():
    """Twice the smaller p-value and the larger bound of two ways at half the risk; p is capped."""
    sample, seen = sample_of(ladder(2), model(2), 4000), []

    def functional(part):
        seen.append(part)
        return work(2)(part)

    found = guarantee(sample, functional, 0.95, np.random.default_rng(1))
    assert [part.shots.tolist() for part in seen] == [[2000] * len(sample.table)] * 2
    ways = [_Corners.of(work(2)(one), other, NO_BOX) for one, other in (seen, reversed(seen))]
    assert found.low == pytest.approx(max(way.bound(0.025) for way in ways), rel=1e-12)
    assert found.p_value == pytest.approx(2 * min(way.p_value() for way in ways), rel=1e-12)
    assert found.p_value < CALIBRATION_RISK  # which exact matrices do not pay
    passive = sample_of(np.diag([1.0, 0, 0, 0]), model(2), 50)
    assert guarantee(passive, work(2), 0.95, np.random.default_rng(1)).p_value == 1.0


@pytest.mark.parametrize("calibrations", [(None,), (2000,), (None, 3000), (2000, 3000)])
def test_a_fixed_functional_is_measured_by_all_shots_at_the_whole_risk(calibrations):
    """Every corner of every box: means and variances add up, the largest range counts."""
    parts = []
    for seed, calibration in enumerate(calibrations):
        sample = sample_of(ladder(2), model(2, calibration), 3000 * (seed + 1), seed)
        parts.append((sample, work(2)(sample_of(ladder(2), model(2), 3000, 9))))
    boxes = [
        NO_BOX if sample.readout.calibration_shots is None else _error_box(sample.readout)
        for sample, _ in parts
    ]
    every = [_Corners.of(w, sample, box) for (sample, w), box in zip(parts, boxes, strict=True)]
    corners = [
        _Corners(
            np.array([sum(c.mean[i] for c, i in zip(every, at, strict=True))]),
            np.array([sum(c.variance[i] for c, i in zip(every, at, strict=True))]),
            np.array([max(c.largest[i] for c, i in zip(every, at, strict=True))]),
            max(c.excess for c in every),
        )
        for at in product(*(range(len(c.mean)) for c in every))
    ]
    # Half of what a box for two samples costs, for each that was measured.
    fixed = CALIBRATION_RISK / 2 * sum(one is not None for one in calibrations)
    found = guarantee_fixed(parts, 0.9)
    lowest = min(corner.bound(0.1 - fixed) for corner in corners)
    assert found.low == pytest.approx(lowest, rel=1e-9)
    worst = max(corner.p_value() for corner in corners)
    assert found.p_value == pytest.approx(worst + fixed, rel=0.05)
    assert fixed <= found.p_value < 0.1
    if fixed:
        assert guarantee_fixed(parts, 1 - fixed).low == -np.inf
        assert guarantee_fixed(parts, 1 - fixed / 2).low == -np.inf


@pytest.mark.parametrize("calibration", [None, 2000])
def test_a_fixed_functional_of_no_work_proves_nothing(calibration):
    sample = sample_of(np.diag([1.0, 0, 0, 0]), model(2, calibration), 300)
    found = guarantee_fixed([(sample, -work(2)(sample_of(ladder(2), model(2), 300)))], 0.95)
    assert found.low < 0
    assert found.p_value == 1.0


def test_the_range_of_a_term_is_that_of_its_own_setting():
    """Offsets between settings are no spread: 1/40 of the first, not 10/40 of both."""
    table = np.full((2, 4), 10)
    weights = np.array([[0.0, 1.0, 0.0, 1.0], [10.0, 10.0, 10.0, 10.0]])
    exact = ReadoutModel.from_error_rates([0.0] * 2, [0.0] * 2)
    corners = _Corners.of(weights, Sample(table, exact), NO_BOX)
    assert corners.largest == pytest.approx([1 / 40])


def test_a_bound_above_zero_at_the_smallest_risk_has_the_smallest_p_value():
    corners = _Corners(np.array([2.1]), np.array([0.04]), np.array([0.0]), 1.1)
    assert 0 < corners.bound(1e-12) < 1
    assert corners.p_value() == 1e-12


def test_measured_matrices_cost_confidence():
    sample = sample_of(ladder(2), model(2), 2000)
    exact = guarantee(sample, work(2), 0.95, np.random.default_rng(1))
    lows = [exact.low]
    for calibration in (10**6, 30000, 3000):
        measured = Sample(sample.table, model(2, calibration))
        found = guarantee(measured, work(2), 0.95, np.random.default_rng(1))
        assert found.p_value >= max(exact.p_value, CALIBRATION_RISK)
        lows.append(found.low)
    assert lows == sorted(lows, reverse=True)
    # no bound at a confidence beyond the risk of the box
    beyond = Sample(sample.table, model(2, 10**6))
    assert guarantee(beyond, work(2), 0.99995, np.random.default_rng(1)).low == 0


def test_none_where_the_box_has_too_many_corners_or_a_singular_matrix():
    rng = np.random.default_rng(0)

    def zeros(part):
        return np.zeros((len(part.table), 2**part.readout.n_cells))

    def found(readout):
        size = readout.outcomes**readout.n_cells
        return guarantee(Sample(np.full((1, size), 4), readout), zeros, 0.95, rng)

    n = MAX_BOX_CELLS + 1
    assert found(ReadoutModel.from_error_rates([0.01] * n, [0.02] * n, 1000)) is None
    assert found(ReadoutModel.from_error_rates([0.01] * n, [0.02] * n)) is not None
    most = ReadoutModel.from_error_rates([0.01] * (n - 1), [0.02] * (n - 1), 1000)
    assert found(most) is not None
    two_poor = ReadoutModel.from_error_rates([0.4] * 2, [0.35] * 2, 10000)
    assert found(two_poor) is not None  # each cell's own contrast counts
    three = np.tile([[[0.9, 0.1, 0.0], [0.1, 0.8, 0.1], [0.0, 0.1, 0.9]]], (1, 1, 1))
    assert found(ReadoutModel(three, 1000)) is None
    assert found(ReadoutModel(three)) is not None
    pair = PairReadoutModel(((0, 1),), (np.eye(4),), ([1000] * 4,))
    assert found(pair) is None
    assert found(PairReadoutModel(((0, 1),), (np.eye(4),))) is not None
    assert found(ReadoutModel.from_error_rates([0.4], [0.45], 1000)) is None
    assert found(ReadoutModel.from_error_rates([0.4], [0.45], 100000)) is not None
    assert found(ReadoutModel.from_error_rates([0.9], [0.85], 1000)) is not None  # 0, 1 swapped


def test_a_third_level_that_is_read_as_0_or_1_changes_nothing():
    """Only the columns of the two qubit levels are inverted, so only they have a box."""
    two, rng = model(2, 1000), np.random.default_rng
    third = np.tile([[0.4], [0.6]], (2, 1, 1))
    leaky = ReadoutModel(np.concatenate([two.assignment, third], axis=2), 1000)
    table = sample_of(ladder(2), two, 2000).table
    weights = work(2)(Sample(table, two))
    parts = [(Sample(table, readout), weights) for readout in (two, leaky)]
    assert guarantee_fixed(parts[1:], 0.95) == guarantee_fixed(parts[:1], 0.95)
    found = guarantee(Sample(table, leaky), work(2), 0.95, rng(1))
    assert 0 < found.low < 1 / 7


def test_one_readout_without_a_box_leaves_no_bound():
    cells = Sample(np.full((1, 2), 40), model(1, 1000))
    singular = Sample(np.full((1, 2), 40), ReadoutModel.from_error_rates([0.4], [0.45], 300))
    weights = np.ones((1, 2))
    assert guarantee_fixed([(cells, weights), (cells, weights)], 0.95) is not None
    assert guarantee_fixed([(cells, weights), (singular, weights)], 0.95) is None
    pair = PairReadoutModel(((0, 1),), (np.eye(4),), ([1000] * 4,))
    six = ReadoutModel.from_error_rates([0.01] * 6, [0.02] * 6, 1000)
    for readout in (pair, six):
        size = 2**readout.n_cells
        part = Sample(np.full((1, size), 4), readout), np.ones((1, size))
        assert guarantee_fixed([part], 0.95) is None
