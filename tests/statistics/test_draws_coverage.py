"""Intervals cover as they say where shots come in draws, and fail where that is not said.

Two cells after 30 collisions with theta = 0.5 and n = 1 and randomly flipped ancillas, 20 shots a
draw, readout errors of 1.5-3 % inverted, fixed seeds. More runs, draws and shots:
benchmarks/draws_coverage.py.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.stats import beta

from qbat_circuits.analysis.estimate import estimate_ergotropy
from qbat_circuits.analysis.linear_inversion import outcome_probabilities
from qbat_circuits.cells import level_energies
from qbat_circuits.collision_model import collision_kraus, collision_states
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.thermodynamics import ergotropy

REPETITIONS = 200
DRAWS, SHOTS, COLLISIONS = 100, 20, 30
P = 1 / 3  # of a flip
READOUT = ReadoutModel.from_error_rates([0.015, 0.02], [0.03, 0.025])
STATE = collision_states(2, 1.0, 0.5, COLLISIONS)[-1]
TRUTHS = (ergotropy(STATE), np.diag(STATE).real @ level_energies(2))


def drawn_states(number, rng):
    """The states that this many draws of all flips leave, each by the maps of its own flips."""
    kraus = collision_kraus(2, 1.0, 0.5).reshape(2, 2, 4, 4)  # [flip, ancilla after]
    kraus = kraus / np.sqrt([1 - P, P])[:, None, None, None]
    rho = np.zeros((number, 4, 4), dtype=complex)
    rho[:, 0, 0] = 1
    for _ in range(COLLISIONS):
        flipped = rng.random(number) < P
        for flip, rows in enumerate((~flipped, flipped)):
            rho[rows] = sum(k @ rho[rows] @ k.conj().T for k in kraus[flip])
    return rho


@cache
def study():
    """Ends of the work and the energy, shape (2 quantities, 2 ways, 2 ends, repetitions)."""
    rng = np.random.default_rng(5)
    found = []
    for seed in range(REPETITIONS):
        born = outcome_probabilities(drawn_states(9 * DRAWS, rng)).reshape(9, DRAWS, 9, 4)
        read = np.clip(READOUT.apply(born[np.arange(9), :, np.arange(9)]), 0, None)
        draws = rng.multinomial(SHOTS, read / read.sum(axis=2, keepdims=True))
        counts = Counts(2, pauli_settings(2), draws.sum(axis=1), readout=READOUT, draws=draws)
        ways = [estimate_ergotropy(c, seed=seed) for c in (counts, replace(counts, draws=None))]
        ends = [[(one.low, one.high) for one in (e, e.energy)] for e in ways]
        found.append(np.swapaxes(ends, 0, 1))
    return np.moveaxis(np.array(found), 0, -1)


def upper_limit(covered):
    """99.9 % upper limit of Clopper and Pearson for a proportion."""
    return 1.0 if covered == REPETITIONS else beta.ppf(0.999, covered + 1, REPETITIONS - covered)


def test_the_draws_mix_to_the_channel():
    mixture = drawn_states(20000, np.random.default_rng(1)).mean(axis=0)
    np.testing.assert_allclose(mixture, STATE, atol=0.01)


@pytest.mark.parametrize("quantity", [0, 1], ids=["work", "energy"])
def test_the_interval_covers_the_truth(quantity):
    truth, (low, high) = TRUTHS[quantity], study()[quantity, 0]
    assert upper_limit(np.sum((low <= truth) & (truth <= high))) >= 0.95
    for wrong in (np.sum(low > truth), np.sum(high < truth)):
        assert upper_limit(REPETITIONS - wrong) >= 0.975


@pytest.mark.parametrize(("quantity", "most"), [(0, 0.93), (1, 0.75)], ids=["work", "energy"])
def test_an_interval_that_ignores_the_draws_does_not(quantity, most):
    truth, (low, high) = TRUTHS[quantity], study()[quantity, 1]
    assert upper_limit(np.sum((low <= truth) & (truth <= high))) < most


def test_the_interval_of_the_energy_is_not_wide_for_nothing():
    low, high = study()[1, 0]
    ratio = np.mean(high - low) / (2 * 1.96 * np.std((low + high) / 2))
    assert 0.9 < ratio < 1.15  # 200 runs know the deviation to 5 %
