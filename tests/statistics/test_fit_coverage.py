"""The truth lies within the intervals of a fit at their rate.

Two cells, nine settings at five charging times, readout errors of 1.5-3 % from 2000 calibration
shots, fixed seeds. More parameters, shots and repetitions: benchmarks/fit_coverage.py.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import beta

import qbat_circuits as qb
from qbat_circuits.study.fit import fit_counts
from qbat_circuits.study.fit_models import Reading

REPETITIONS, CONFIDENCE = 40, 0.8
TRUTH = {"kappa": 1.0, "n": 1.0, "gamma": 0.4, "n_l": 0.3, "gamma_phi": 0.3}
TIMES = (0.3, 1.0, 3.0, 10.0, 30.0)
READOUT = qb.ReadoutModel.from_error_rates([0.015, 0.02], [0.03, 0.025])


@cache
def study() -> tuple[np.ndarray, np.ndarray]:
    """Whether each truth was covered, (repetitions, parameters), and p-values of the deviance."""
    rng = np.random.default_rng(3)
    states = qb.charge(Reading.THERMAL.battery(2, TRUTH), TIMES).states
    covered, p_values = [], []
    for _ in range(REPETITIONS):
        drawn = rng.multinomial(2000, np.moveaxis(READOUT.assignment, 1, 2))
        known = qb.ReadoutModel.from_calibration_counts(np.moveaxis(drawn, 2, 1))
        counts = []
        for rho in states:
            one = qb.sample_counts(rho, READOUT, 4000, int(rng.integers(2**31)))
            counts.append(qb.Counts(2, one.settings, one.table, readout=known))
        fit = fit_counts(TIMES, counts, confidence=CONFIDENCE)
        ends = [(fit.parameters[name].low, fit.parameters[name].high) for name in TRUTH]
        covered.append(
            [
                (low or 0.0) <= true <= (np.inf if high is None else high)
                for (low, high), true in zip(ends, TRUTH.values(), strict=True)
            ]
        )
        p_values.append(fit.deviance_p_value)
    return np.array(covered), np.array(p_values)


@pytest.mark.parametrize("number", range(len(TRUTH)))
def test_intervals_cover_at_their_rate(number: int) -> None:
    hits = int(study()[0][:, number].sum())
    low = beta.ppf(0.0005, hits, REPETITIONS - hits + 1)
    high = beta.ppf(0.9995, hits + 1, REPETITIONS - hits) if hits < REPETITIONS else 1.0
    assert low <= CONFIDENCE <= high


def test_p_values_of_a_true_model_are_uniform() -> None:
    p_values = study()[1]
    assert abs(p_values.mean() - 0.5) < 4 / np.sqrt(12 * REPETITIONS)
    assert np.mean(p_values < 0.05) < 0.2
