"""Steady populations by one sparse LU without pivoting, its states ordered by nested dissection.

The moves join neighbours in the plane (level, deficit). Cutting the plane in half again and again,
with the cuts last in the order, keeps the fill at n log n and the work at n^1.5 for n states
(George, SIAM J. Numer. Anal. 10, 345 (1973), doi:10.1137/0710032).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from qbat_circuits.cells import FloatArray
from qbat_circuits.symmetric.rates import Transitions
from qbat_circuits.symmetric.sectors_jm import IntArray, StatesJm

#: Cells of 2^n x 2^n states are not cut any more.
_SMALLEST_CELL = 2
#: Where the fixed population is below this share of the largest one, its equation is lost.
_FIXABLE = 1e-6


def solve(states: StatesJm, jumps: Transitions, expected: FloatArray) -> FloatArray | None:
    """Steady populations by LU, sum 1 and >= 0; None where a pivot vanishes.

    What is solved for is the difference to the limit of weak noise. Of that limit's flows only
    those between sectors do not cancel, so weak noise is not lost beside the collective rates.
    Right up to round-off times the ratio of other rates, which is for `balance` to judge.

    Args:
        states: those to solve for.
        jumps: every transition among them.
        expected: their `weak_noise_limit`.
    """
    size = states.size
    between = states.deficit[jumps.source] != states.deficit[jumps.target]
    flow = np.where(between, jumps.rate * expected[jumps.source], 0.0)
    gain = np.bincount(jumps.target, weights=flow, minlength=size)
    loss = np.bincount(jumps.source, weights=flow, minlength=size)
    order = dissection(states.level, states.deficit)
    fixed = int(np.argmax(expected))
    for _ in range(3):
        order = np.append(order[order != fixed], fixed)
        change = _solve_in_order(jumps, order, np.asarray(loss - gain, dtype=np.float64))
        if change is None:
            return None
        populations = expected + change
        # Where the fixed population is tiny its equation is lost in round-off, sign included: the
        # rest is still right in shape, so the next round fixes the largest one.
        populations /= populations.sum()
        top = int(np.argmax(populations))
        if populations[fixed] > _FIXABLE * populations[top]:
            break
        fixed = top
    return np.maximum(populations, 0.0)


def _solve_in_order(jumps: Transitions, order: IntArray, right: FloatArray) -> FloatArray | None:
    """x with Q x = right and x = 0 in the last state of the order; None where a pivot vanishes."""
    from scipy.sparse.linalg import splu

    size = len(order)
    place = np.empty(size, dtype=np.int64)
    place[order] = np.arange(size)
    outflow = np.bincount(jumps.source, weights=jumps.rate, minlength=size)
    row = np.concatenate([place[jumps.target], place])
    column = np.concatenate([place[jumps.source], place])
    q = sp.csc_array((np.concatenate([jumps.rate, -outflow]), (row, column)), shape=(size, size))
    try:
        # Columns sum to zero or less: no pivoting is needed, which keeps the order.
        lu = splu(
            q[:-1, :-1],
            permc_spec="NATURAL",
            relax=8,
            panel_size=4,
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
    except RuntimeError:
        return None
    solution = np.append(lu.solve(right[order[:-1]]), 0.0)[place]
    return solution if np.isfinite(solution.sum()) else None


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
