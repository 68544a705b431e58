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
        populations: a steady state up to round-off and the weights of sectors or levels, whose
            signs may be wrong as well.
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


def rebalanced(
    states: StatesJm, jumps: Transitions, populations: FloatArray, kind: str
) -> FloatArray:
    """The same shape within every "sector" or "level", with weights whose flows balance; sum 1."""
    return _Chain(states, jumps, populations, kind).rebalanced()


class _Chain:
    """Sectors or levels made positive: their weights, the flows out to the next one and back."""

    def __init__(
        self, states: StatesJm, jumps: Transitions, populations: FloatArray, kind: str
    ) -> None:
        self.group = states.deficit if kind == "sector" else states.level
        signs = np.sign(np.bincount(self.group, weights=populations))
        self.populations = np.maximum(populations * signs[self.group], 0.0)
        self.weights = np.bincount(self.group, weights=self.populations)
        start = self.group[jumps.source]
        step = self.group[jumps.target] - start
        flow = jumps.rate * self.populations[jumps.source]
        out, back = (
            np.bincount(start, weights=flow * (step == way), minlength=len(self.weights))
            for way in (1, -1)
        )
        self.out, self.back = out[:-1], back[1:]

    def misplaced(self) -> float:
        """Weight that the flows say to stand on the wrong side of a cut.

        A relative difference of the two flows across a cut is one of the weights beyond it, on the
        smaller side; summed over the cuts.
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
