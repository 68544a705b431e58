"""Balance of flows between sectors and between levels: a check of a steady state, and a repair.

In a steady state as many move from spin j to j-1 as back, and as many from m to m-1 as back. Both
flows are sums of positive terms, so they see what a linear solve loses where rates are far apart:
with weak local noise it gets the shape within every sector right and the slow exchange between
sectors wrong; with strong dephasing the same happens to the levels. Setting the weights of the
sectors (or levels) anew by their balance repairs that: the aggregation step of Koury, McAllister
and Stewart, SIAM J. Algebraic Discrete Methods 5, 164 (1984), doi:10.1137/0605019, for a chain,
whose solution is a product.
"""

from __future__ import annotations

import numpy as np

from qbat_circuits.cells import FloatArray
from qbat_circuits.symmetric.rates import Rates, moves, stays_inside
from qbat_circuits.symmetric.sectors_jm import IntArray, StatesJm

#: Groups below this weight may be round-off through and through: their share is left as it is.
_WEIGHT_FLOOR = 1e-13
_ROUNDS = 4


def balanced(
    states: StatesJm, rates: Rates, populations: FloatArray, tolerance: float, repairable: float
) -> FloatArray | None:
    """The populations where their flows balance, else repaired; None where that fails.

    Args:
        states, rates, populations: a steady state up to round-off.
        tolerance: weight on the wrong side of cuts, see `_Chain.misplaced`, up to which they do.
        repairable: the same, up to which a repair is tried.
    """
    for _ in range(_ROUNDS):
        chains = [_Chain(states, rates, populations, kind) for kind in ("sector", "level")]
        misplaced = [chain.misplaced() for chain in chains]
        if max(misplaced) <= tolerance:
            return populations
        if not max(misplaced) <= repairable:
            return None
        populations = chains[int(np.argmax(misplaced))].rebalanced(populations)
    return None


class _Chain:
    """Weights of the sectors or levels, and the flows out to the next one and back from it."""

    def __init__(self, states: StatesJm, rates: Rates, populations: FloatArray, kind: str) -> None:
        self.group: IntArray = states.deficit if kind == "sector" else states.level
        size = int(self.group[-1] if kind == "level" else states.n_cells // 2) + 1
        flows = {1: np.zeros(size), -1: np.zeros(size)}
        for step_k, step_a, rate in moves(states, rates):
            step = step_a if kind == "sector" else step_k
            if step:
                inside = stays_inside(states, step_k, step_a, rate)
                flow = np.where(inside, rate * populations, 0.0)
                flows[step] += np.bincount(self.group, weights=flow, minlength=size)
        self.out, self.back = flows[1][:-1], flows[-1][1:]
        self.weights = np.bincount(self.group, weights=populations, minlength=size)

    def misplaced(self) -> float:
        """Weight that the net flows across the cuts say to stand on their wrong sides.

        A relative difference of the two flows is one of the weights beyond the cut, on the smaller
        side; summed over the cuts.
        """
        below = np.cumsum(self.weights)[:-1]
        above = np.cumsum(self.weights[::-1])[::-1][1:]
        both = np.maximum(self.out + self.back, np.finfo(float).tiny)
        wrong = np.abs(self.out - self.back) / both * np.minimum(below, above)
        return float(wrong.sum())

    def rebalanced(self, populations: FloatArray) -> FloatArray:
        """The same shape within every group, with weights whose flows balance; sum 1."""
        sound = (self.weights[:-1] > _WEIGHT_FLOOR) & (self.weights[1:] > _WEIGHT_FLOOR)
        sound &= (self.out > 0) & (self.back > 0)
        ratios = np.divide(self.out, self.back, out=np.ones_like(self.out), where=sound)
        logs = np.concatenate([[0.0], np.cumsum(np.log(ratios))])
        factors = np.exp(logs - logs[np.argmax(self.weights)])
        result = populations * factors[self.group]
        return np.asarray(result / result.sum())
