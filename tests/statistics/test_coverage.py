"""The interval covers the truth as often as it says, and is not wide for nothing.

Multinomial counts from exact probabilities, readout errors of 1.5-3 % inverted in the frame, fixed
seeds. That Aer draws from the same distribution is tests/unit/test_tomography_circuits.py. The same
study with 4000 repetitions and more states is benchmarks/coverage.py.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import beta
from states import ladder

from qbat_circuits.analysis.estimate import estimate_ergotropy
from qbat_circuits.analysis.linear_inversion import outcome_probabilities
from qbat_circuits.cells import excitations, product_state
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.thermodynamics import ergotropy

REPETITIONS = 400
ROUND_OFF = 1e-9


# state, its ergotropy (docs/physics.md, section 3)
STATES = {
    "N=2 charged": (ladder(2), 1 / 7),
    "N=2 Gibbs": (product_state([1 / 3] * 2), 0.0),
    "N=3 charged": (ladder(3), 4 / 15),
    # The optimal unitary jumps from sample to sample here.
    "N=2 maximally mixed": (np.eye(4, dtype=complex) / 4, 0.0),
    # Few shots and rare outcomes: without the extra shots in the variance the lower end would miss
    # in 8 % of the cases.
    "N=1 nearly all excited": (product_state([0.99]), 0.98),
}
CASES = [(name, shots) for name in list(STATES)[:3] for shots in (1000, 10000)]
CASES += [("N=2 maximally mixed", 1000), ("N=1 nearly all excited", 100)]


@cache
def study(name, shots):
    """Rows of (low, value, high, plug-in, energy low, energy high, warnings)."""
    state, _ = STATES[name]
    n = len(state).bit_length() - 1
    readout = ReadoutModel.from_error_rates([0.015, 0.02, 0.025][:n], [0.03, 0.025, 0.02][:n])
    exact = np.clip(readout.apply(outcome_probabilities(state)), 0, None)
    exact /= exact.sum(axis=1, keepdims=True)
    rng = np.random.default_rng([shots, *name.encode()])
    rows = []
    for seed in range(REPETITIONS):
        table = rng.multinomial(shots, exact)
        counts = Counts(n_cells=n, settings=pauli_settings(n), table=table, readout=readout)
        e = estimate_ergotropy(counts, seed=seed)
        rows.append(
            (e.low, e.value, e.high, e.plug_in, e.energy.low, e.energy.high, len(e.warnings))
        )
    return np.array(rows).T


def upper_limit(covered):
    """99.9 % upper limit of Clopper and Pearson for a proportion."""
    if covered == REPETITIONS:
        return 1.0
    return beta.ppf(0.999, covered + 1, REPETITIONS - covered)


@pytest.mark.parametrize(("name", "shots"), CASES)
def test_the_interval_covers_the_true_work(name, shots):
    low, _, high, *_ = study(name, shots)
    state, truth = STATES[name]
    assert ergotropy(state) == pytest.approx(truth, abs=1e-12)
    covered = np.sum((low <= truth + ROUND_OFF) & (high >= truth - ROUND_OFF))
    assert upper_limit(covered) >= 0.95
    # each end on its own: beyond the truth in at most 2.5 %, or 5 % where the other cannot be
    allowed = 0.05 if truth == 0 else 0.025
    for wrong in (np.sum(low > truth + ROUND_OFF), np.sum(high < truth - ROUND_OFF)):
        assert upper_limit(REPETITIONS - wrong) >= 1 - allowed


@pytest.mark.parametrize(("name", "shots"), [case for case in CASES if case[1] >= 1000])
def test_the_interval_of_the_energy_covers_the_true_energy(name, shots):
    *_, low, high, _ = study(name, shots)
    state, _ = STATES[name]
    truth = np.diag(state).real @ excitations(len(state).bit_length() - 1)
    assert upper_limit(np.sum((low <= truth) & (truth <= high))) >= 0.95
    assert upper_limit(np.sum((low > truth) | (truth > high))) >= 0.05  # nor wide for nothing


@pytest.mark.parametrize(("name", "shots"), [case for case in CASES if "charged" in case[0]])
def test_the_interval_is_not_wide_for_nothing(name, shots):
    """Required: 2.2 times +-1.96 standard deviations of the unprojected mitigated plug-in."""
    low, value, high, plug_in, *_ = study(name, shots)
    _, truth = STATES[name]
    ratio = np.mean(high - low) / (2 * 1.96 * np.std(plug_in))
    assert ratio < 1.3
    # the value is nearer to the truth than the plug-in
    assert np.mean((value - truth) ** 2) < np.mean((plug_in - truth) ** 2)
    assert np.mean(low) > truth / 2


def test_a_passive_state_reads_no_work():
    """The plug-in of the Gibbs state never reads 0; the interval starts there nearly always."""
    low, value, high, plug_in, *_ = study("N=2 Gibbs", 1000)
    assert plug_in.min() > 0
    assert np.mean(low == 0) > 0.99
    assert np.mean(high) < 0.02
    assert np.mean(value) < np.mean(plug_in) / 2


@pytest.mark.parametrize(("name", "shots"), CASES)
def test_a_right_measurement_model_raises_no_alarm(name, shots):
    assert study(name, shots)[-1].sum() == 0
