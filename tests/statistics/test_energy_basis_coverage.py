"""The energy-basis interval covers its own bound, and its lower end stays below the work."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta
from states import ladder

from qbat_circuits.analysis.energy_basis import EnergyBasisScheme
from qbat_circuits.analysis.linear_inversion import outcome_probabilities
from qbat_circuits.cells import level_energies, product_state
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.thermodynamics import ergotropy

REPETITIONS = 100
ROUND_OFF = 1e-9
TILTED = (np.eye(2) + 0.5 * np.array([[-1, 1], [1, 1]])) / 2  # Bloch vector along X and -Z

STATES = {
    "Gibbs": product_state([1 / 3] * 2),
    "maximally mixed": np.eye(4, dtype=complex) / 4,
    "charged": ladder(2),
    "inverted": product_state([0.8, 0.7]),
    "edge of passive": product_state([0.505] * 2),
    # X...X and Z...Z promise the same
    "tilted": np.kron(TILTED, TILTED).astype(complex),
}


def lower_limit(events):
    """99.9 % lower limit of Clopper and Pearson for a proportion."""
    return 0.0 if events == 0 else beta.ppf(0.001, events, REPETITIONS - events + 1)


@pytest.mark.parametrize("name", STATES)
def test_the_interval_covers_the_bound_and_its_lower_end_the_work(name):
    state, scheme, shots = STATES[name], EnergyBasisScheme(), 300
    readout = ReadoutModel.from_error_rates([0.015, 0.02], [0.03, 0.025])
    rows = [pauli_settings(2).index(label) for label in scheme.settings(2)]
    born = outcome_probabilities(state)[rows]
    levels = level_energies(2)
    passive = min(np.sort(p)[::-1] @ np.sort(levels) for p in born)
    bound = max(0.0, np.diagonal(state).real @ levels - passive)
    read = np.clip(readout.apply(born), 0, None)
    rng = np.random.default_rng([shots, *name.encode()])
    found = []
    for seed in range(REPETITIONS):
        table = rng.multinomial(shots, read / read.sum(axis=1, keepdims=True))
        counts = Counts(n_cells=2, settings=scheme.settings(2), table=table, readout=readout)
        e = scheme.estimate(counts, seed=seed)
        found.append((e.low, e.high, e.guaranteed_low, e.p_value))
    low, high, guaranteed, p_value = np.array(found).T
    for wrong in (low > bound + ROUND_OFF, high < bound - ROUND_OFF):
        assert lower_limit(np.sum(wrong)) <= 0.025
    truth = ergotropy(state)
    assert lower_limit(np.sum(low > truth + ROUND_OFF)) <= 0.025
    assert lower_limit(np.sum(guaranteed > truth + ROUND_OFF)) <= 0.05
    if truth < ROUND_OFF:
        for level in (0.01, 0.05, 0.2):
            assert lower_limit(np.sum(p_value <= level)) <= level
    if name == "inverted":  # nor wide for nothing: W = 2 sum n_i - 2 has this deviation
        deviation = 2 * np.sqrt((0.8 * 0.2 + 0.7 * 0.3) / shots)
        assert 1 < np.mean(high - low) / (2 * 1.96 * deviation) < 1.2
        assert np.median(p_value) < 1e-3
