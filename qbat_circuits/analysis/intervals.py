"""Honest ends for a maximum of linear functionals, whatever the scheme.

The work of every scheme is a maximum over functionals (one for each unitary), hence convex in what
is measured. A functional built from one part of the shots is a fixed one for the rest, so its mean
there is the work of some unitary, which is at most the maximum: a lower end. The upper end, which
the schemes build themselves, uses the other direction. See docs/estimating-work.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from qbat_circuits.analysis.sample import Sample
from qbat_circuits.cells import FloatArray

#: Parts of the cross-fit; 10 would gain 2 % of the width (docs/estimating-work.md).
FOLDS = 5
#: A tail of populations counts as occupied above this many standard errors; below, it is capped.
OCCUPIED_SIGMA = 3.0

#: Builds weights of fixed functionals, shape (m, S, 2^N), from a sample.
Functionals = Callable[[Sample], FloatArray]


@dataclass(frozen=True)
class Interval:
    """A value between its two ends."""

    value: float
    low: float
    high: float

    def clipped(self, least: float, most: float) -> Interval:
        """The same within a range, the value inside its ends.

        An interval that lies beyond the range keeps its reach from the edge: noise alone does that,
        and a width of 0 would claim certainty.
        """
        low = self.low if self.low <= most else most - (self.value - self.low)
        high = self.high if self.high >= least else least + (self.high - self.value)
        low, high = (min(max(end, least), most) for end in (low, high))
        high = max(low, high)
        return Interval(min(max(self.value, low), high), low, high)

    def to_dict(self) -> dict[str, float]:
        """As JSON content."""
        return {"value": self.value, "low": self.low, "high": self.high}


def linear_interval(sample: Sample, weights: FloatArray, z: float) -> Interval:
    """Normal interval of one linear functional."""
    value, reach = float(sample.mean(weights)), z * sample.standard_error(weights)
    return Interval(value, value - reach, value + reach)


def cross_fit(
    sample: Sample, functionals: Functionals, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Functionals from K - 1 parts of the shots, measured on the part left out, averaged.

    L = (1/K) sum_k w_{-k}(part k). The terms of two parts k, l are correlated, because each is in
    the other's functional; with the functionals w_{-k,-l} of neither part,
    |Cov_kl| <= Var_k(w_{-k} - w_{-k,-l}) in the mean over the data (Cauchy-Schwarz), which is
    added. It matters where the best functional jumps from sample to sample, such as at the
    maximally mixed state. The calibration of the readout is dealt into the same parts.

    Args:
        sample: at least `FOLDS` shots in each setting.
        functionals: weights from a sample.
        rng: deals the shots.

    Returns:
        The averages and their standard errors, shape (m,) each.
    """
    parts = sample.split(FOLDS, rng)
    without_two = {
        frozenset(pair): functionals(sample.without(*(parts[k] for k in pair)))
        for pair in combinations(range(FOLDS), 2)
    }
    means, variances = [], []
    for k, part in enumerate(parts):
        own = functionals(sample.without(part))
        jumps = [own - without_two[frozenset((k, m))] for m in range(FOLDS) if m != k]
        means.append(part.mean(own))
        variances.append(sample.variance(np.stack([own, *jumps]), part).sum(axis=0))
    return np.mean(means, axis=0), np.sqrt(np.sum(variances, axis=0)) / FOLDS


def left_out_means(
    sample: Sample, functionals: Functionals, rng: np.random.Generator
) -> FloatArray:
    """The averages of `cross_fit` alone, without their standard errors, shape (m,)."""
    parts = sample.split(FOLDS, rng)
    means = [part.mean(functionals(sample.without(part))) for part in parts]
    return np.asarray(np.mean(means, axis=0), dtype=np.float64)
