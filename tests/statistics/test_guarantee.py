"""Bound and p-value for any number of shots, and the interval's lower end, never cry work.

Shots, and where it says so the calibration of the readout too, are drawn anew in every repetition.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import beta
from states import ladder

from qbat_circuits.analysis.guaranteed import guarantee
from qbat_circuits.analysis.intervals import cross_fit
from qbat_circuits.analysis.linear_inversion import outcome_probabilities
from qbat_circuits.analysis.pauli import work_and_lowest
from qbat_circuits.analysis.sample import Sample
from qbat_circuits.cells import level_energies, product_state
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.thermodynamics import ergotropy

REPETITIONS = 200
ROUND_OFF = 1e-9
READOUT = ReadoutModel.from_error_rates([0.015, 0.02], [0.03, 0.025])

STATES = {
    "charged": ladder(2),
    "Gibbs": product_state([1 / 3] * 2),
    "maximally mixed": np.eye(4, dtype=complex) / 4,
    "all excited": product_state([1.0, 1.0]),
    # in most samples no shot shows what is missing
    "nearly all excited": product_state([0.99, 0.99]),
}


def experiments(name, shots, calibration):
    """Samples of the state, with the readout that each of them measured."""
    p = np.clip(READOUT.apply(outcome_probabilities(STATES[name])), 0, None)
    p /= p.sum(axis=1, keepdims=True)
    columns = np.swapaxes(READOUT.assignment, 1, 2)
    rng = np.random.default_rng([shots, *name.encode()])
    for _ in range(REPETITIONS):
        readout = READOUT
        if calibration is not None:
            counted = np.swapaxes(rng.multinomial(calibration, columns), 1, 2).astype(np.int64)
            readout = ReadoutModel.from_calibration_counts(counted)
        yield Sample(rng.multinomial(shots, p), readout)


@cache
def study(name, shots, calibration):
    """Bounds and p-values."""
    functionals, rng = work_and_lowest(level_energies(2)), np.random.default_rng(1)
    found = [
        guarantee(sample, lambda part: functionals(part)[0], 0.95, rng)
        for sample in experiments(name, shots, calibration)
    ]
    return np.array([(g.low, g.p_value) for g in found]).T


def lower_limit(events):
    """99.9 % lower limit of Clopper and Pearson for a proportion."""
    return 0.0 if events == 0 else beta.ppf(0.001, events, REPETITIONS - events + 1)


CASES = [(name, shots, None) for name in STATES for shots in (10, 1000)]
CASES += [("charged", 10000, None), ("maximally mixed", 10000, None)]
CASES += [(name, 1000, 300) for name in ("charged", "Gibbs", "all excited")]
CASES += [("maximally mixed", 10000, 300)]


@pytest.mark.parametrize(("name", "shots", "calibration"), CASES)
def test_the_bound_is_above_the_work_as_seldom_as_stated(name, shots, calibration):
    low, p_value = study(name, shots, calibration)
    truth = ergotropy(STATES[name])
    assert lower_limit(np.sum(low > truth + ROUND_OFF)) <= 0.05
    assert np.all((low >= 0) & (p_value > 0) & (p_value <= 1))
    if truth == pytest.approx(0, abs=1e-12):
        for level in (0.01, 0.05, 0.2):
            assert lower_limit(np.sum(p_value <= level)) <= level


@pytest.mark.parametrize(
    ("name", "shots", "calibration", "p", "share"),
    [
        ("charged", 1000, None, 0.01, 0.2),  # of W = 1/7
        ("charged", 10000, None, 1e-11, 0.8),
        ("charged", 1000, 300, 0.1, 0.0),
        ("all excited", 1000, None, 1e-11, 0.95),
        ("all excited", 1000, 300, 2e-4, 0.8),
    ],
)
def test_work_is_found(name, shots, calibration, p, share):
    """Medians; ``share`` of the work is guaranteed."""
    low, p_value = study(name, shots, calibration)
    assert np.median(p_value) <= p
    assert np.median(low) >= share * ergotropy(STATES[name])


@cache
def lower_ends(name):
    """Cross-fit of the work and its standard error, and the same error with exact matrices.

    30000 shots a setting and 300 of the calibration, which is the larger noise.
    """
    functionals, rng = work_and_lowest(level_energies(2)), np.random.default_rng(2)
    rows = []
    for sample in experiments(name, 30000, 300):
        (mean, _), (error, _) = cross_fit(sample, functionals, rng)
        rows.append((mean, error))
    _, (of_shots, _) = cross_fit(Sample(sample.table, READOUT), functionals, rng)
    return (*np.array(rows).T, of_shots)


@pytest.mark.parametrize("name", ["Gibbs", "maximally mixed", "charged", "all excited"])
def test_the_lower_end_holds_where_the_calibration_is_the_larger_noise(name):
    """Above the work in at most 2.5 %: without work, that is a false positive."""
    means, errors, _ = lower_ends(name)
    assert lower_limit(np.sum(means - 1.96 * errors > ergotropy(STATES[name]))) <= 0.025


@pytest.mark.parametrize("name", ["charged", "all excited"])
def test_without_the_noise_of_the_calibration_it_would_not(name):
    means, errors, of_shots = lower_ends(name)
    assert errors.mean() > 2 * of_shots
    assert np.mean(means - 1.96 * of_shots > ergotropy(STATES[name])) > 0.05
