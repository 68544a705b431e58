"""Populations p(j, m) from counts, and honest ends for the work that they hold.

W(p) = sum_{j,m} p(j, m) o(j, m) with the best functional o of all unitaries: a maximum of linear
functions, so it is convex, and the logic of `intervals` holds. What differs: there are (N/2+1)^2
numbers instead of 4^N, so each end can afford an optimisation over o. See docs/dicke-scheme.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import sqrt
from typing import NamedTuple

import numpy as np

from qbat_circuits.analysis.estimate import UNPHYSICAL_SIGMA, Interval
from qbat_circuits.analysis.intervals import (
    FOLDS,
    OCCUPIED_SIGMA,
    IntTable,
    frequencies,
    split_counts,
)
from qbat_circuits.analysis.symmetric_settings import (
    Kind,
    kind_of,
    multiplicities,
    outcome_shares,
    population_weights,
    sectors,
)
from qbat_circuits.cells import FloatArray
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.counts import Counts

#: The functional of the lower end avoids noise at this many times the z of the interval.
CAUTION = 3.0
#: Shots added to every number of excited readings of a kind where a variance is estimated: what
#: never occurred is not certain never to occur, and 2 make 1.96 standard errors of no count 2.8.
EXTRA_SHOTS = 2.0
#: Steps towards the functional of the best lower end; more change it by less than 1 %.
_STEPS = 20
#: Steps from each start towards the functional of the upper end.
_ASCENTS = 4


def filling(n_cells: int, populations: FloatArray) -> FloatArray:
    """The functional o(j, m) of the unitary that extracts the most work: W = sum p(j, m) o(j, m).

    Eigenvalues p(j, m)/d_j, d_j times each, are sorted down and poured into the levels k of
    capacity C(N, k); o is the energy of (j, m) less the mean energy of the levels that it fills.
    Any populations give the functional of some unitary. Source: docs/physics.md, section 4.
    """
    return sector_energies(n_cells) - _poured(n_cells, populations, _levels(n_cells))


def _poured(n: int, populations: FloatArray, levels: FloatArray) -> FloatArray:
    """Mean of the levels, shape (2^N,) rising, that each (j, m) fills."""
    d = multiplicities(n)
    order = np.argsort(-populations / d, kind="stable")
    ends = np.cumsum(d[order])
    total = np.concatenate([[0.0], np.cumsum(levels)])
    result = np.empty(len(d))
    result[order] = (total[ends] - total[ends - d[order]]) / d[order]
    return result


@lru_cache(maxsize=16)
def sector_energies(n: int) -> FloatArray:
    """Energy of each (j, m): its number of excited cells (read-only)."""
    return _fixed(np.array([m + n / 2 for _, m in sectors(n)]))


@lru_cache(maxsize=16)
def _levels(n: int) -> FloatArray:
    """All 2^N levels, rising (read-only)."""
    return _fixed(np.sort(np.repeat(sector_energies(n), multiplicities(n))))


def _fixed(array: FloatArray) -> FloatArray:
    array.flags.writeable = False
    return array


class Bounds(NamedTuple):
    """The value and both ends of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class PopulationSample:
    """Counts of the settings, shape (S, 2^N), with the weights (F, S, 2^N) of the populations.

    ``extra`` are the shots added to each outcome where a variance is estimated, shape (S, 2^N).
    """

    n_cells: int
    table: IntTable
    weights: FloatArray
    extra: FloatArray

    @classmethod
    def of(cls, counts: Counts, labels: tuple[str, ...], readout: ReadoutModel) -> PopulationSample:
        """The sample of these settings of the counts, with the readout to be inverted."""
        rows = [counts.settings.index(label) for label in labels]
        table = counts.table[rows]
        inverse: dict[Kind, float] = {}
        size: dict[Kind, int] = {}
        for label, shots in zip(labels, table.sum(axis=1).tolist(), strict=True):
            kind = kind_of(label)
            inverse[kind] = inverse.get(kind, 0.0) + 1 / shots
            size[kind] = size.get(kind, 0) + 1
        effective = {kind: size[kind] ** 2 / inverse[kind] for kind in inverse}
        weights = population_weights(labels, effective)
        n = counts.n_cells
        for i, inverted in enumerate(np.linalg.inv(readout.assignment)):
            bits = weights.reshape(*weights.shape[:-1], 2 ** (n - 1 - i), 2, 2**i)
            weights = np.einsum("xy,...axb->...ayb", inverted, bits).reshape(weights.shape)
        extra = EXTRA_SHOTS * np.stack([outcome_shares(label) for label in labels])
        extra /= [[size[kind_of(label)]] for label in labels]
        return cls(n, table, weights, extra)

    @cached_property
    def populations(self) -> FloatArray:
        return self._populations(self.table)

    @cached_property
    def covariance(self) -> FloatArray:
        """Of the populations over all shots, shape (F, F)."""
        return self._covariance(self.table.sum(axis=1))

    @cached_property
    def positive(self) -> bool:
        """False where a population is negative by more than noise."""
        errors = np.sqrt(np.diagonal(self.covariance))
        return bool(np.all(self.populations > -UNPHYSICAL_SIGMA * errors))

    def energy(self, z: float) -> Interval:
        """Normal interval of the linear functional sum p(j, m) (m + N/2), within [0, N]."""
        energies = sector_energies(self.n_cells)
        value = float(self.populations @ energies)
        reach = z * self._error(energies)
        ends = (min(max(e, 0.0), self.n_cells) for e in (value, value - reach, value + reach))
        return Interval(*ends)

    def bounds(self, z: float, seed: int) -> Bounds:
        """The value and both ends, by the two directions of convexity (docs/dicke-scheme.md)."""
        above, end = self._upper(z)
        below, below_error = self._lower(z, np.random.default_rng(seed))
        most = float(self.n_cells)
        low = min(max(below - z * below_error, 0.0), most)
        high = max(min(end, most), low)
        return Bounds(min(max((below + above) / 2, low), high), low, high)

    def _upper(self, z: float) -> tuple[float, float]:
        """W_c of the populations, never below the truth in the mean, and the upper end.

        The end is the largest p.o + z*error(o) over the functionals of unitaries, because that of
        the truth is one of them. Its own optimum is not enough where the populations are ordered
        like those of a passive state: there o = 0 without any error.
        """
        p, levels = self.populations, self._capped_levels()
        own = self._functional(p, levels)
        sigmas = np.sqrt(np.diagonal(self.covariance))
        shifts = z * self.covariance / np.where(sigmas > 0, sigmas, 1.0)
        end = float(p @ own) + z * self._error(own)
        for start in (p, *(p + shifts.T), *(p - shifts.T)):
            o = self._functional(start, levels)
            for _ in range(_ASCENTS):  # convex, so every step upward along the slope gains
                error = self._error(o)
                end = max(end, float(p @ o) + z * error)
                if error == 0:
                    break
                o = self._functional(p + z * (self.covariance @ o) / error, levels)
        return float(p @ own), end

    def _capped_levels(self) -> FloatArray:
        """All levels, those behind the last occupied eigenvalue lowered to the one before."""
        p, d, levels = self.populations, multiplicities(self.n_cells), _levels(self.n_cells)
        if not self.positive:
            return levels
        order = np.argsort(-p / d, kind="stable")
        for kept in range(1, len(p)):
            tail = np.zeros(len(p))
            tail[order[kept:]] = 1
            if p @ tail <= OCCUPIED_SIGMA * self._error(tail):
                cap = levels[int(d[order[:kept]].sum()) - 1]
                return np.asarray(np.minimum(levels, cap), dtype=np.float64)
        return levels

    def _functional(self, p: FloatArray, levels: FloatArray) -> FloatArray:
        return sector_energies(self.n_cells) - _poured(self.n_cells, p, levels)

    def _lower(self, z: float, rng: np.random.Generator) -> tuple[float, float]:
        """Functionals from K - 1 parts, measured on the part left out, averaged, and the error.

        Error and correlation of the parts as in `intervals.cross_fit`.
        """
        parts = split_counts(self.table, FOLDS, rng)

        def functional(*left_out: int) -> FloatArray:
            rest = self.table - sum(parts[k] for k in left_out)
            return self._safest(self._populations(rest), CAUTION * z)

        without_two = {(k, m): functional(k, m) for k in range(FOLDS) for m in range(k)}
        mean, variance = 0.0, 0.0
        for k, part in enumerate(parts):
            own, covariance = functional(k), self._covariance(part.sum(axis=1))
            jumps = [own - without_two[max(k, m), min(k, m)] for m in range(FOLDS) if m != k]
            mean += float(self._populations(part) @ own) / FOLDS
            variance += sum(float(o @ covariance @ o) for o in (own, *jumps)) / FOLDS**2
        return mean, sqrt(variance)

    def _safest(self, p: FloatArray, z: float) -> FloatArray:
        """The functional o, a mixture of unitaries' ones, with the largest p.o - z*error(o).

        Concave in o, and the best unitary for any linear objective is `filling`: Frank and Wolfe,
        Naval Res. Logist. Q. 3, 95 (1956), with the exact step.
        """
        o = filling(self.n_cells, p)
        for _ in range(_STEPS):
            error = max(self._error(o), 1e-300)
            slope = p - z * (self.covariance @ o) / error
            step = filling(self.n_cells, slope) - o
            if float(slope @ step) <= 1e-3 * error:
                break
            o = o + _best_step(float(p @ step), z, self.covariance, o, step) * step
        return o

    def _populations(self, table: IntTable) -> FloatArray:
        return np.asarray(np.einsum("fsy,sy->f", self.weights, frequencies(table)))

    @cached_property
    def _one_shot(self) -> FloatArray:
        """Covariance of one shot of each setting, shape (S, F, F)."""
        smoothed = self.table + self.extra
        q = smoothed / smoothed.sum(axis=1, keepdims=True)
        weights = self.weights.swapaxes(0, 1)
        centred = weights - np.einsum("sfy,sy->sf", weights, q)[..., None]
        return np.asarray((centred * q[:, None]) @ centred.swapaxes(1, 2), dtype=np.float64)

    def _covariance(self, shots: IntTable) -> FloatArray:
        return np.asarray(np.einsum("sfg,s->fg", self._one_shot, 1 / shots), dtype=np.float64)

    def _error(self, functional: FloatArray) -> float:
        return sqrt(max(0.0, float(functional @ self.covariance @ functional)))


def _best_step(
    gain: float, z: float, covariance: FloatArray, o: FloatArray, step: FloatArray
) -> float:
    """The t in [0, 1] with the largest gain*t - z*error(o + t*step)."""
    a, b, c = (float(x @ covariance @ y) for x, y in ((o, o), (o, step), (step, step)))
    narrowing = c * (z**2 * c - gain**2)
    if narrowing <= 0:  # the gain outweighs any growth of the error
        return 1.0 if gain > 0 else 0.0
    rest = max(0.0, a - b * b / c)
    best = gain * sqrt(rest / narrowing) - b / c
    return min(max(best, 0.0), 1.0)
