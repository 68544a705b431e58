"""Ergotropy from populations p(j, m), with exact multiplicities.

The state has the eigenvalues p(j, m)/d_j, each d_j times; sorted down they fill the levels
k = 0..N, which hold C(N, k) each (docs/physics.md, section 4). The counts reach 2^N, so the place
where one level is full and the next begins is found in whole numbers: up to N = 47 in doubles,
which hold them exactly, beyond in Python integers. The order of the eigenvalues comes from
log p - log d_j; round-off can exchange only eigenvalues that agree to ~1e-12 of their size, which
changes the energy of the filling by no more than that share.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import AccuracyError, InputError, shown
from qbat_circuits.symmetric.sectors_jm import (
    IntArray,
    energy_jm,
    level_capacities,
    multiplicities,
    states_jm,
)

#: N 2^N < 2^53: every count and every sum of levels is a whole double.
_EXACT_DOUBLES = 47
#: Populations whose sum is below this fill the highest levels unsorted.
_NEGLIGIBLE = 1e-20
#: How far a population may be below zero, or their sum off one.
_TOLERANCE = 1e-8


def ergotropy_jm(n_cells: int, populations: FloatArray) -> FloatArray:
    """Ergotropy W = E - sum_k k q_k, q_k the weight that the sorted eigenvalues bring to level k.

    Right for states that are invariant under permutations and without coherence between energies,
    with equal cell energies (the unit). Slightly negative populations count as 0.

    Args:
        n_cells: N.
        populations: p(j, m) in the order of `states_jm`, shape (..., n_states).

    Returns:
        W, shape (...).

    Raises:
        InputError: if the shape does not fit.
        AccuracyError: if the populations are not a distribution within 1e-8.
    """
    size = states_jm(n_cells).size
    p = np.asarray(populations, dtype=np.float64)
    if p.ndim == 0 or p.shape[-1] != size:
        raise InputError(
            f"'populations' must have shape (..., {size}) for {n_cells} cells, "
            f"not {shown(p.shape)}."
        )
    smallest, off = p.min(initial=0.0), np.abs(p.sum(axis=-1) - 1.0).max(initial=0.0)
    if not (smallest >= -_TOLERANCE and off <= _TOLERANCE):
        raise AccuracyError(
            f"Populations must be >= 0 with sum 1 within {_TOLERANCE:g}, not as low as "
            f"{smallest:.3g} with a sum off by {off:.3g}."
        )
    p = np.maximum(p, 0.0)
    return np.maximum(energy_jm(n_cells, p) - passive_energy_jm(n_cells, p), 0.0)


def passive_energy_jm(n_cells: int, populations: FloatArray) -> FloatArray:
    """Least energy that unitaries reach from populations p(j, m), shape (...).

    Args:
        n_cells: N.
        populations: as in `ergotropy_jm`; they are not checked.
    """
    p = np.maximum(populations, 0.0)
    if n_cells <= _EXACT_DOUBLES:
        return _passive_energy_in_doubles(n_cells, p)
    rows = p.reshape(-1, p.shape[-1])
    values = [_passive_energy_in_integers(n_cells, row) for row in rows]
    return np.array(values).reshape(p.shape[:-1])


def passive_energy(
    n_cells: int, weights: FloatArray, counts: Sequence[int], kind: IntArray
) -> float:
    """Least energy of any spectrum of N equal cells: largest eigenvalues in the lowest levels.

    Group i consists of d_i = counts[kind[i]] equal eigenvalues weights[i]/d_i. Level k has room for
    C(N, k). All counting is in exact integers, for any N.

    Args:
        n_cells: N.
        weights: weight of each group, together at most 1; <= 0 counts as 0.
        counts: the multiplicities that occur.
        kind: which of them each group has.
    """
    kept = np.flatnonzero(weights > _NEGLIGIBLE / max(1, weights.size))
    logs = np.log(weights[kept]) - np.array([math.log(count) for count in counts])[kind[kept]]
    order = kept[np.argsort(-logs)]
    p, d = weights[order], [counts[i] for i in kind[order].tolist()]
    # rest[i]: weight from group i on, summed from the small end.
    rest = np.concatenate([np.cumsum(p[::-1])[::-1], [0.0]])
    filled = list(accumulate(d))
    energy = 0.0
    for places in accumulate(level_capacities(n_cells)):
        i = bisect_left(filled, places)
        if i == len(filled):
            break
        # The places end inside group i, which has filled[i] - places of its d_i beyond them; the
        # quotient of two integers is rounded once. Each level adds the weight above it.
        energy += float(rest[i + 1] + (filled[i] - places) / d[i] * p[i])
    return energy


def _passive_energy_in_doubles(n_cells: int, p: FloatArray) -> FloatArray:
    """Energy of the filled levels for small N, all rows of p at once."""
    capacities = np.array(level_capacities(n_cells), dtype=np.float64)
    ends = np.concatenate([[0.0], np.cumsum(capacities)])
    # Sum of the levels of the first x places: piecewise linear, whole at every whole x.
    sums = np.concatenate([[0.0], np.cumsum(capacities * np.arange(n_cells + 1))])
    d = np.array(multiplicities(n_cells), dtype=np.float64)[states_jm(n_cells).deficit]
    eigenvalues = p / d
    order = np.argsort(-eigenvalues, axis=-1)
    filled = np.cumsum(d[order], axis=-1)
    level_sums = np.diff(np.interp(filled, ends, sums), axis=-1, prepend=0.0)
    return np.asarray((np.take_along_axis(eigenvalues, order, -1) * level_sums).sum(axis=-1))


def _passive_energy_in_integers(n_cells: int, p: FloatArray) -> float:
    """Energy of the filled levels for any N, one row of p."""
    return passive_energy(n_cells, p, multiplicities(n_cells), states_jm(n_cells).deficit)
