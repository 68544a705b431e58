"""Two limits of the steady state that need no solving: a first guess, and where to start from.

Weak local noise: sectors exchange slowly, so each of them is at rest in itself. Within a sector
every emission and absorption, local ones included, has the same ratio r_j, so that p(j, m) ~ r_j^s
with s = j + m. Strong dephasing: levels exchange slowly; dephasing alone mixes all states of a
level evenly, so that p(j, m) ~ d_j within each. The weights of the sectors, or of the levels, are
those whose exchange balances.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qbat_circuits.cells import FloatArray
from qbat_circuits.symmetric.balance import rebalanced
from qbat_circuits.symmetric.rates import Rates, Transitions
from qbat_circuits.symmetric.sectors_jm import IntArray, StatesJm, log_multiplicities


class Limit(NamedTuple):
    """Populations of a limit, sum 1, and the sector or level of each state, at rest in itself."""

    populations: FloatArray
    group: IntArray


def nearest_limit(states: StatesJm, rates: Rates, jumps: Transitions) -> Limit:
    """The limit of strong dephasing where it outweighs all else, else that of weak local noise.

    Args:
        states: all, or those of a box with reflecting walls.
        rates: with local noise.
        jumps: `transitions` of these.
    """
    collective = states.n_cells * (rates.emission + rates.absorption)
    if rates.dephasing > collective + rates.local_emission + rates.local_absorption:
        return _strong_dephasing_limit(states, jumps)
    return weak_noise_limit(states, rates, jumps)


def weak_noise_limit(states: StatesJm, rates: Rates, jumps: Transitions) -> Limit:
    """Every sector at rest; arguments as in `nearest_limit`."""
    r = sector_ratios(states.n_cells, rates)[states.deficit]
    # Ladders with r_j > 1 are counted from their top.
    top = np.minimum(states.n_cells - 2 * states.deficit, states.max_height)
    shape = r ** (states.height - np.where(r > 1, top, 0))
    return Limit(_balanced_groups(states, jumps, shape, "sector"), states.deficit)


def sector_ratios(n_cells: int, rates: Rates) -> FloatArray:
    """r_j of absorption over emission within each sector, a = N/2 - j = 0, 1, ..."""
    two_j = np.maximum(n_cells - 2.0 * np.arange(n_cells // 2 + 1), 1.0)
    same = (n_cells + 2) / (two_j * (two_j + 2))
    up = rates.absorption + rates.local_absorption * same
    down = rates.emission + rates.local_emission * same
    return np.asarray(up / np.maximum(down, np.finfo(float).tiny))


def _strong_dephasing_limit(states: StatesJm, jumps: Transitions) -> Limit:
    logs = log_multiplicities(states.n_cells)[states.deficit]
    largest = np.full(states.n_cells + 1, -np.inf)
    np.maximum.at(largest, states.level, logs)
    shape = np.exp(logs - largest[states.level])
    return Limit(_balanced_groups(states, jumps, shape, "level"), states.level)


def _balanced_groups(
    states: StatesJm, jumps: Transitions, shape: FloatArray, kind: str
) -> FloatArray:
    group = states.deficit if kind == "sector" else states.level
    even = shape / np.bincount(group, weights=shape)[group]
    return rebalanced(states, jumps, even, kind)
