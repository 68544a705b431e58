"""States (j, m) of N cells: their order in an array, their multiplicities, and simple starts.

A state is named by two whole numbers: its level k = m + N/2, the number of excitations, and its
deficit a = N/2 - j, the distance from the largest spin. k runs over 0..N and a over
0..min(k, N-k); the order is by level, then by deficit, so state 0 is the ground state and the last
one has every cell excited. The spin j occurs d_j = C(N, a) - C(N, a-1) times in 2^N dimensions.
Source: docs/physics.md, section 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from qbat_circuits.cells import MAX_CELLS, FloatArray
from qbat_circuits.errors import check_choice, check_integer, check_number

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class StatesJm:
    """The states (j, m) of N cells, all of them or those of a box.

    Attributes:
        n_cells: N.
        level: k = m + N/2 of each state, shape (n_states,).
        deficit: a = N/2 - j of each state, shape (n_states,).
        base: index of state (k, a) is base[k] + a, shape (N+1,).
        min_deficit, max_deficit: smallest and largest a.
        max_height: largest height s = j + m = k - a above the bottom of a sector.
    """

    n_cells: int
    level: IntArray
    deficit: IntArray
    base: IntArray
    min_deficit: int
    max_deficit: int
    max_height: int

    @property
    def size(self) -> int:
        """Number of states."""
        return len(self.level)

    @property
    def height(self) -> IntArray:
        """s = j + m = k - a of each state: 0 at the bottom of its sector."""
        return self.level - self.deficit

    def index(self, level: IntArray, deficit: IntArray) -> IntArray:
        """Place of the states (k, a) in an array of populations."""
        return np.asarray(self.base[level] + deficit)


def states_jm(
    n_cells: int,
    max_deficit: int | None = None,
    max_height: int | None = None,
    min_deficit: int = 0,
) -> StatesJm:
    """The states (j, m) of N cells; the limits keep a box of deficits a and of heights s.

    Args:
        n_cells: N.
        max_deficit, max_height: largest a and largest s = j + m, all by default.
        min_deficit: smallest a.

    Raises:
        InputError: if ``n_cells`` is no whole number from 1 to 10000.
    """
    n = check_integer("n_cells", n_cells, at_least=1, at_most=MAX_CELLS)
    if max_deficit is None and max_height is None and min_deficit == 0 and n <= 1000:
        return _all_states(n)
    top_a = n // 2 if max_deficit is None else min(max_deficit, n // 2)
    top_s = n if max_height is None else min(max_height, n)
    return _build(n, min_deficit, top_a, top_s)


@lru_cache(maxsize=8)
def _all_states(n: int) -> StatesJm:
    return _build(n, 0, n // 2, n)


def _build(n: int, low_a: int, top_a: int, top_s: int) -> StatesJm:
    k = np.arange(n + 1)
    first = np.maximum(low_a, k - top_s)
    last = np.minimum(np.minimum(k, n - k), top_a)
    size = np.maximum(last - first + 1, 0)
    start = np.concatenate([[0], np.cumsum(size)])
    base = start[:-1] - first
    level = np.repeat(k, size)
    deficit = np.arange(start[-1]) - base[level]
    for array in (level, deficit, base):
        array.flags.writeable = False
    return StatesJm(n, level, deficit, base, low_a, top_a, top_s)


@lru_cache(maxsize=8)
def multiplicities(n_cells: int) -> tuple[int, ...]:
    """d_j = C(N, a) - C(N, a-1) for a = N/2 - j = 0..N//2, as exact integers."""
    n = check_integer("n_cells", n_cells, at_least=1, at_most=MAX_CELLS)
    binomials = level_capacities(n)
    return (1, *(binomials[a] - binomials[a - 1] for a in range(1, n // 2 + 1)))


@lru_cache(maxsize=8)
def level_capacities(n_cells: int) -> tuple[int, ...]:
    """C(N, k) for k = 0..N, the number of basis states with k excitations, as exact integers."""
    values = [1]
    for k in range(1, n_cells + 1):
        values.append(values[-1] * (n_cells - k + 1) // k)
    return tuple(values)


@lru_cache(maxsize=8)
def log_multiplicities(n_cells: int) -> FloatArray:
    """Natural logarithm of d_j for a = 0..N//2 (doubles overflow at N ~ 1030), read-only."""
    logs = np.array([math.log(d) for d in multiplicities(n_cells)])
    logs.flags.writeable = False
    return logs


def start_populations(n_cells: int, start: str | float = "ground") -> FloatArray:
    """p(j, m) of a product start, shape (n_states,), in the order of `states_jm`.

    Args:
        n_cells: N.
        start: "ground", "excited" (every cell), or the excited population p of each cell, for
            which p(j, m) = d_j p^k (1-p)^(N-k).

    Raises:
        InputError: for another word, or a number outside [0, 1].
    """
    states = states_jm(n_cells)
    if isinstance(start, str):
        p = float(check_choice("start", start, ("ground", "excited")) == "excited")
    else:
        p = check_number("start", start, at_least=0, at_most=1)
    if p in (0.0, 1.0):
        populations = np.zeros(states.size)
        populations[0 if p == 0 else -1] = 1.0
        return populations
    k = states.level
    log_one = k * math.log(p) + (n_cells - k) * math.log1p(-p)
    return np.exp(log_multiplicities(n_cells)[states.deficit] + log_one)


def energy_jm(n_cells: int, populations: FloatArray) -> FloatArray:
    """E = sum p(j, m) (m + N/2), in units of the cell energy.

    Args:
        n_cells: N.
        populations: p(j, m) in the order of `states_jm`, shape (..., n_states).
    """
    return np.asarray(populations @ states_jm(n_cells).level.astype(float))


def sector_weights(n_cells: int, populations: FloatArray) -> FloatArray:
    """P_j = sum_m p(j, m), shape (N//2 + 1,), for a = N/2 - j = 0, 1, ..."""
    deficit = states_jm(n_cells).deficit
    weights = np.bincount(deficit, weights=populations, minlength=n_cells // 2 + 1)
    return np.asarray(weights, dtype=np.float64)


def weights_by_spin(n_cells: int, weights: FloatArray) -> dict[float, float]:
    """Sector weights by total spin j, falling from N/2; those that round-off made negative are 0.

    Args:
        n_cells: N.
        weights: P_j for a = N/2 - j = 0, 1, ..., shape (N//2 + 1,).
    """
    return {n_cells / 2 - a: max(float(p), 0.0) for a, p in enumerate(weights)}
