"""Steady populations by one sparse LU without pivoting, its states ordered by nested dissection.

The moves join neighbours in the plane (level, deficit). Cutting the plane in half again and again,
with the cuts last in the order, keeps the fill at n log n and the work at n^1.5 for n states
(George, SIAM J. Numer. Anal. 10, 345 (1973), doi:10.1137/0710032).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from qbat_circuits.cells import FloatArray
from qbat_circuits.symmetric.expected import Limit
from qbat_circuits.symmetric.factors import factorised
from qbat_circuits.symmetric.rates import Transitions
from qbat_circuits.symmetric.sectors_jm import IntArray, StatesJm

#: Cells of 2^n x 2^n states are not cut any more.
_SMALLEST_CELL = 2


def solve(states: StatesJm, jumps: Transitions, limit: Limit) -> FloatArray | None:
    """Steady populations by LU, sum 1; None where a pivot vanishes.

    What is solved for is the difference to a limit, 0 in the limit's largest population. Of its
    flows only those between its groups do not cancel, so weak exchange between them is not lost
    beside the rates within. Right up to round-off times the ratio of other rates, which is for
    `balance` to judge.

    Args:
        states: those to solve for.
        jumps: every transition among them.
        limit: see `expected`.
    """
    between = limit.group[jumps.source] != limit.group[jumps.target]
    flow = np.where(between, jumps.rate * limit.populations[jumps.source], 0.0)
    gain = np.bincount(jumps.target, weights=flow, minlength=states.size)
    loss = np.bincount(jumps.source, weights=flow, minlength=states.size)
    order = dissection(states.level, states.deficit)
    fixed = int(np.argmax(limit.populations))
    order = np.append(order[order != fixed], fixed)
    change = _solve_in_order(jumps, order, np.asarray(loss - gain, dtype=np.float64))
    if change is None:
        return None
    populations = limit.populations + change
    total = float(populations.sum())
    return populations / total if np.isfinite(total) and total != 0 else None


def _solve_in_order(jumps: Transitions, order: IntArray, right: FloatArray) -> FloatArray | None:
    """x with Q x = right and x = 0 in the last state of the order; None where a pivot vanishes."""
    last = len(order) - 1
    place = np.empty(last + 1, dtype=np.int64)
    place[order] = np.arange(last + 1)
    outflow = np.bincount(jumps.source, weights=jumps.rate, minlength=last + 1)
    row = np.concatenate([place[jumps.target], place])
    column = np.concatenate([place[jumps.source], place])
    rate = np.concatenate([jumps.rate, -outflow])
    kept = np.maximum(row, column) < last
    q = sp.csc_array((rate[kept], (row[kept], column[kept])), shape=(last, last))
    try:
        lu = factorised(q, "NATURAL")
    except RuntimeError:
        return None
    return np.append(lu.solve(right[order[:-1]]), 0.0)[place]


def dissection(x: IntArray, y: IntArray) -> IntArray:
    """Order of points with neighbours at most (1, 1) apart: every half before the cut between.

    Cuts stand at odd multiples of 2^n, for x and y in turn, n falling; a point's key collects its
    side at each of them: 0 before, 1 beyond, 2 on the cut.
    """
    x, y = x - x.min() + 1, y - y.min() + 1
    key, on_cut = np.zeros(len(x), dtype=np.int64), np.zeros(len(x), dtype=bool)
    for n in reversed(range(_SMALLEST_CELL, int(max(x.max(), y.max())).bit_length())):
        for coordinate in (x, y):
            side = (coordinate >> n) & 1
            side[coordinate & (2 ** (n + 1) - 1) == 2**n] = 2
            side[on_cut] = 0
            key = 3 * key + side
            on_cut |= side == 2
    return np.argsort(key, kind="stable")
