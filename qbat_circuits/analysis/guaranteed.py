"""A lower end and a p-value that hold for any number of shots, without a normal approximation.

One half of the shots chooses the functional w (a unitary), the other half measures it. The
estimate S = sum_{s,i} w_s(y_{si}) / n_s is a sum of independent bounded terms with mean <= W (where
shots come in draws, the terms are the means of the draws and n_s is their number), so by
Bernstein's inequality (Boucheron, Lugosi, Massart, Concentration Inequalities, Oxford 2013,
theorem 2.10; V the variance of S, b the largest range of a term)

    S - W <= sqrt(2 V ln(1/d)) + b ln(1/d) / 3    with probability >= 1 - d.

V is not known. Its unbiased estimate V_S, a sum of sample variances, is self-bounding (Maurer and
Pontil, COLT 2009, arXiv:0907.3740, theorem 10, which holds term by term): with probability >= 1 - d

    sqrt(V) <= sqrt(V_S) + b sqrt(2 a ln(1/d)),    a = max n_s / (n_s - 1).

Assignment matrices that were measured lie in a box of Clopper and Pearson's intervals with
probability >= 1 - `CALIBRATION_RISK`; along each error rate the bound is a concave function of a
monotone one, so its smallest value over the box is at a corner. See docs/estimating-work.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from math import log, sqrt

import numpy as np

from qbat_circuits.analysis.sample import IntTable, Sample
from qbat_circuits.cells import FloatArray
from qbat_circuits.pair_readout import Readout
from qbat_circuits.readout_model import ReadoutModel

#: Probability that some measured error rate is outside its box; part of every bound's risk.
CALIBRATION_RISK = 1e-4
#: Most cells for which the 4^N corners of the box are searched.
MAX_BOX_CELLS = 5
#: Share of the risk for the variance being larger than it looks; the rest is for the mean.
_VARIANCE_SHARE = 0.1
#: Smallest p-value that is told apart from 0.
_SMALLEST_P = 1e-12

_Box = tuple[FloatArray, FloatArray]


@dataclass(frozen=True)
class Guarantee:
    """What holds for any number of shots; see `guarantee` for the readouts without one.

    Args:
        low: with the wanted confidence the work is at least this.
        p_value: of the hypothesis that the work is 0; a state without work gives a value <= p with
            probability <= p.
    """

    low: float
    p_value: float


def guarantee(
    sample: Sample,
    functional: Callable[[Sample], FloatArray],
    confidence: float,
    rng: np.random.Generator,
) -> Guarantee | None:
    """The bound and the p-value, from both ways of using the halves, at half the risk each.

    Args:
        sample: at least 4 shots in each setting.
        functional: weights of the work of some unitary, shape (S, 2^N), from a sample.
        confidence: of the lower end.
        rng: deals the shots.

    Returns:
        None for measured assignment matrices (those with calibration shots) of more than
        `MAX_BOX_CELLS` cells, of pairs of cells, with three readings, or so uncertain that one
        could be singular. Exact matrices of any kind have a bound.
    """
    if not _has_box(sample.readout):
        return None
    halves = sample.split(2, rng)
    boxes = _error_boxes([half.readout for half in halves])
    if boxes is None:
        return None
    ways = [_Corners.of(functional(halves[1 - k]), halves[k], boxes[k]) for k in range(len(halves))]
    fixed = CALIBRATION_RISK if sample.readout.calibration_shots is not None else 0.0
    risk = 1 - confidence - fixed
    low = max(way.bound(risk / 2) for way in ways) if risk > 0 else 0.0
    p_value = 2 * min(way.p_value() for way in ways) + fixed
    return Guarantee(max(0.0, low), min(1.0, p_value))


def guarantee_fixed(
    parts: Sequence[tuple[Sample, FloatArray]], confidence: float
) -> Guarantee | None:
    """The bound and the p-value of a functional that was fixed before the shots were taken.

    No half is needed to choose it, so all shots measure it, at the whole risk. Its mean may be
    negative, and so may the bound; the p-value is that of a mean <= 0.

    Args:
        parts: samples with independent readouts, each with at least 2 shots in each setting, and
            the weights of the functional on them, shape (S, 2^N).
        confidence: of the lower end.

    Returns:
        None where `guarantee` has none for one of the readouts.
    """
    boxes = _error_boxes([sample.readout for sample, _ in parts])
    if boxes is None:
        return None
    corners = [_Corners.of(w, sample, box) for (sample, w), box in zip(parts, boxes, strict=True)]
    every = _Corners(  # each corner of one box with each of the others
        reduce(np.add.outer, [c.mean for c in corners]).ravel(),
        reduce(np.add.outer, [c.variance for c in corners]).ravel(),
        reduce(np.maximum.outer, [c.largest for c in corners]).ravel(),
        max(c.excess for c in corners),
    )
    measured = sum(sample.readout.calibration_shots is not None for sample, _ in parts)
    fixed = CALIBRATION_RISK * measured / 2  # the boxes are made for two samples
    risk = 1 - confidence - fixed
    low = every.bound(risk) if risk > 0 else -np.inf
    return Guarantee(low, min(1.0, every.p_value() + fixed))


@dataclass(frozen=True, eq=False)
class _Corners:
    """Mean, estimated variance and largest range of a functional at each corner, shape (C,)."""

    mean: FloatArray
    variance: FloatArray
    largest: FloatArray
    excess: float  # a = max n / (n - 1)

    @classmethod
    def of(cls, weights: FloatArray, sample: Sample, box: _Box) -> _Corners:
        """At the corners of the box of error rates; one if they are exact."""
        read = _pulled_to_corners(weights, sample.readout, box)
        mean = np.sum(read * sample.frequencies, axis=2).sum(axis=1)
        variance, terms = sample.scatter(read)
        ranges = (read.max(axis=2) - read.min(axis=2)) / terms
        return cls(mean, variance, ranges.max(axis=1), float(np.max(terms / (terms - 1))))

    def bound(self, risk: float) -> float:
        """The lower end with this risk, at the worst corner."""
        of_variance, of_mean = log(1 / (risk * _VARIANCE_SHARE)), -log(risk * (1 - _VARIANCE_SHARE))
        root = np.sqrt(self.variance) + self.largest * sqrt(2 * self.excess * of_variance)
        lows = self.mean - sqrt(2 * of_mean) * root - self.largest * of_mean / 3
        return float(lows.min())

    def p_value(self) -> float:
        """The smallest risk at which the bound is above 0, rounded up by at most 5 %."""
        if self.bound(_SMALLEST_P) > 0:
            return _SMALLEST_P
        low, high = _SMALLEST_P, 1.0
        while high / low > 1.05:
            middle = sqrt(low * high)
            low, high = (low, middle) if self.bound(middle) > 0 else (middle, high)
        return high


def _pulled_to_corners(weights: FloatArray, readout: Readout, box: _Box) -> FloatArray:
    """Weights on readings, shape (C, S, K^N), for every corner of the box of error rates."""
    if readout.calibration_shots is None:
        return readout.pull_back(weights)[None]
    w = weights[None]
    for low, high in zip(*box, strict=True):  # the last digit of x becomes the first of y
        corners = product(*zip(low, high, strict=True))
        inverses = np.stack([np.linalg.inv([[1 - a, b], [a, 1 - b]]) for a, b in corners])
        digits = w.reshape(len(w), 1, len(weights), -1, 2) @ inverses[:, None]
        w = digits.swapaxes(-1, -2).reshape(-1, *weights.shape)
    return w


def _has_box(readout: Readout) -> bool:
    """Whether the matrices are exact, or have two error rates a cell and few enough corners."""
    of_cells = isinstance(readout, ReadoutModel) and readout.outcomes == 2
    few = of_cells and readout.n_cells <= MAX_BOX_CELLS
    return few or readout.calibration_shots is None


def _error_boxes(readouts: Sequence[Readout]) -> list[_Box] | None:
    """The box of each readout, None where one has none or holds a singular matrix."""
    if not all(_has_box(readout) for readout in readouts):
        return None
    boxes = [_error_box(readout) for readout in readouts]
    # The determinant 1 - P(1|0) - P(0|1) of a cell must have one sign all over its box.
    if any(np.any((low.sum(axis=1) - 1) * (high.sum(axis=1) - 1) <= 0) for low, high in boxes):
        return None
    return boxes


def _error_box(readout: Readout) -> _Box:
    """Ranges of P(1|0) and P(0|1) of each cell, shape (N, 2) each; empty if they are exact."""
    if readout.calibration_shots is None:
        return np.zeros((0, 2)), np.zeros((0, 2))
    counts = np.asarray(readout.calibration_counts())  # those of a third level are not needed
    events = np.stack([counts[:, 1, 0], counts[:, 0, 1]], axis=-1)
    risk = CALIBRATION_RISK / (4 * readout.n_cells)  # two halves, two rates a cell
    return _clopper_pearson(events, np.asarray(readout.calibration_shots)[:, :2], risk)


def _clopper_pearson(
    events: IntTable, shots: IntTable, risk: float
) -> tuple[FloatArray, FloatArray]:
    """Two-sided intervals of probabilities, each with this risk (Biometrika 26, 404 (1934))."""
    from scipy.special import betaincinv

    with np.errstate(invalid="ignore"):
        low = betaincinv(events, shots - events + 1, risk / 2)
        high = betaincinv(events + 1, shots - events, 1 - risk / 2)
    return np.where(events == 0, 0.0, low), np.where(events == shots, 1.0, high)
