"""Ends at the edge of what is possible, and calibrations that are too poor for an interval."""

from __future__ import annotations

import numpy as np
import pytest

from qbat_circuits.analysis.estimate import estimate_ergotropy
from qbat_circuits.analysis.intervals import (
    FOLDS,
    Interval,
    cross_fit,
    left_out_means,
    linear_interval,
)
from qbat_circuits.analysis.sample import Sample, calibration_uncertainty
from qbat_circuits.errors import InputError
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.counts import Counts


@pytest.mark.parametrize(
    ("given", "clipped"),
    [
        ((0.5, 0.4, 0.7), (0.5, 0.4, 0.7)),
        ((0.98, 0.9, 1.2), (0.98, 0.9, 1.0)),
        ((1.1, 0.9, 1.3), (1.0, 0.9, 1.0)),
        ((1.3, 1.2, 1.4), (1.0, 0.9, 1.0)),  # beyond the edge: the reach below it stays
        ((-0.3, -0.4, -0.1), (0.0, 0.0, 0.2)),
        ((-0.3, -0.4, 0.0), (0.0, 0.0, 0.0)),  # an upper end of exactly 0 is one
    ],
)
def test_a_clipped_interval_has_no_width_of_zero_by_noise(given, clipped):
    found = Interval(*given).clipped(0.0, 1.0)
    assert (found.value, found.low, found.high) == pytest.approx(clipped)


def test_an_interval_is_its_value_and_both_ends_by_name():
    assert Interval(0.3, 0.1, 0.4).to_dict() == {"value": 0.3, "low": 0.1, "high": 0.4}


def two_settings(calibration: int | None = None) -> Sample:
    readout = ReadoutModel.from_error_rates([0.02, 0.04], [0.03, 0.05], calibration)
    table = np.random.default_rng(4).multinomial(1000, [[0.5, 0.2, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]])
    return Sample(table, readout)


def test_the_interval_of_one_functional_reaches_as_far_up_as_down():
    sample, weights = two_settings(), np.array([[0.0, 1, 1, 2], [1.0, 0, 0, -1]])
    found = linear_interval(sample, weights, 1.96)
    reach = 1.96 * sample.standard_error(weights)
    assert found == Interval(found.value, found.value - reach, found.value + reach)
    assert found.value == pytest.approx(float(sample.mean(weights)))


def jumping(part: Sample) -> np.ndarray:
    """Two functionals that differ from part to part: the frequencies themselves, and a sign."""
    return np.stack([part.frequencies, np.sign(part.frequencies - 0.25)])


@pytest.mark.parametrize("calibration", [None, 500])
def test_the_cross_fit_is_its_formula(calibration):
    """L and Var = sum_k (Var_k(w_-k) + sum_l Var_k(w_-k - w_-k,-l)) / K^2, part by part."""
    sample = two_settings(calibration)
    means, errors = cross_fit(sample, jumping, np.random.default_rng(3))
    parts = sample.split(FOLDS, np.random.default_rng(3))
    expected, variance = np.zeros(2), np.zeros(2)
    for k, part in enumerate(parts):
        own = jumping(sample.without(part))
        expected += part.mean(own) / FOLDS
        variance += sample.variance(own, part)
        for m in range(FOLDS):
            if m != k:
                without = jumping(sample.without(part, parts[m]))
                variance += sample.variance(own - without, part)
    np.testing.assert_allclose(means, expected, rtol=1e-12)
    np.testing.assert_allclose(errors, np.sqrt(variance) / FOLDS, rtol=1e-12)
    alone = left_out_means(sample, jumping, np.random.default_rng(3))
    np.testing.assert_allclose(alone, expected, rtol=1e-12)


def one_cell(ones: int, readout: ReadoutModel) -> Counts:
    """A cell with undecided X and Y and this many excited readings of 1000 in Z."""
    table = np.array([[500, 500], [500, 500], [1000 - ones, ones]])
    return Counts(n_cells=1, settings=("X", "Y", "Z"), table=table, readout=readout)


def test_counts_beyond_what_the_readout_allows_do_not_give_certainty():
    estimate = estimate_ergotropy(one_cell(985, ReadoutModel.from_error_rates([0.02], [0.03])))
    assert estimate.high == estimate.energy.high == 1
    assert 0.95 < estimate.energy.low < 0.999
    assert estimate.low < 0.995


def test_the_uncertainty_of_a_calibration_is_that_of_the_contrast():
    model = ReadoutModel.from_error_rates([0.02, 0.1], [0.02, 0.15], 200)
    of_contrast = np.sqrt((0.1 * 0.9 + 0.15 * 0.85) / 200) / 0.75
    assert calibration_uncertainty(model) == pytest.approx(of_contrast, rel=0.1)
    symmetric = ReadoutModel.from_error_rates([0.2], [0.2], 400)
    exact = np.sqrt(2 * 0.2 * 0.8 / 400) / 0.6
    assert calibration_uncertainty(symmetric) == pytest.approx(exact, rel=1e-12)
    assert calibration_uncertainty(ReadoutModel.from_error_rates([0.2], [0.2])) == 0


def test_a_poor_calibration_is_warned_about_and_a_useless_one_refused():
    fine = estimate_ergotropy(one_cell(700, ReadoutModel.from_error_rates([0.05], [0.05], 100)))
    assert fine.warnings == ()
    poor = estimate_ergotropy(one_cell(700, ReadoutModel.from_error_rates([0.2], [0.2], 300)))
    assert [w for w in poor.warnings if "contrast of a cell uncertain by 5.4%" in w]
    with pytest.raises(InputError, match=r"uncertain by at most 10% for an interval, not 34\.6%"):
        estimate_ergotropy(one_cell(600, ReadoutModel.from_error_rates([0.4], [0.4], 100)))


def test_another_readout_than_the_one_the_counts_carry_is_said():
    carried = ReadoutModel.from_error_rates([0.02], [0.03])
    counts = one_cell(700, carried)
    assert estimate_ergotropy(counts, readout=carried).warnings == ()
    other = ReadoutModel.from_error_rates([0.03], [0.02])
    assert estimate_ergotropy(counts, readout=other).warnings == (
        "The readout that the counts carry was replaced by another one.",
    )
