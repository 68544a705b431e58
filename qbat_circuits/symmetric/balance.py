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
from qbat_circuits.symmetric.rates import Transitions
from qbat_circuits.symmetric.sectors_jm import StatesJm

#: Groups below this weight may be round-off through and through: their share is left as it is.
_WEIGHT_FLOOR = 1e-13
_ROUNDS = 4


def balanced(
    states: StatesJm, jumps: Transitions, populations: FloatArray, tolerance: float
) -> FloatArray | None:
    """Populations with balanced flows; None where the given ones are too far from that.

    Args:
        states: of the populations.
        jumps: every transition among them.
        populations: a steady state up to round-off and the weights of sectors or levels.
        tolerance: weight on the wrong side of cuts, see `_Chain.misplaced`, above which a repair is
            checked in its turn.
    """
    for _ in range(_ROUNDS):
        chains = [_Chain(states, jumps, populations, kind) for kind in ("sector", "level")]
        misplaced = [chain.misplaced() for chain in chains]
        # Flows that balance within the tolerance still say more of the weights than the solve.
        populations = chains[int(np.argmax(misplaced))].rebalanced()
        if max(misplaced) <= tolerance:
            return populations
    return None


def with_balanced_sectors(
    states: StatesJm, jumps: Transitions, populations: FloatArray
) -> FloatArray:
    """The same shape within every sector, with weights whose exchange balances; sum 1."""
    return _Chain(states, jumps, populations, "sector").rebalanced()


class _Chain:
    """Weights of the sectors or levels, and the flows out to the next one and back from it."""

    def __init__(
        self, states: StatesJm, jumps: Transitions, populations: FloatArray, kind: str
    ) -> None:
        self.populations = populations
        self.group = states.deficit if kind == "sector" else states.level
        self.weights = np.bincount(self.group, weights=populations)
        start = self.group[jumps.source]
        step = self.group[jumps.target] - start
        flow = jumps.rate * populations[jumps.source]
        up, down = (
            np.bincount(
                start, weights=np.where(step == way, flow, 0.0), minlength=len(self.weights)
            )
            for way in (1, -1)
        )
        self.out, self.back = up[:-1], down[1:]

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

    def rebalanced(self) -> FloatArray:
        """The same shape within every group, with weights whose flows balance; sum 1."""
        tiny = np.finfo(float).tiny
        sound = self.weights > _WEIGHT_FLOOR * self.weights.max()
        ratios = np.maximum(self.out, tiny) / np.maximum(self.back, tiny)
        steps = np.log(np.where(sound[:-1] & sound[1:], ratios, 1.0))
        logs = np.concatenate([[0.0], np.cumsum(steps)])
        largest = np.max(logs + np.log(np.maximum(self.weights, tiny)))
        result = self.populations * np.exp(logs - largest)[self.group]
        return np.asarray(result / result.sum())
