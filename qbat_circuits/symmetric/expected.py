"""The limit of weak local noise: a first guess of the steady state that needs no solving.

Where sectors exchange slowly, each of them is at rest in itself and their weights are those whose
exchange balances. Within a sector every emission and absorption, local ones included, has the same
ratio r_j, so the populations are p(j, m) = P_j r_j^s / sum_s r_j^s with s = j + m.
"""

from __future__ import annotations

import numpy as np

from qbat_circuits.cells import FloatArray
from qbat_circuits.symmetric.balance import with_balanced_sectors
from qbat_circuits.symmetric.rates import Rates, Transitions
from qbat_circuits.symmetric.sectors_jm import StatesJm


def weak_noise_limit(states: StatesJm, rates: Rates, jumps: Transitions) -> FloatArray:
    """Populations with every sector at rest and their exchange in balance, sum 1.

    Args:
        states: all, or those of a box with reflecting walls.
        rates: with local noise.
        jumps: `transitions` of these.
    """
    log_r = log_ratios(states.n_cells, rates)[states.deficit]
    # Ladders with r_j > 1 are counted from their top.
    top = np.minimum(states.n_cells - 2 * states.deficit, states.max_height)
    shape = np.exp(log_r * (states.height - np.where(log_r > 0, top, 0)))
    shape /= np.bincount(states.deficit, shape)[states.deficit]
    # The weights span many powers of ten: once for their size, once more for their last digits.
    rough = with_balanced_sectors(states, jumps, shape)
    return with_balanced_sectors(states, jumps, rough)


def log_ratios(n_cells: int, rates: Rates) -> FloatArray:
    """ln r_j of absorption over emission within each sector, a = N/2 - j = 0, 1, ..."""
    two_j = np.maximum(n_cells - 2.0 * np.arange(n_cells // 2 + 1), 1.0)
    same = (n_cells + 2) / (two_j * (two_j + 2))
    up = rates.absorption + rates.local_absorption * same
    down = rates.emission + rates.local_emission * same
    tiny = np.finfo(float).tiny
    return np.asarray(np.log(np.maximum(up / down, tiny)))
