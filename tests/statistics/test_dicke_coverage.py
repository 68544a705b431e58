"""The interval of the Dicke scheme covers as it says, and the symmetry test seldom cries wolf.

Multinomial counts from exact probabilities, readout errors of 1.5-3 % inverted, fixed seeds. More
states, shots and the widths beside full tomography: benchmarks/dicke_coverage.py.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import beta
from states import ladder

from qbat_circuits.analysis.dicke import DickeScheme
from qbat_circuits.analysis.estimate import estimate_ergotropy
from qbat_circuits.analysis.linear_inversion import outcome_probabilities
from qbat_circuits.cells import product_state
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.thermodynamics import ergotropy

REPETITIONS = 100
ROUND_OFF = 1e-9


STATES = {
    "N=2 charged": ladder(2),
    # its populations are ordered like those of a passive state in half of the samples
    "N=2 weakly charged": ladder(2, 0.1),
    "N=2 Gibbs": product_state([1 / 3] * 2),
    "N=2 edge of passive": product_state([0.505] * 2),
    "N=3 charged": ladder(3),
    "N=3 product": product_state([0.7] * 3),
    "N=4 charged": ladder(4),
}


def draw(state, shots, rng):
    n = len(state).bit_length() - 1
    readout = ReadoutModel.from_error_rates(
        [0.015, 0.02, 0.025, 0.018][:n], [0.03, 0.025, 0.02, 0.028][:n]
    )
    exact = np.clip(readout.apply(outcome_probabilities(state)), 0, None)
    rows = [pauli_settings(n).index(label) for label in shots]
    table = np.stack(
        [
            rng.multinomial(k, exact[row] / exact[row].sum())
            for k, row in zip(shots.values(), rows, strict=True)
        ]
    )
    return Counts(n_cells=n, settings=tuple(shots), table=table, readout=readout)


@cache
def study(name, shots):
    """Rows of (low, high, is_lower_bound)."""
    state, scheme = STATES[name], DickeScheme()
    plan = dict.fromkeys(scheme.settings(len(state).bit_length() - 1), shots)
    rng = np.random.default_rng([shots, *name.encode()])
    found = [scheme.estimate(draw(state, plan, rng), seed=k) for k in range(REPETITIONS)]
    return np.array([(e.low, e.high, e.is_lower_bound) for e in found]).T


def upper_limit(covered):
    """99.9 % upper limit of Clopper and Pearson for a proportion."""
    if covered == REPETITIONS:
        return 1.0
    return beta.ppf(0.999, covered + 1, REPETITIONS - covered)


CASES = [(name, 300) for name in STATES if name[:3] == "N=2"]
CASES += [("N=2 charged", 3000), ("N=3 charged", 3000), ("N=3 product", 300), ("N=4 charged", 1000)]


@pytest.mark.parametrize(("name", "shots"), CASES)
def test_the_interval_covers_the_true_work(name, shots):
    low, high, refused = study(name, shots)
    truth = ergotropy(STATES[name])
    assert upper_limit(np.sum((low <= truth + ROUND_OFF) & (high >= truth - ROUND_OFF))) >= 0.95
    for wrong in (np.sum(low > truth + ROUND_OFF), np.sum(high < truth - ROUND_OFF)):
        assert upper_limit(REPETITIONS - wrong) >= 0.975
    assert upper_limit(REPETITIONS - np.sum(refused)) >= 0.99  # the level of the symmetry test


def test_four_cells_take_less_than_a_quarter_of_the_width_of_full_tomography():
    """At equal total shots, 1000 a setting of full tomography; both intervals honest."""
    scheme, state = DickeScheme(), ladder(4)
    full, dicke = np.zeros(2), np.zeros(2)
    rng = np.random.default_rng(5)
    for _ in range(15):
        whole = estimate_ergotropy(draw(state, dict.fromkeys(pauli_settings(4), 1000), rng))
        part = scheme.estimate(draw(state, scheme.shots(4, 81000), rng))
        full += whole.low, whole.high
        dicke += part.low, part.high
    assert np.diff(full) > 4 * np.diff(dicke)  # 4.9 in the mean of 100
