"""Populations in one basis from counts, and honest ends for the work that they hold.

With populations p of known multiplicity in some basis, W(p) = max_o sum p o over the functionals o
of all unitaries that pour this basis into the levels: a maximum of linear functions, so it is
convex, and the logic of `intervals` holds. What differs from a whole state: there are few numbers,
so each end can afford an optimisation over o. See docs/dicke-scheme.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from math import fsum, sqrt

import numpy as np
from numpy.typing import NDArray

from qbat_circuits.analysis.intervals import FOLDS, OCCUPIED_SIGMA, Interval
from qbat_circuits.analysis.sample import Sample
from qbat_circuits.analysis.scheme import UNPHYSICAL_SIGMA
from qbat_circuits.cells import FloatArray
from qbat_circuits.pair_readout import Readout

#: The functional of the lower end avoids noise at one of these many times the z of the interval.
CAUTIONS = np.array([1.5, 4.0])
#: Steps towards the functional of the best lower end; 40 raise it by 2 % of the width at most.
_STEPS = 12
#: Steps from each start towards the functional of the upper end.
_ASCENTS = 4


@dataclass(frozen=True, eq=False)
class Filling:
    """Work of F measured numbers p, of which the first G are populations: W = max_o p . o.

    o = fixed - (mean of the levels that each population fills), the populations over their
    multiplicities sorted down and the levels up. Any p gives the functional of some unitary.

    Args:
        weights: of the numbers p on the qubit outcomes, shape (F, S, 2^N).
        fixed: their coefficients in the stored energy, shape (F,).
        multiplicities: of the populations, shape (G,), summing to 2^N.
        levels: all levels, rising, shape (2^N,).
    """

    weights: FloatArray
    fixed: FloatArray
    multiplicities: NDArray[np.int64]
    levels: FloatArray

    def functional(self, p: FloatArray, levels: FloatArray | None = None) -> FloatArray:
        """The best o for these numbers, shape (..., F); source: docs/physics.md, section 4."""
        d, g = self.multiplicities, len(self.multiplicities)
        rows = p.reshape(-1, p.shape[-1])
        order = np.argsort(-rows[:, :g] / d, axis=1, kind="stable")
        width = d[order]
        ends = width.cumsum(axis=1)
        total = self._energy_below if levels is None else _sums(levels)
        o = np.tile(self.fixed, (len(rows), 1))
        o[np.arange(len(rows))[:, None], order] -= (total[ends] - total[ends - width]) / width
        return o.reshape(p.shape)

    def numbers(self, sample: Sample) -> FloatArray:
        """The numbers p, shape (F,): unbiased, so populations may be negative."""
        return sample.mean(self.weights)

    @cached_property
    def _energy_below(self) -> FloatArray:
        return _sums(self.levels)


@dataclass(frozen=True, eq=False)
class Measured:
    """The numbers of a filling with their noise."""

    filling: Filling
    sample: Sample

    @cached_property
    def p(self) -> FloatArray:
        """The numbers, shape (F,)."""
        return self.filling.numbers(self.sample)

    @cached_property
    def covariance(self) -> FloatArray:
        """Of the numbers over all shots, shape (F, F)."""
        sample = self.sample
        if sample.readout.calibration_shots is not None:
            per_shot = sample.covariance(self.filling.weights)
            of_shots = np.einsum("sfg,s->fg", per_shot[:-1], 1 / sample.shots)
            return np.asarray(of_shots + per_shot[-1], dtype=np.float64)
        read = _on_readings(self.filling, sample.readout)
        total = np.zeros((len(self.filling.fixed),) * 2)
        for row in range(len(sample.table)):
            total += sample.setting_covariance(read[:, row], row)
        return total

    @cached_property
    def positive(self) -> bool:
        """False where a population is negative by more than noise."""
        populations = len(self.filling.multiplicities)
        errors = np.sqrt(np.diagonal(self.covariance))
        return bool(np.all((self.p > -UNPHYSICAL_SIGMA * errors)[:populations]))

    def error(self, o: FloatArray) -> FloatArray:
        """Standard errors of p . o, shape (..., F) -> (...)."""
        return np.asarray(np.sqrt(np.maximum(0.0, np.sum((o @ self.covariance) * o, axis=-1))))

    def above(self) -> float:
        """W_c of the numbers, never below the truth in the mean."""
        return float(self.p @ self.filling.functional(self.p, self._capped_levels))

    def upper(self, z: float) -> float:
        """The upper end: the largest p.o + z*error(o) over the functionals of unitaries.

        That of the truth is one of them. The optimum at p alone is not enough where the populations
        are ordered like those of a passive state: there o = 0 without any error. The error is
        convex, so every step upward along the slope gains.
        """
        p, levels, covariance = self.p, self._capped_levels, self.covariance
        sigmas = np.sqrt(np.diagonal(covariance))
        shifts = z * covariance / np.where(sigmas > 0, sigmas, 1.0)
        starts = np.concatenate([p[None], p + shifts, p - shifts])
        end = -np.inf
        for _ in range(1 + _ASCENTS):
            o = self.filling.functional(starts, levels)
            error = self.error(o)
            end = max(end, float(np.max(o @ p + z * error)))
            starts = p + z * (o @ covariance) / np.where(error > 0, error, 1.0)[:, None]
        return float(end)

    def safest(self, p: FloatArray, z: FloatArray) -> FloatArray:
        """The functionals o, mixtures of unitaries' ones, with the largest p.o - z*error(o).

        Concave in o, and the best unitary for any linear objective is `Filling.functional`: Frank
        and Wolfe, Naval Res. Logist. Q. 3, 95 (1956), with the exact step.

        Args:
            p: numbers, one set for each o, shape (B, F).
            z: standard errors, shape (B,).
        """
        o = self.filling.functional(p)
        for _ in range(_STEPS):
            noise = o @ self.covariance
            error = np.sqrt(np.maximum(_dot(noise, o), 1e-300))
            slope = p - (z / error)[:, None] * noise
            step = self.filling.functional(slope) - o
            if np.all(_dot(slope, step) <= 1e-3 * error):
                break
            across = step @ self.covariance
            quadratic = _dot(noise, o), _dot(across, o), _dot(across, step)
            o += _best_step(_dot(p, step), z, *quadratic)[:, None] * step
        return o

    @cached_property
    def _capped_levels(self) -> FloatArray:
        """All levels, those behind the last occupied eigenvalue lowered to the one before."""
        p, d, levels = self.p, self.filling.multiplicities, self.filling.levels
        if not self.positive:
            return levels
        order = np.argsort(-p[: len(d)] / d, kind="stable")
        tails = np.zeros((len(d), len(p)))  # row k: all populations but the k + 1 largest
        tails[:, order] = np.arange(len(d)) > np.arange(len(d))[:, None]
        empty = tails @ p <= OCCUPIED_SIGMA * self.error(tails)
        kept = 1 + int(np.argmax(empty))  # the last tail is none, so empty
        cap = levels[int(d[order[:kept]].sum()) - 1]
        return np.asarray(np.minimum(levels, cap), dtype=np.float64)


def work_weights(fillings: Sequence[Measured], z: float, part: Sample) -> FloatArray:
    """Weights, shape (S, 2^N), of the safest functional that a part of the shots finds.

    Noise is that of the fillings' whole sample; of several fillings, the one with the highest
    cautious value is taken.
    """
    return np.asarray(_safest_weights(fillings, z, [part])[0])


def work_interval(fillings: Sequence[Measured], z: float, rng: np.random.Generator) -> Interval:
    """The largest work of some fillings of one sample, with both ends of its interval.

    The lower end is `cross_fit`, with the functionals of all parts found at once.
    """
    sample = fillings[0].sample
    parts = sample.split(FOLDS, rng)
    pairs = list(combinations(range(FOLDS), 2))
    left = [(k,) for k in range(FOLDS)] + pairs
    found = _safest_weights(fillings, z, [sample.without(*(parts[k] for k in out)) for out in left])
    means, variances = [], []
    for k, part in enumerate(parts):
        jumps = [found[k] - found[FOLDS + m] for m, pair in enumerate(pairs) if k in pair]
        means.append(float(part.mean(found[k])))
        variances.append(float(sample.variance(np.stack([found[k], *jumps]), part).sum()))
    below, error = fsum(means) / FOLDS, sqrt(fsum(variances)) / FOLDS
    value = (below + max(measured.above() for measured in fillings)) / 2
    high = max(measured.upper(z) for measured in fillings)
    most = float(fillings[0].filling.levels[-1])
    return Interval(value, below - z * error, high).clipped(0.0, most)


def work_value(fillings: Sequence[Measured], z: float, rng: np.random.Generator) -> float:
    """The value of `work_interval`, without its ends."""
    sample = fillings[0].sample
    parts = sample.split(FOLDS, rng)
    found = _safest_weights(fillings, z, [sample.without(part) for part in parts])
    below = fsum(float(p.mean(w)) for p, w in zip(parts, found, strict=True)) / FOLDS
    value = (below + max(measured.above() for measured in fillings)) / 2
    return min(max(value, 0.0), float(fillings[0].filling.levels[-1]))


def _safest_weights(
    fillings: Sequence[Measured], z: float, samples: Sequence[Sample]
) -> FloatArray:
    """Weights that each of B samples finds, shape (B, S, 2^N).

    With little caution c the functional follows the noise of F numbers: the rest of the shots finds
    it less good by about F*error/(2cz), and `cross_fit` adds about 1/c^2 of the variance. With
    much, work of few standard errors is given up. The best end that can be expected decides.
    """
    found, values = [], []
    numbers = len(fillings[0].filling.fixed)
    least = z * np.sqrt(1 + 1 / CAUTIONS**2) + numbers / (2 * CAUTIONS * max(z, 1.0))
    for measured in fillings:
        p = np.stack([measured.filling.numbers(sample) for sample in samples])
        every = np.repeat(p, len(CAUTIONS), axis=0)
        o = measured.safest(every, np.tile(CAUTIONS * z, len(p)))
        ends = _dot(every, o) - np.tile(least, len(p)) * measured.error(o)
        found.append(o.reshape(len(p), len(CAUTIONS), -1))
        values.append(ends.reshape(len(p), -1))
    best = np.argmax(np.concatenate(values, axis=1), axis=1)
    weights = []
    for row, (filling, caution) in enumerate(zip(*divmod(best, len(CAUTIONS)), strict=True)):
        o = found[filling][row, caution]
        weights.append(np.tensordot(o, fillings[filling].filling.weights, 1))
    return np.stack(weights)


def _best_step(
    gain: FloatArray, z: FloatArray, a: FloatArray, b: FloatArray, c: FloatArray
) -> FloatArray:
    """The t in [0, 1] with the largest gain*t - z*sqrt(a + 2bt + ct^2)."""
    narrowing = c * (z**2 * c - gain**2)
    grows = narrowing > 0  # else the gain outweighs any growth of the error
    c = np.where(grows, c, 1.0)
    rest = np.maximum(0.0, a - b * b / c)
    best = gain * np.sqrt(rest / np.where(grows, narrowing, 1.0)) - b / c
    return np.where(grows, np.clip(best, 0.0, 1.0), np.where(gain > 0, 1.0, 0.0))


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray((a * b).sum(axis=-1))


@lru_cache(maxsize=4)
def _on_readings(filling: Filling, readout: Readout) -> FloatArray:
    """The weights of a filling on readings: the same for all parts of the shots."""
    return readout.pull_back(filling.weights)


def _sums(levels: FloatArray) -> FloatArray:
    return np.concatenate([[0.0], np.cumsum(levels)])
